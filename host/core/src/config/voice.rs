//! `[voice]`: the program that transcribes voice messages before they are sent to an agent.

use std::{ffi::OsString, ops::RangeInclusive, path::Path, time::Duration};

use super::{
    section::Section,
    value::{Value, ValueError, list, shorten, span, text},
};

/// A model takes a few seconds to load. The maximum is far more than the longest recording needs.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// The placeholder in `[voice] command` for the recording's path.
const FILE: &str = "{file}";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Voice {
    /// `None` disables transcription.
    pub command: Option<VoiceCommand>,
    /// The maximum time to transcribe one recording.
    pub timeout: Duration,
}

/// The program that transcribes a recording, and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceCommand {
    /// An absolute path, or a name that is looked up in `PATH`.
    pub program: String,
    args: Vec<String>,
}

impl Voice {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("command", &mut self.command, command);
        section.set("timeout", &mut self.timeout, span(TIMEOUT));
    }
}

impl VoiceCommand {
    /// Returns the arguments for the recording at this path. The path replaces `{file}`, or is appended if no argument
    /// contains `{file}`.
    #[must_use]
    pub fn args_for(&self, file: &Path) -> Vec<OsString> {
        let mut args: Vec<OsString> = self.args.iter().map(|arg| with_file(arg, file)).collect();
        if !self.args.iter().any(|arg| arg.contains(FILE)) {
            args.push(file.into());
        }
        args
    }
}

/// Replaces `{file}` in `arg` with the path, which may contain any bytes.
fn with_file(arg: &str, file: &Path) -> OsString {
    let mut parts = arg.split(FILE);
    let mut whole = OsString::from(parts.next().unwrap_or_default());
    for part in parts {
        whole.push(file);
        whole.push(part);
    }
    whole
}

fn command(value: &Value<'_>) -> Result<VoiceCommand, ValueError> {
    let mut words = list::<_, Vec<String>>(text)(value)?.into_iter();
    let program = words.next().filter(|program| !program.trim().is_empty());
    let program = program.ok_or_else(|| {
        ValueError::new("must begin with a program, as in [\"whisper-cli\", \"-f\", \"{file}\"]; delete the line to turn the transcription off")
    })?;
    // The program doesn't run in the folder of the configuration, so a relative path would be ambiguous.
    if program.contains('/') && !program.starts_with('/') {
        let program = shorten(&program);
        return Err(ValueError::new(format!(
            "must begin with an absolute path or the name of a program in PATH, not \"{program}\""
        )));
    }
    Ok(VoiceCommand { program, args: words.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(args: &[&str]) -> Vec<OsString> {
        let command =
            VoiceCommand { program: "p".to_owned(), args: args.iter().map(|arg| (*arg).to_owned()).collect() };
        command.args_for(Path::new("/a b/{file}.ogg"))
    }

    #[test]
    fn the_path_replaces_its_placeholder_or_is_added() {
        assert_eq!(args(&["-f", "{file}", "-x"]), ["-f", "/a b/{file}.ogg", "-x"]);
        assert_eq!(args(&["--in={file}:{file}"]), ["--in=/a b/{file}.ogg:/a b/{file}.ogg"]);
        assert_eq!(args(&["-nt"]), ["-nt", "/a b/{file}.ogg"]);
        assert_eq!(args(&[]), ["/a b/{file}.ogg"]);
    }
}
