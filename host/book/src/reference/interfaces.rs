//! The page about the WIT contract: a section for each interface and world, with its comment and its code.

/// Returns the page as Markdown. `wit` is a WIT package in the formatting of `wit/cordboard.wit`, where the items of the
/// package aren't indented.
#[must_use]
pub fn interfaces(wit: &str) -> String {
    let mut page = String::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut lines = wit.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(title) = title(line) {
            let mut code = vec![line];
            if !line.ends_with('}') {
                code.extend(lines.by_ref().take_while(|line| *line != "}"));
                code.push("}");
            }
            page.push_str(&format!("## {title}\n\n"));
            if !comment.is_empty() {
                page.push_str(&format!("{}\n\n", comment.join("\n")));
            }
            page.push_str(&format!("```wit\n{}\n```\n\n", code.join("\n")));
            comment.clear();
        } else if let Some(package) = line.strip_prefix("package ") {
            page.push_str(&format!("The package is `{}`.\n\n", package.trim_end_matches(';')));
        } else {
            comment.clear();
        }
    }
    page
}

/// Returns the title of an item's section, such as `interface state`.
fn title(line: &str) -> Option<&str> {
    let (title, _) = line.split_once(" {")?;
    (title.starts_with("interface ") || title.starts_with("world ")).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_a_section_with_its_comment() {
        let wit = "package a:b@0.2.0;\n\n/// Two\n/// lines.\ninterface one {\n    /// Inside.\n    f: func();\n}\n\n// ---- lines\n\nworld all { import one; }\n";
        let expected = "The package is `a:b@0.2.0`.\n\n## interface one\n\nTwo\nlines.\n\n```wit\ninterface one {\n    /// Inside.\n    f: func();\n}\n```\n\n## world all\n\n```wit\nworld all { import one; }\n```\n\n";
        assert_eq!(interfaces(wit), expected);
    }

    #[test]
    fn the_page_contains_the_whole_contract() {
        let wit = include_str!("../../../../wit/cordboard.wit");
        let page = interfaces(wit);
        for line in wit.lines().filter(|line| !line.starts_with("//") && !line.starts_with("package ")) {
            assert!(page.contains(line), "{line}");
        }
    }
}
