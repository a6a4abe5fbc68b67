//! Defines the command line for plugin authors: `cordboard plugin …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cordboard_core::types::Role;

pub const EXAMPLES: &str = "Examples:
  cordboard plugin new hello                   create the project hello/
  cordboard plugin build hello                 build hello/dist/hello.wasm
  cordboard plugin call hello /hello Ada       run one command
  cordboard plugin test hello                  run the conversations in hello/tests/
  cordboard plugin check hello                 show its imports, and whether a host accepts it
  cordboard plugin watch hello --plugins DIR   build and install it at each save

The --help of each command lists its exit codes.";

#[derive(Debug, Args)]
pub struct Plugin {
    #[command(subcommand)]
    pub command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Create a plugin project with working code, a test and a README
    #[command(
        after_help = NEW_EXAMPLES
    )]
    New(NewArgs),
    /// Build a plugin into the component dist/NAME.wasm
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArgs),
    /// Show what a component imports and exports, and whether a host would accept it, ask for approval or reject it
    #[command(
        after_help = CHECK_EXAMPLES
    )]
    Check(CheckArgs),
    /// Run one command of a component on a simulated host in memory
    #[command(after_help = CALL_EXAMPLES)]
    Call(CallArgs),
    /// Run the conversations in tests/*.chat; exit 0 if all pass, else 1
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Build and install a plugin on each save, until Ctrl-C
    #[command(
        after_help = WATCH_EXAMPLES
    )]
    Watch(WatchArgs),
}

const NEW_EXAMPLES: &str = "Examples:
  cordboard plugin new hello
  cordboard plugin new hello --lang python
  cordboard plugin new pirate --extension persona

Exit code: 0 the project was created; 1 the name is not valid, or the folder exists; 2 the command
line is not valid.";

const BUILD_EXAMPLES: &str = "Examples:
  cordboard plugin build
  cordboard plugin build hello

cargo builds Rust. For Python and JavaScript, the first build downloads the tools (70 and 385 MB),
and later builds are skipped if no source has changed.

Exit code: 0 the component is up to date; 1 a tool is missing or failed; 2 the command line is not
valid.";

const CHECK_EXAMPLES: &str = "Examples:
  cordboard plugin check
  cordboard plugin check hello/dist/hello.wasm --config my.toml
  cordboard plugin check --json | jq -r '.rejected[]'

Exit code: 0 a host would accept it; 1 a host would ask its owner for approval first, or reject
it: the verdict says which; 2 the command line or the configuration is not valid.";

const WATCH_EXAMPLES: &str = "Examples:
  cordboard plugin watch --plugins ~/.config/cordboard/plugins
  cordboard plugin watch hello --test --config my.toml

With --test, a build is installed only if its conversations pass. Errors are printed, and the next
save starts another attempt.

Exit code: 0 after Ctrl-C; 1 there is no plugin, or no plugin folder; 2 the command line or the
configuration is not valid.";

const CALL_EXAMPLES: &str = "Examples:
  cordboard plugin call . /hello Ada
  cordboard plugin call dist/hello.wasm --as member /hello
  cordboard plugin call dist/hello.wasm --config my.toml '/hello \"two words\"'
  cordboard plugin call . --http 'https://hub.example/*' --secret key=./key --set user=ada /sky

The reply goes to standard output; the plugin's actions and log go to standard error. The
simulated host is discarded after the call. Put options before the command: everything after it is
passed to the plugin.
Without --config and --grant, a plugin gets every capability that it imports, but no network
address and no secret: allow those with --http, --tcp and --secret. Requests go to the real
network. The file of a secret needs mode 0600.

Exit code: 0 the plugin answered; 1 it failed, and the reply or the error says why; 2 the command
line or the configuration is not valid.";

const TEST_EXAMPLES: &str = "Examples:
  cordboard plugin test
  cordboard plugin test hello --bless   store the actual replies as the expected ones

A conversation is a text file, tests/NAME.chat:
  # a comment
  @session alpha idle persona=planner   a session; the first one is the active one here
  > /hello Ada                          a message to send; `> [Label]` presses a button
  < Hello, Ada!                         the expected reply, line by line; {*} matches any text
  <   [Again] /hello
  * state set greetings (1 byte)        an expected action; without such lines, none is compared
Directives, one per line, before or between messages:
  @as member bob                        the sender; by default the owner, ada
  @clock +5m                            advances the clock, which otherwise doesn't move;
  @clock 2026-01-02 08:30               sets it, in UTC; it starts at 2026-01-01 09:00
  @session NAME PHASE KEY=VALUE         KEY: agent, persona, mode, owner, model, models, why,
                                        queued, interrupted, turns, context or timeout; `active`
                                        makes it the active one
  @attach note.ogg voice message        a file of the next message, from the same folder; its kind
                                        is photo, file, voice message, audio, video or animation;
                                        `>` alone sends it without a text
  @file alpha src/main.rs 1200          a file in the session's folder, and its size
  @exchange alpha PROMPT => ANSWER      an exchange in the history of a session
  @usage alpha cost=0.5 KEY=VALUE       a finished turn; KEY: input, output, cache-read,
                                        cache-write (tokens), model or persona
  @budget 20                            the daily cost limit, in US dollars
  @config key = 1                       a line of [plugins.NAME.config]
  @plugin http = [\"https://hub/*\"]      a line of [plugins.NAME]; without a line `grants`,
                                        every capability is granted
  @secret NAME VALUE                    a secret, as in [secrets]
  @http GET https://hub/* 200 {\"ok\":1}  the response to a request; <FILE reads the body from a
                                        file in the same folder; `down` means no response
  @tcp nas:22 12ms                      the connection time, or `down`
  @with sessions persona                standard plugins to load as well
  @locale de                            the language of the sender
Calls without a message:
  @event broken alpha {\"why\":\"x\"}       an event for a hook
  @job NAME                             runs a job of a schedule
  @request POST /path?q {\"a\":1}         a request for a webhook, already authenticated
  @header x-github-event: push          a header of the following requests; without a value,
                                        removes that header
  @review alpha +10m free=512MiB        the lifecycle policy's verdict on a session that is idle
                                        for that long, with that much free memory
  @resume alpha +10m                    the message when a session resumes after that time
  @persona planner alpha                the instructions for an agent
  @turn alpha                           shows the running turn, or starts one, in the session's
                                        mode: its messages, and after ~ the status below them
  @turn alpha normal                    the same in another mode
  @says TEXT                            the agent writes a text; shows the next frame
  @does TITLE                           the agent runs a tool; shows the next frame
  @done                                 the turn ends
  @fails WHY                            the turn fails, for this reason
  @permission alpha Bash ls -la         the agent asks for permission: allow, session, deny,
                                        why; shows the decision of an approval plugin. After Read,
                                        Edit, Write, Grep or Glob comes a path, after WebFetch an
                                        address, and after any tool its arguments as JSON
  @question alpha Which? | Red | Blue   the agent asks a question: 1, 2, other; write `multiple`
                                        before the text to allow several answers
  @plug                                 activates the plugin; the reply is empty, or the error
Sessions behave as on a host. Their agent starts and stops at once, and a turn runs until @done,
@fails or /stop ends it. @clock suspends sessions at their idle timeout.

--bless runs each conversation several times, and writes {*} for the words that differ.

Exit code: 0 all passed, or were rewritten; 1 some failed, or a line is not valid; 2 the command
line is not valid.";

#[derive(Debug, Args)]
pub struct NewArgs {
    /// The name of the plugin and of its folder
    pub name: String,
    /// The programming language
    #[arg(long, value_enum, default_value = "rust")]
    pub lang: Language,
    /// The extension point that the plugin implements
    #[arg(long, value_enum, default_value = "command")]
    pub extension: ExtensionPoint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    Python,
    Js,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExtensionPoint {
    /// Answers a command that a user types
    Command,
    /// Decides when idle agents are stopped
    Lifecycle,
    /// Decides whether agents may use a tool
    Approval,
    /// Changes or rejects messages to agents
    Filter,
    /// Gives agents their instructions
    Persona,
    /// Formats the answers of agents
    View,
    /// Reacts to events
    Hook,
    /// Runs at set times
    Schedule,
    /// Answers HTTP requests from outside
    Webhook,
}

impl ExtensionPoint {
    /// Returns the name in the WIT contract and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Lifecycle => "lifecycle",
            Self::Approval => "approval",
            Self::Filter => "filter",
            Self::Persona => "persona",
            Self::View => "view",
            Self::Hook => "hook",
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
        }
    }
}

#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A component, or a plugin's folder, which is built first
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    pub plugin: PathBuf,
    /// The configuration that contains the plugin's grants and limits [default: the same as for `cordboard run`]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CallArgs {
    /// A component, or a plugin's folder, which is built first
    #[arg(value_name = "FILE|DIR")]
    pub plugin: PathBuf,
    /// The command and its arguments, as typed in the chat
    #[arg(value_name = "/COMMAND", required = true, trailing_var_arg = true)]
    pub line: Vec<String>,
    /// The role of the caller
    #[arg(long = "as", value_name = "ROLE", value_enum, default_value = "owner")]
    pub rank: CallerRole,
    /// The configuration that contains the plugin's grants, limits and `[plugins.NAME.config]` [default: none;
    /// everything but the network is granted]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub options: ConfigOptions,
}

/// The configuration for one call, given as options instead of a file.
#[derive(Debug, Args)]
#[group(multiple = true, conflicts_with = "config")]
pub struct ConfigOptions {
    /// A capability to grant, such as `sessions`; all others are then denied
    #[arg(long = "grant", value_name = "NAME", conflicts_with = "config")]
    pub grants: Vec<String>,
    /// An address that the plugin may send requests to, as in [plugins.NAME] http
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    pub http: Vec<String>,
    /// A host in --http or --tcp that may be on a private network
    #[arg(long, value_name = "HOST", conflicts_with = "config")]
    pub private: Vec<String>,
    /// A TCP port that the plugin may connect to, to measure the connection time
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "config")]
    pub tcp: Vec<String>,
    /// A secret that the plugin may send, and the file that contains its value
    #[arg(long = "secret", value_name = "NAME=FILE", conflicts_with = "config")]
    pub secrets: Vec<String>,
    /// A key of [plugins.NAME.config]; a value that is not TOML is a string
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "config")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CallerRole {
    Member,
    Admin,
    Owner,
}

impl From<CallerRole> for Role {
    fn from(rank: CallerRole) -> Self {
        match rank {
            CallerRole::Member => Self::Member,
            CallerRole::Admin => Self::Admin,
            CallerRole::Owner => Self::Owner,
        }
    }
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Rewrite the conversations with the actual replies
    #[arg(long)]
    pub bless: bool,
    /// Test this component instead of building the plugin
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Run the conversations after each build, and install the component only if they pass
    #[arg(long)]
    pub test: bool,
    /// The plugin folder of the host [default: `[plugins] folder`, else plugins/ next to the configuration]
    #[arg(long, value_name = "FOLDER")]
    pub plugins: Option<PathBuf>,
    /// The configuration of the host [default: the same as for `cordboard run`]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
}
