//! The command line of those who write plugins: `cordboard plugin …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cordboard_core::types::Role;

pub const EXAMPLES: &str = "Examples:
  cordboard plugin new hello                   a folder with a plugin that works
  cordboard plugin build hello                 hello/dist/hello.wasm
  cordboard plugin call hello /hello Ada       one call, here and now
  cordboard plugin test hello                  the conversations of hello/tests/
  cordboard plugin check hello                 what it asks for, and whether a host would take it
  cordboard plugin watch hello --plugins DIR   build and plug in at each save

Each command's own --help tells its exit codes.";

#[derive(Debug, Args)]
pub struct Plugin {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Make a folder with a plugin that works, its test and its instructions
    #[command(
        after_help = NEW_EXAMPLES
    )]
    New(New),
    /// Build a plugin as a component, dist/NAME.wasm
    #[command(after_help = BUILD_EXAMPLES)]
    Build(Build),
    /// Say what a component asks for and offers, and whether a host would take it, ask for more, or refuse it
    #[command(
        after_help = CHECK_EXAMPLES
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
        after_help = WATCH_EXAMPLES
    )]
    Watch(Watch),
}

const NEW_EXAMPLES: &str = "Examples:
  cordboard plugin new hello
  cordboard plugin new hello --lang python
  cordboard plugin new pirate --trade persona

Exit code: 0 the folder is ready; 1 the name does not fit, or the folder exists; 2 the command
line is not valid.";

const BUILD_EXAMPLES: &str = "Examples:
  cordboard plugin build
  cordboard plugin build hello

Rust is built by cargo. Python and JavaScript get their tools on the first build (70 and 385 MB);
where no source has changed since, nothing is built.

Exit code: 0 the component is there; 1 a tool is missing or failed; 2 the command line is not
valid.";

const CHECK_EXAMPLES: &str = "Examples:
  cordboard plugin check
  cordboard plugin check hello/dist/hello.wasm --config my.toml
  cordboard plugin check --json | jq -r '.refused[]'

Exit code: 0 a host would take it as it is; 1 it would ask its owner for a grant first, or refuse
it, and the verdict says which; 2 the command line or the configuration is not valid.";

const WATCH_EXAMPLES: &str = "Examples:
  cordboard plugin watch --plugins ~/.config/cordboard/plugins
  cordboard plugin watch hello --test --config my.toml

With --test a build is plugged in once its conversations passed. Errors are told, and the next
save is tried again.

Exit code: 0 after Ctrl-C; 1 there is no plugin, or nowhere to plug it in; 2 the command line or
the configuration is not valid.";

const CALL_EXAMPLES: &str = "Examples:
  cordboard plugin call . /hello Ada
  cordboard plugin call dist/hello.wasm --as member /hello
  cordboard plugin call dist/hello.wasm --config my.toml '/hello \"two words\"'
  cordboard plugin call . --http 'https://hub.example/*' --secret key=./key --set user=ada /sky

The reply goes to standard output; what the plugin did and logged goes to standard error. Nothing
of it lasts. Options stand before the command: what follows it is the command's.
Without --config and --grant a plugin is lent all that it asks for of this board in memory, but no
address and no secret: name those with --http, --tcp and --secret. Requests go to the real
network. A secret's file has mode 0600.

Exit code: 0 the plugin answered; 1 it did not, and the reply or the error says why; 2 the command
line or the configuration is not valid.";

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
  @plug                                 nothing, or why the plugin is refused

--bless holds each conversation several times: {*} takes the place of what differs.

Exit code: 0 all went as written, or was written down; 1 some went otherwise, or a line cannot be
played; 2 the command line is not valid.";

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
    #[command(flatten)]
    pub inline: Inline,
}

/// Lines of a configuration for one call, without a file.
#[derive(Debug, Args)]
#[group(multiple = true, conflicts_with = "config")]
pub struct Inline {
    /// A capability to lend, as `sessions`; with one, no other is lent
    #[arg(long = "grant", value_name = "NAME", conflicts_with = "config")]
    pub grants: Vec<String>,
    /// Where it may send requests, as in [plugins.NAME] http
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    pub http: Vec<String>,
    /// A host of --http or --tcp whose name may stand for an address of a private network
    #[arg(long, value_name = "HOST", conflicts_with = "config")]
    pub private: Vec<String>,
    /// A port whose connect time it may measure
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "config")]
    pub tcp: Vec<String>,
    /// A secret that it may send, and the file that holds it
    #[arg(long = "secret", value_name = "NAME=FILE", conflicts_with = "config")]
    pub secrets: Vec<String>,
    /// A key of its [plugins.NAME.config]; a value that is not TOML is a text
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "config")]
    pub own: Vec<String>,
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
    /// Hold the conversations after each build, and plug in what passes them
    #[arg(long)]
    pub test: bool,
    /// The plugin folder of the host [default: `[plugins] folder`, else plugins/ beside the configuration]
    #[arg(long, value_name = "FOLDER")]
    pub plugins: Option<PathBuf>,
    /// The configuration of the host [default: as `run` finds it]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
}
