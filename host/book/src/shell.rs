//! Finds commands in documents and in lines for a shell.

use crate::markdown::{CodeBlock, code_blocks};

/// The programs whose commands are checked.
const PROGRAMS: [&str; 2] = ["cordboard", "cargo xtask"];

/// A block of a document that contains lines for a shell.
#[derive(Debug, PartialEq, Eq)]
pub struct ShellBlock {
    /// The lines, with their line numbers, without comments and output.
    pub commands: Vec<(usize, String)>,
}

/// Returns the blocks whose language is `sh`, or `console`, in which commands begin with `$ `. A block without a
/// language counts as `sh` if its first line calls one of the project's programs.
#[must_use]
pub fn shell_blocks(markdown: &str) -> Vec<ShellBlock> {
    code_blocks(markdown).iter().filter_map(shell_block).collect()
}

fn shell_block(block: &CodeBlock) -> Option<ShellBlock> {
    let prompt = match block.language.as_str() {
        "sh" => "",
        "console" => "$ ",
        "" if block.text.lines().next().is_some_and(is_call) => "",
        _ => return None,
    };
    let lines = block.text.lines().enumerate();
    let commands = lines.filter_map(|(number, line)| {
        let command = line.strip_prefix(prompt)?.trim();
        (!command.is_empty() && !command.starts_with('#')).then(|| (block.line + number, command.to_owned()))
    });
    Some(ShellBlock { commands: commands.collect() })
}

fn is_call(line: &str) -> bool {
    PROGRAMS.iter().any(|program| !calls(line, program).is_empty())
}

/// Returns the words of each call of `program` in a line for a shell, beginning with the program. `program` may consist
/// of several words, such as `cargo xtask`. Variables, `sudo` and a path may precede it. Text that isn't valid for a
/// shell contains no call.
#[must_use]
pub fn calls(line: &str, program: &str) -> Vec<Vec<String>> {
    let Ok(words) = shell_words::split(&with_separate_operators(line)) else { return Vec::new() };
    let commands = words.split(|word| matches!(word.as_str(), "|" | ";" | "&" | "(" | ")"));
    commands.filter_map(|command| call(command, program)).collect()
}

fn call(command: &[String], program: &str) -> Option<Vec<String>> {
    let is_before =
        |word: &&String| word.as_str() == "sudo" || word.split('/').next().unwrap_or_default().contains('=');
    let command = &command[command.iter().take_while(is_before).count()..];
    let names: Vec<&str> = program.split(' ').collect();
    let begins = command.len() >= names.len()
        && command.iter().zip(&names).all(|(word, name)| word.rsplit('/').next() == Some(name));
    let mut words = command.iter();
    let mut call = Vec::new();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "<" | ">") {
            words.next();
        } else {
            call.push(word.clone());
        }
    }
    begins.then(|| std::iter::once(program.to_owned()).chain(call.drain(names.len()..)).collect())
}

/// Puts spaces around the operators outside of quotes, so that they become words, and replaces each `$(…)` by a word.
fn with_separate_operators(line: &str) -> String {
    let mut separated = String::new();
    let mut quote = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('$', None | Some('"')) if rest.peek() == Some(&'(') => {
                rest.by_ref().find(|c| *c == ')');
                separated.push_str("OUTPUT");
            }
            ('|' | ';' | '&' | '(' | ')' | '<' | '>', None) => separated.extend([' ', c, ' ']),
            ('\'' | '"', None) => {
                quote = Some(c);
                separated.push(c);
            }
            (c, Some(end)) if c == end => {
                quote = None;
                separated.push(c);
            }
            (c, _) => separated.push(c),
        }
    }
    separated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_blocks_contain_only_commands() {
        let text = "```sh\n# comment\na\n\nb\n```\n```console\n$ c\noutput\n```\n```\ncordboard run\nd\n```\n```\noutput\ncordboard run\n```\n```toml\ne = 1\n```\n";
        let blocks = shell_blocks(text);
        let lines = |block: &ShellBlock| block.commands.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>();
        assert_eq!(
            blocks.iter().map(lines).collect::<Vec<_>>(),
            [vec!["a", "b"], vec!["c"], vec!["cordboard run", "d"]]
        );
        assert_eq!(blocks[0].commands[1].0, 5);
    }

    #[test]
    fn calls_are_found_in_pipes_and_behind_variables() {
        let words = |line: &str| calls(line, "cordboard").concat().join(" ");
        assert_eq!(words("printf 'a|b' | cordboard run --chat console  # here"), "cordboard run --chat console");
        assert_eq!(words("A=1 sudo target/debug/cordboard check"), "cordboard check");
        assert_eq!(words("git diff|cordboard send --session a - > out.md"), "cordboard send --session a -");
        assert_eq!(words("cordboard backup /b/c-$(date +%F).db"), "cordboard backup /b/c-OUTPUT.db");
        assert_eq!(words("cordboard send \"run it; now\""), "cordboard send run it; now");
        assert_eq!(words("(cd a; cordboard check)"), "cordboard check");
        assert_eq!(words("journalctl -u cordboard -f"), "");
        assert_eq!(words("don't"), "");
    }

    #[test]
    fn a_program_can_have_two_words() {
        assert_eq!(calls("cargo xtask test -- resume", "cargo xtask"), [["cargo xtask", "test", "--", "resume"]]);
        assert!(calls("cargo test", "cargo xtask").is_empty());
    }
}
