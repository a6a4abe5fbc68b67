//! The command line of those who write plugins: `cordboard plugin …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cordboard_core::types::Role;

pub const EXAMPLES: &str = "Examples:
  cordboard plugin new hello                   a folder with a plugin that works
  cordboard plugin build hello                 hello/dist/hello.wasm
  cordboard plugin call hello /hello Ada       one call, here and now
  cordboard plugin test hello                  the conversations of hello/tests/
  cordboard plugin watch hello --plugins DIR   build and plug in at each save";

#[derive(Debug, Args)]
pub struct Plugin {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Make a folder with a plugin that works, its test and its instructions
    #[command(
        after_help = "Examples:\n  cordboard plugin new hello\n  cordboard plugin new hello --lang python\n  cordboard plugin new pirate --trade persona"
    )]
    New(New),
    /// Build a plugin as a component, dist/NAME.wasm
    #[command(after_help = "Examples:\n  cordboard plugin build\n  cordboard plugin build hello")]
    Build(Build),
    /// Say what a component asks for and offers, and whether a host would take it; exit 0 when it would, else 1
    #[command(
        after_help = "Examples:\n  cordboard plugin check\n  cordboard plugin check hello/dist/hello.wasm --config my.toml\n  cordboard plugin check --json | jq -r '.refused[]'"
    )]
    Check(Check),
    /// Give one command to a component, with a board in memory behind it
    #[command(after_help = CALL_EXAMPLES)]
    Call(Call),
    /// Hold the conversations of tests/*.chat; exit 0 when all went as written, else 1
    #[command(after_help = TEST_EXAMPLES)]
    Test(Test),
    /// Build and plug in at each save, until Ctrl-C
    #[command(
        after_help = "Examples:\n  cordboard plugin watch --plugins ~/.config/cordboard/plugins\n  cordboard plugin watch hello --config my.toml"
    )]
    Watch(Watch),
}

const CALL_EXAMPLES: &str = "Examples:
  cordboard plugin call . /hello Ada
  cordboard plugin call dist/hello.wasm --as member /hello
  cordboard plugin call dist/hello.wasm --config my.toml '/hello \"two words\"'

The reply goes to standard output, what the plugin did to standard error. Nothing of it lasts.
Without --config a plugin is lent all that it asks for of this board in memory, but no address and
no secret: those are named in a file.";

const TEST_EXAMPLES: &str = "Examples:
  cordboard plugin test
  cordboard plugin test hello --bless   write down what comes back

A conversation is a text file, tests/NAME.chat:
  # a remark
  @session alpha idle persona=planner   a session; the first one is the active one here
  > /hello Ada                          what is said; `> [Label]` presses a button
  < Hello, Ada!                         what must come back, line by line; {*} is any text
  <   [Again] /hello
  * state set greetings (1 byte)        what it did; compared where one such line is there
Before or between, one a line:
  @as member bob                        who speaks; at first the owner, ada
  @clock +5m                            moves the clock, which stands still otherwise;
  @clock 2026-01-02 08:30               sets it, in UTC; at first it is 2026-01-01 09:00
  @session NAME PHASE KEY=VALUE         KEY: agent, persona, mode, owner, model, models, why,
                                        queued, turns or timeout; `active` for the one in use
  @config key = 1                       a line of [plugins.NAME.config]
  @plugin http = [\"https://hub/*\"]      a line of [plugins.NAME]; without `grants`, all is lent
  @secret NAME VALUE                    one of [secrets]
  @http GET https://hub/* 200 {\"ok\":1}  what the network answers; <FILE takes the body from a
                                        file beside it, `down` for both is no answer
  @tcp nas:22 12ms                      how long a connection takes, or `down`
  @with sessions persona                standard plugins beside it
  @locale de                            the language of who speaks
What nobody says, and what comes of it:
  @event broken alpha {\"why\":\"x\"}       an event for a hook
  @job NAME                             a job of a schedule, due now
  @request POST /path?q {\"a\":1}         a request for a webhook, proven already
  @header x-github-event: push          a header of the requests from here on; without a
                                        value, none of that name any more
  @review alpha +10m free=512MiB        a verdict on a session that is idle for so long,
                                        with so much free memory
  @resume alpha +10m                    what is told when a message wakes it after that
  @persona planner alpha                what an agent is told
  @turn alpha                           a turn begins, and is shown in the session's mode:
                                        messages, and after ~ what stands below them
  @turn alpha normal                    the same in another mode
  @says TEXT                            the agent writes: the next frame
  @does TITLE                           the agent does something: the next frame
  @done                                 the turn is over
  @fails WHY                            the turn is over, and why
  @plug                                 nothing, or why the plugin is refused";

#[derive(Debug, Args)]
pub struct New {
    /// The plugin's name, and the folder's
    pub name: String,
    /// What it is written in
    #[arg(long, value_enum, default_value = "rust")]
    pub lang: Language,
    /// What it offers
    #[arg(long, value_enum, default_value = "command")]
    pub trade: Trade,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    Python,
    Js,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trade {
    /// What somebody types
    Command,
    /// When to let go of idle agents
    Lifecycle,
    /// Who an agent is asked to be
    Persona,
    /// How answers are shown
    View,
    /// Hears of what has happened
    Hook,
    /// Runs at set times
    Schedule,
    /// Answers requests from the net
    Webhook,
}

impl Trade {
    /// As the contract and the command line call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Lifecycle => "lifecycle",
            Self::Persona => "persona",
            Self::View => "view",
            Self::Hook => "hook",
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
        }
    }
}

#[derive(Debug, Args)]
pub struct Build {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A component, or a plugin's folder
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    pub plugin: PathBuf,
    /// The configuration whose grants and limits count [default: as `run` finds it]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// For scripts
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Call {
    /// A component, or a plugin's folder
    #[arg(value_name = "FILE|DIR")]
    pub plugin: PathBuf,
    /// The command and its arguments, as they are typed in the chat
    #[arg(value_name = "/COMMAND", required = true, trailing_var_arg = true)]
    pub line: Vec<String>,
    /// In whose role it is called
    #[arg(long = "as", value_name = "ROLE", value_enum, default_value = "owner")]
    pub rank: Rank,
    /// The configuration whose grants, limits and `[plugins.NAME.config]` count [default: none, and all but the network is lent]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rank {
    Member,
    Admin,
    Owner,
}

impl From<Rank> for Role {
    fn from(rank: Rank) -> Self {
        match rank {
            Rank::Member => Self::Member,
            Rank::Admin => Self::Admin,
            Rank::Owner => Self::Owner,
        }
    }
}

#[derive(Debug, Args)]
pub struct Test {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Rewrite the conversations: what comes back is what must come back
    #[arg(long)]
    pub bless: bool,
    /// Test this component, without building
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Watch {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// The plugin folder of the host [default: `[plugins] folder`, else plugins/ beside the configuration]
    #[arg(long, value_name = "FOLDER")]
    pub plugins: Option<PathBuf>,
    /// The configuration of the host [default: as `run` finds it]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
}
