//! `cordboard plugin test`: runs a plugin's conversations, each on its own fake host, with a clock that only moves
//! when a conversation says so. Prints the differences, or with `--bless` writes the actual replies as the expected
//! ones.

mod actor;
mod bless;
mod directives;
mod secrets;
mod turn;
mod unasked;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cordboard_core::{
    encoding::{self, NotText},
    render::terminal::Colours,
};

use super::{
    diff::{Line, diff},
    error::KitError,
    harness::Harness,
    log::Log,
    progress::{self, BOLD, GREEN, RED, paint},
    project::Project,
    script::{self, Step, fits},
    subject::Subject,
};
use crate::cli;
use actor::{Actor, Came};
use cordboard_runtime::Registry;

/// The fault of a conversation that tests nothing.
const NO_CALL: &str = "the conversation never calls the plugin: add a message such as `> /hello Ada`, or a call such as `@event host-started`";

/// The folder of conversations, in a plugin's folder.
const FOLDER: &str = "tests";

/// # Errors
/// A conversation had other results, which were printed; a conversation can't be read; or the build failed.
pub fn test(wanted: &cli::Test, bench: Harness) -> Result<(), KitError> {
    let subject = match &wanted.component {
        Some(file) => Subject::read(file)?,
        None => Subject::read(&super::build(&wanted.folder)?)?,
    };
    let files = conversations(&wanted.folder)?;
    let log = Log::start();
    let failed = super::block_on(async {
        let rehearsal = Rehearsal { plugs: Arc::new(bench.plugs()?), log, subject };
        let (mut failed, mut fault) = (0, None);
        for file in &files {
            let went = if wanted.bless { rehearsal.bless(file).await } else { rehearsal.test(file).await };
            match went {
                Ok(Went::AsWritten) => {}
                Ok(Went::Otherwise) => failed += 1,
                // Run the other conversations anyway.
                Err(error @ KitError::Script { .. }) => {
                    progress::print(&format!("{}  {}\n", file.display(), verdict("FAILED", RED)));
                    fault.get_or_insert(error);
                }
                Err(error @ KitError::Unsteady { .. }) => {
                    fault.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        fault.map_or(Ok(failed), Err)
    })?;
    if failed == 0 { Ok(()) } else { Err(KitError::Otherwise { failed, all: files.len() }) }
}

/// The result of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    AsWritten,
    Otherwise,
}

/// Reads a conversation as UTF-8. Ignores a byte order mark, which some editors write.
fn read_conversation(file: &Path) -> Result<String, KitError> {
    let bytes = fs::read(file).map_err(KitError::read(file))?;
    let fault = |why: NotText| KitError::Script { place: file.display().to_string(), why: why.to_string() };
    encoding::text(bytes).map_err(fault)
}

/// A conversation's file and its content.
#[derive(Debug, Clone, Copy)]
struct Conversation<'a> {
    file: &'a Path,
    text: &'a str,
}

/// The state that all conversations share.
struct Rehearsal {
    plugs: Arc<Registry>,
    log: Log,
    subject: Subject,
}

impl Rehearsal {
    async fn test(&self, file: &Path) -> Result<Went, KitError> {
        let text = read_conversation(file)?;
        let held = self.hold(Conversation { file, text: &text }).await?;
        held.tell(file);
        Ok(if held.is_as_written() { Went::AsWritten } else { Went::Otherwise })
    }

    async fn bless(&self, file: &Path) -> Result<Went, KitError> {
        let text = read_conversation(file)?;
        let mut runs = Vec::new();
        for _ in 0..bless::RUNS {
            runs.push(self.hold(Conversation { file, text: &text }).await?);
        }
        bless::bless(&runs, Conversation { file, text: &text }).map(|()| Went::AsWritten)
    }

    async fn hold(&self, conversation: Conversation<'_>) -> Result<Held, KitError> {
        let folder = conversation.file.parent().unwrap_or(Path::new(""));
        let actor = Actor::new(Arc::clone(&self.plugs), self.log.clone(), self.subject.clone(), folder);
        let held = hold(actor, conversation).await;
        self.clear().await;
        held
    }

    /// Deactivates all plugins, so that the next conversation starts clean.
    async fn clear(&self) {
        let table = self.plugs.table();
        for name in table.names() {
            self.plugs.remove_plugin(name, Duration::ZERO).await;
        }
    }
}

/// Returns the conversations in a plugin's `tests/` folder, sorted by name.
fn conversations(folder: &Path) -> Result<Vec<PathBuf>, KitError> {
    let below = Project::open(folder).map_or_else(|_| folder.join(FOLDER), |project| project.below(FOLDER));
    let none = || KitError::NoConversation { folder: below.clone() };
    let entries = fs::read_dir(&below).map_err(|_| none())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "chat"));
    files.sort();
    if files.is_empty() { Err(none()) } else { Ok(files) }
}

/// A conversation with the results of its steps.
struct Held {
    steps: Vec<(Step, Came)>,
}

async fn hold(mut actor: Actor, Conversation { file, text }: Conversation<'_>) -> Result<Held, KitError> {
    let fault = |line: usize, why: String| KitError::Script { place: format!("{}:{line}", file.display()), why };
    let script = script::parse(text).map_err(|error| fault(error.line, error.why))?;
    let mut steps = Vec::new();
    for step in script {
        let came = actor.act(&step.act).await.map_err(|why| fault(step.line, why))?;
        steps.push((step, came));
    }
    // Otherwise, an empty file would pass.
    if !steps.iter().any(|(step, _)| step.act.is_call()) {
        return Err(fault(text.lines().count().max(1), NO_CALL.to_owned()));
    }
    Ok(Held { steps })
}

/// Returns the expected lines of a step, as in the file. Actions are compared only if the file lists any.
fn expected(step: &Step) -> Vec<String> {
    let chat = step.expected.chat.iter().map(|line| marked('<', line));
    chat.chain(step.expected.deeds.iter().map(|line| marked('*', line))).collect()
}

fn came(step: &Step, came: &Came) -> Vec<String> {
    let deeds: &[String] = if step.expected.deeds.is_empty() { &[] } else { &came.deeds };
    came.chat.iter().map(|line| marked('<', line)).chain(deeds.iter().map(|line| marked('*', line))).collect()
}

fn verdict(word: &str, colour: &str) -> String {
    paint(word, colour, progress::out().unwrap_or(Colours::Off))
}

fn marked(mark: char, line: &str) -> String {
    format!("{mark} {line}").trim_end().to_owned()
}

impl Held {
    fn otherwise(&self) -> impl Iterator<Item = (&Step, Vec<Line>)> {
        self.steps.iter().filter_map(|(step, brought)| {
            let lines = diff(&expected(step), &came(step, brought), fits);
            lines.iter().any(|line| !matches!(line, Line::Same(_))).then_some((step, lines))
        })
    }

    fn is_as_written(&self) -> bool {
        self.otherwise().next().is_none()
    }

    fn tell(&self, file: &Path) {
        let colours = progress::out().unwrap_or(Colours::Off);
        let verdict = if self.is_as_written() { verdict("ok", GREEN) } else { verdict("FAILED", RED) };
        let calls = self.steps.iter().filter(|(step, _)| step.act.is_call()).count();
        let exchanges = if calls == 1 { "exchange" } else { "exchanges" };
        let mut text = format!("{}  {verdict}  {calls} {exchanges}\n", file.display());
        for (step, lines) in self.otherwise() {
            text.push_str(&format!(
                "  {}\n",
                paint(&format!("{}:{}: {}", file.display(), step.line, step.act), BOLD, colours)
            ));
            for line in lines {
                let line = match line {
                    Line::Same(line) => format!("      {line}"),
                    Line::Missing(line) => paint(&format!("    - {line}"), RED, colours),
                    Line::Unexpected(line) => paint(&format!("    + {line}"), GREEN, colours),
                };
                text.push_str(&format!("{line}\n"));
            }
        }
        progress::print(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_saved_by_any_editor_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one.chat");
        let read = |bytes: &[u8]| {
            fs::write(&file, bytes).expect("written");
            read_conversation(&file).map_err(|error| error.to_string())
        };
        assert_eq!(read(b"\xef\xbb\xbf> /hello\n").as_deref(), Ok("> /hello\n"));
        assert!(read(b"> /hello\n< \xff\n").unwrap_err().ends_with("one.chat: line 2 is not UTF-8 text"));
        assert!(read(b"\xff\xfe>\0").unwrap_err().ends_with("save it as UTF-8"));
    }
}
