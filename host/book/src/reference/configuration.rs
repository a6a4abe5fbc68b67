//! The page about the configuration, from the comments and keys of `config.toml`.

/// Returns the page as Markdown. `toml` is the commented default configuration.
#[must_use]
pub fn configuration(toml: &str) -> String {
    let mut page = Page::default();
    let mut lines = toml.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("# ") {
            page.comment.push(comment);
        } else if let Some(table) = table(line) {
            page.begin_table(table);
        } else if line.contains(" = ") {
            let mut value = vec![line];
            if let Some(end) = end_of_value(line) {
                value.extend(lines.by_ref().take_while(|line| *line != end));
                value.push(end);
            }
            page.add_key(&value);
        } else {
            page.end_paragraph();
        }
    }
    page.text
}

/// Returns the name of a table from its line, which is a comment if the table is an example.
fn table(line: &str) -> Option<&str> {
    line.strip_prefix('#').unwrap_or(line).strip_prefix('[')?.strip_suffix(']')
}

/// Returns the last line of a value that continues in further lines.
fn end_of_value(line: &str) -> Option<&'static str> {
    let ends = [("= \"\"\"", "\"\"\""), ("= [", "]")];
    ends.into_iter().find(|(opening, _)| line.ends_with(opening)).map(|(_, end)| end)
}

#[derive(Default)]
struct Page<'a> {
    text: String,
    /// The comment lines since the last key, table or empty line.
    comment: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn begin_table(&mut self, table: &str) {
        self.text.push_str(&format!("## \\[{table}\\]\n\n"));
        self.end_paragraph();
    }

    /// Adds a key, which is a comment if it has no default.
    fn add_key(&mut self, value: &[&'a str]) {
        let first = value.first().copied().unwrap_or_default();
        let name = first.trim_start_matches('#').split(" = ").next().unwrap_or_default();
        let example = if first.starts_with('#') { "Not set by default. An example:\n\n" } else { "" };
        let value = value.join("\n");
        self.text.push_str(&format!("### `{name}`\n\n"));
        self.end_paragraph();
        self.text.push_str(&format!("{example}```toml\n{}\n```\n\n", value.trim_start_matches('#')));
    }

    fn end_paragraph(&mut self) {
        if !self.comment.is_empty() {
            self.text.push_str(&format!("{}\n\n", as_markdown(&self.comment.join("\n"))));
            self.comment.clear();
        }
    }
}

/// Escapes the characters of a comment that Markdown or HTML would interpret, except in code.
fn as_markdown(comment: &str) -> String {
    let parts = comment.split('`').enumerate().map(|(number, part)| {
        let is_code = number % 2 == 1;
        if is_code { format!("`{part}`") } else { escaped(part) }
    });
    parts.collect()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if "*_[]<>\\~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "# All keys.\n\n# A chat,\n# with `code_x`.\n[chat]\n# The file.\n#token_file = \"a\"\n# The list, without *.\nlist = [\n    \"a\",\n]\nplain = 1\n\n# An example.\n#[chat.work]\n#agent = \"x\"\ntext = \"\"\"\nb = 1\n\"\"\"\n";

    #[test]
    fn each_table_and_key_has_a_heading_with_its_comment() {
        let expected = "All keys.\n\n## \\[chat\\]\n\nA chat,\nwith `code_x`.\n\n### `token_file`\n\nThe file.\n\nNot set by default. An example:\n\n```toml\ntoken_file = \"a\"\n```\n\n### `list`\n\nThe list, without \\*.\n\n```toml\nlist = [\n    \"a\",\n]\n```\n\n### `plain`\n\n```toml\nplain = 1\n```\n\n## \\[chat.work\\]\n\nAn example.\n\n### `agent`\n\nNot set by default. An example:\n\n```toml\nagent = \"x\"\n```\n\n### `text`\n\n```toml\ntext = \"\"\"\nb = 1\n\"\"\"\n```\n\n";
        assert_eq!(configuration(TOML), expected);
    }

    #[test]
    fn the_page_describes_each_table_of_the_default_configuration() {
        let toml = include_str!("../../../../config.toml");
        let page = configuration(toml);
        for line in toml.lines() {
            if let Some(table) = table(line) {
                assert!(page.contains(&format!("## \\[{table}\\]\n")), "{table}");
            }
        }
        assert!(page.contains("\n### `idle_timeout`\n\nThe time after which an idle agent is suspended"), "{page}");
        let headings = page.lines().filter(|line| line.starts_with("### ")).count();
        assert!(headings > 100, "only {headings} keys");
    }
}
