//! Errors of the `cordboard plugin` commands. Each text completes the phrase "failed to {error}"; most of them also say
//! what to do.

use std::{io, path::PathBuf};

use cordboard_runtime::PluginError;

use crate::stdout::OutputError;

/// The errors in a configuration, as a single string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigFaults(pub String);

#[derive(Debug, thiserror::Error)]
pub enum DevError {
    #[error("name a plugin '{name}': {why}")]
    Name { name: String, why: &'static str },
    #[error("create {}: it already exists; use another name, or remove it", path.display())]
    Exists { path: PathBuf },
    #[error("write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "find a plugin in {}: it has no Cargo.toml, pyproject.toml or package.json; go to the plugin's folder, or create one with `cordboard plugin new NAME`",
        path.display()
    )]
    NoProject { path: PathBuf },
    #[error("find the plugin's name in {}: {why}", path.display())]
    NoName { path: PathBuf, why: String },
    #[error("run {tool}: it is not installed; {remedy}")]
    NoTool { tool: String, remedy: &'static str },
    #[error("run {tool}: {source}")]
    Tool { tool: String, source: io::Error },
    #[error("build the plugin: {tool} ended with {status}; see its output above")]
    Build { tool: String, status: String },
    #[error("build the plugin: {0}")]
    NoResult(String),
    #[error("use the plugin: {0}")]
    Rejected(#[from] PluginError),
    #[error("pass the check: a host would reject '{name}'; see 'rejected' for the reason and the remedy")]
    WouldReject { name: String },
    #[error("pass the check: a host would ask its owner to grant {asks} before it activates '{name}'")]
    NeedsApproval { name: String, asks: String },
    #[error("parse '{command}': {why}")]
    Command { command: String, why: &'static str },
    #[error("parse {option} '{given}': write {option} {shape}")]
    Option { option: &'static str, given: String, shape: &'static str },
    #[error("answer: {0}")]
    CommandFailed(String),
    #[error("use the configuration: {0}")]
    Config(#[from] ConfigFaults),
    #[error("read {place}: {why}")]
    Script { place: String, why: String },
    #[error("install into {}: the folder does not exist; create it, or set the host's plugin folder with --plugins", folder.display())]
    NoFolder { folder: PathBuf },
    #[error("find a conversation in {}: write one, as `cordboard plugin test --help` shows", folder.display())]
    NoConversation { folder: PathBuf },
    #[error("pass the conversations: {failed} of {all} differ; --bless accepts the actual replies")]
    TestsFailed { failed: usize, all: usize },
    #[error(
        "bless {place}: `{step}` returns a different number of lines each time, which no conversation can expect; its lines are unchanged"
    )]
    VaryingLines { place: String, step: String },
    #[error("pass the conversations; the plugin is not installed")]
    TestsDidNotPass,
    #[error("{0}")]
    Output(#[from] OutputError),
    #[error("start: {0}")]
    Start(#[from] io::Error),
}

impl DevError {
    pub fn read(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub fn write(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
