//! `cordboard plugin test`: runs a plugin's conversations, each on a separate fake host whose clock only `@clock`
//! changes. Prints the differences; with `--bless`, writes the actual replies into the file as the expected ones.

mod agent_requests;
mod bless;
mod diff;
mod directives;
mod files;
mod hooks_jobs_webhooks;
mod script;
mod scripted_network;
mod secrets;
mod step_error;
mod step_runner;
mod turn;
mod usage;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cordboard_core::{
    render::terminal::Colours,
    text_file::{self, NotText},
};

use cordboard_runtime::Registry;

use self::{
    diff::{DiffLine, diff},
    script::{ConversationStep, matches_pattern},
    step_runner::{StepOutput, StepRunner},
};
use super::{
    captured_log::Log,
    error::DevError,
    harness::DevSettings,
    progress::{self, BOLD, GREEN, RED, paint},
    project::Project,
    subject::Subject,
};
use crate::{cli, stdout};

/// The error for a conversation that tests nothing.
const NO_CALL: &str = "the conversation never calls the plugin: add a message such as `> /hello Ada`, or a call such as `@event host-started`";

/// The subfolder of a plugin's folder that contains the conversations.
const FOLDER: &str = "tests";

/// # Errors
/// The component can't be built or read, there are no conversations, or a conversation is invalid, can't be rewritten
/// or has unexpected results (which are printed).
pub fn test(options: &cli::TestArgs, settings: DevSettings) -> Result<(), DevError> {
    let subject = match &options.component {
        Some(file) => Subject::read(file)?,
        None => Subject::read(&super::build(&options.folder)?)?,
    };
    let files = conversations(&options.folder)?;
    let log = Log::start();
    let failed = super::block_on(async {
        let test_run = TestRun { registry: Arc::new(settings.registry()?), log, subject };
        let (mut failed, mut fault) = (0, None);
        for file in &files {
            let outcome = if options.bless { test_run.bless(file).await } else { test_run.test(file).await };
            match outcome {
                Ok(TestOutcome::Passed) => {}
                Ok(TestOutcome::Failed) => failed += 1,
                // Run the other conversations anyway.
                Err(error @ DevError::Script { .. }) => {
                    stdout::print(&format!("{}  {}\n", file.display(), verdict("FAILED", RED)))?;
                    fault.get_or_insert(error);
                }
                Err(error @ DevError::VaryingLines { .. }) => {
                    fault.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        fault.map_or(Ok(failed), Err)
    })?;
    if failed == 0 { Ok(()) } else { Err(DevError::TestsFailed { failed, all: files.len() }) }
}

/// The result of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestOutcome {
    Passed,
    Failed,
}

/// Reads a conversation as UTF-8. Ignores a byte order mark, which some editors write.
fn read_conversation(file: &Path) -> Result<String, DevError> {
    let bytes = fs::read(file).map_err(DevError::read(file))?;
    let fault = |why: NotText| DevError::Script { place: file.display().to_string(), why: why.to_string() };
    text_file::text(bytes).map_err(fault)
}

/// A conversation's file and its content.
#[derive(Debug, Clone, Copy)]
struct Conversation<'a> {
    file: &'a Path,
    text: &'a str,
}

/// The state shared by all conversations.
struct TestRun {
    registry: Arc<Registry>,
    log: Log,
    subject: Subject,
}

impl TestRun {
    async fn test(&self, file: &Path) -> Result<TestOutcome, DevError> {
        let text = read_conversation(file)?;
        let run = self.run(Conversation { file, text: &text }).await?;
        run.report(file)?;
        Ok(if run.passed() { TestOutcome::Passed } else { TestOutcome::Failed })
    }

    async fn bless(&self, file: &Path) -> Result<TestOutcome, DevError> {
        let text = read_conversation(file)?;
        let mut runs = Vec::new();
        for _ in 0..bless::RUNS {
            runs.push(self.run(Conversation { file, text: &text }).await?);
        }
        bless::bless(&runs, Conversation { file, text: &text }).map(|()| TestOutcome::Passed)
    }

    async fn run(&self, conversation: Conversation<'_>) -> Result<ConversationRun, DevError> {
        let folder = conversation.file.parent().unwrap_or(Path::new(""));
        let runner = StepRunner::new(Arc::clone(&self.registry), self.log.clone(), self.subject.clone(), folder);
        let run = run(runner, conversation).await;
        self.clear().await;
        run
    }

    /// Removes all plugins from the registry, which the next conversation also uses.
    async fn clear(&self) {
        let table = self.registry.snapshot();
        for name in table.names() {
            self.registry.remove_plugin(name, Duration::ZERO).await;
        }
    }
}

/// Returns the conversations in a plugin's `tests/` folder, sorted by name.
fn conversations(folder: &Path) -> Result<Vec<PathBuf>, DevError> {
    let below = Project::open(folder).map_or_else(|_| folder.join(FOLDER), |project| project.below(FOLDER));
    let none = || DevError::NoConversation { folder: below.clone() };
    let entries = fs::read_dir(&below).map_err(|_| none())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "chat"));
    files.sort();
    if files.is_empty() { Err(none()) } else { Ok(files) }
}

/// A conversation with the results of its steps.
struct ConversationRun {
    steps: Vec<(ConversationStep, StepOutput)>,
}

async fn run(
    mut runner: StepRunner,
    Conversation { file, text }: Conversation<'_>,
) -> Result<ConversationRun, DevError> {
    let fault = |line: usize, why: String| DevError::Script { place: format!("{}:{line}", file.display()), why };
    let script = script::parse(text).map_err(|error| fault(error.line, error.why))?;
    let mut steps = Vec::new();
    for step in script {
        let output = runner.run(&step.kind).await.map_err(|error| fault(step.line, error.to_string()))?;
        steps.push((step, output));
    }
    // Without this check, an empty file would pass.
    if !steps.iter().any(|(step, _)| step.kind.is_call()) {
        return Err(fault(text.lines().count().max(1), NO_CALL.to_owned()));
    }
    Ok(ConversationRun { steps })
}

/// Returns a step's expected lines, as written in the file. Actions are compared only if the step lists any.
fn expected(step: &ConversationStep) -> Vec<String> {
    let chat = step.expected.chat.iter().map(|line| marked('<', line));
    chat.chain(step.expected.actions.iter().map(|line| marked('*', line))).collect()
}

/// Returns a step's actual lines, in the same form as [`expected`].
fn actual(step: &ConversationStep, output: &StepOutput) -> Vec<String> {
    let actions: &[String] = if step.expected.actions.is_empty() { &[] } else { &output.actions };
    output.chat.iter().map(|line| marked('<', line)).chain(actions.iter().map(|line| marked('*', line))).collect()
}

fn verdict(word: &str, colour: &str) -> String {
    paint(word, colour, progress::out().unwrap_or(Colours::Off))
}

fn marked(mark: char, line: &str) -> String {
    format!("{mark} {line}").trim_end().to_owned()
}

impl ConversationRun {
    fn differences(&self) -> impl Iterator<Item = (&ConversationStep, Vec<DiffLine>)> {
        self.steps.iter().filter_map(|(step, output)| {
            let lines = diff(&expected(step), &actual(step, output), matches_pattern);
            lines.iter().any(|line| !matches!(line, DiffLine::Same(_))).then_some((step, lines))
        })
    }

    fn passed(&self) -> bool {
        self.differences().next().is_none()
    }

    fn report(&self, file: &Path) -> Result<(), DevError> {
        let colours = progress::out().unwrap_or(Colours::Off);
        let verdict = if self.passed() { verdict("ok", GREEN) } else { verdict("FAILED", RED) };
        let calls = self.steps.iter().filter(|(step, _)| step.kind.is_call()).count();
        let exchanges = if calls == 1 { "exchange" } else { "exchanges" };
        let mut text = format!("{}  {verdict}  {calls} {exchanges}\n", file.display());
        for (step, lines) in self.differences() {
            text.push_str(&format!(
                "  {}\n",
                paint(&format!("{}:{}: {}", file.display(), step.line, step.kind), BOLD, colours)
            ));
            for line in lines {
                let line = match line {
                    DiffLine::Same(line) => format!("      {line}"),
                    DiffLine::Missing(line) => paint(&format!("    - {line}"), RED, colours),
                    DiffLine::Unexpected(line) => paint(&format!("    + {line}"), GREEN, colours),
                };
                text.push_str(&format!("{line}\n"));
            }
        }
        Ok(stdout::print(&text)?)
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
