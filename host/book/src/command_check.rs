//! Checks the commands in the documents with the definition of a program's command line.

use std::{io, path::Path};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{documents, markdown::code_spans, shell};

/// The result of [`check`].
#[derive(Debug)]
pub struct Checked {
    /// The number of checked commands.
    pub count: usize,
    /// Each wrong command with its document, its line and the error.
    pub wrong: Vec<String>,
}

/// Checks every call of `command`'s program in all documents. A call in a shell block must be complete. Code in a
/// paragraph may omit arguments and name placeholders, such as `NAME`.
///
/// # Errors
/// The documents can't be read.
pub fn check(root: &Path, command: &clap::Command) -> io::Result<Checked> {
    let program = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut checked = Checked { count: 0, wrong: Vec::new() };
    for document in documents::all(root)? {
        let lines = shell::shell_blocks(&document.text).into_iter().flat_map(|block| block.commands);
        let whole = lines.map(|(line, text)| (line, text, Form::Whole));
        let spans = code_spans(&document.text).into_iter().map(|span| (span.line, span.text, Form::Mention));
        for (line, text, form) in whole.chain(spans) {
            for call in shell::calls(&text, program) {
                checked.count += 1;
                if let Err(error) = parse(command, call, form) {
                    checked.wrong.push(format!("{}:{line}: `{text}`: {error}", document.path));
                }
            }
        }
    }
    Ok(checked)
}

/// Distinguishes a complete command from a mention of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All words, so that a user can run the command.
    Whole,
    /// A part of the words.
    Mention,
}

/// Parses a call, which begins with the program's name.
///
/// # Errors
/// The command line doesn't accept the call.
pub fn parse(command: &clap::Command, call: Vec<String>, form: Form) -> Result<(), String> {
    let call = if form == Form::Mention { mentioned(call) } else { call };
    let Err(error) = command.clone().try_get_matches_from(call) else { return Ok(()) };
    let kind = error.kind();
    let is_help = matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_partial = matches!(
        kind,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_unknown =
        matches!(kind, ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::InvalidSubcommand);
    let is_mention = is_partial || is_unknown && names_placeholder(&error);
    if is_help || is_mention && form == Form::Mention {
        return Ok(());
    }
    Err(error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Returns the words of a mention up to an ellipsis or an arrow, without the brackets around optional words.
fn mentioned(call: Vec<String>) -> Vec<String> {
    let words = call.into_iter().take_while(|word| !matches!(word.as_str(), "…" | "→"));
    words.map(|word| word.trim_matches(['[', ']']).to_owned()).collect()
}

/// Returns whether the wrong word is missing or a placeholder, such as `NAME`.
fn names_placeholder(error: &clap::Error) -> bool {
    let word = error.get(ContextKind::InvalidValue).or_else(|| error.get(ContextKind::InvalidSubcommand));
    let Some(ContextValue::String(value)) = word else { return false };
    value.chars().all(|c| c.is_ascii_uppercase() || "-_|".contains(c))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn command() -> Command {
        let count = Arg::new("count").long("count").value_parser(clap::value_parser!(u8));
        let file = Arg::new("file").required(true);
        Command::new("tool").subcommand_required(true).subcommand(Command::new("run").arg(count).arg(file))
    }

    fn error(call: &str, form: Form) -> String {
        let call = call.split(' ').map(str::to_owned).collect();
        parse(&command(), call, form).err().unwrap_or_default()
    }

    #[test]
    fn a_whole_command_needs_all_arguments() {
        assert_eq!(error("tool run --count 3 a", Form::Whole), "");
        assert_eq!(error("tool run --help", Form::Whole), "");
        assert!(error("tool run", Form::Whole).contains("required arguments were not provided"));
        assert!(error("tool run --count N a", Form::Whole).contains("invalid value 'N'"));
    }

    #[test]
    fn a_mention_may_be_incomplete_but_not_wrong() {
        for call in [
            "tool",
            "tool COMMAND",
            "tool run",
            "tool run [--count] N",
            "tool run --count",
            "tool → b c",
            "tool run … b",
        ] {
            assert_eq!(error(call, Form::Mention), "", "{call}");
        }
        assert!(error("tool walk", Form::Mention).contains("unrecognized subcommand 'walk'"));
        assert!(error("tool run --speed 3", Form::Mention).contains("unexpected argument '--speed'"));
        assert!(error("tool run --count many", Form::Mention).contains("invalid value 'many'"));
        assert!(error("tool run a b", Form::Mention).contains("unexpected argument 'b'"));
    }

    #[test]
    fn wrong_commands_are_found_with_their_lines() {
        let root = tempfile::tempdir().unwrap();
        let text = "Use `tool walk`.\n\n```sh\ntool run a\ntool run\n```\n\n```toml\ntool = 1\n```\n";
        std::fs::write(root.path().join("a.md"), text).unwrap();
        let checked = check(root.path(), &command()).unwrap();
        assert_eq!(checked.count, 3);
        let starts: Vec<_> = checked.wrong.iter().map(|wrong| wrong.split(": error").next().unwrap()).collect();
        assert_eq!(starts, ["a.md:5: `tool run`", "a.md:1: `tool walk`"]);
    }
}
