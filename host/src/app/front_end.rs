//! Opens and closes the selected front-end, and waits until it ends.

use std::{path::Path, sync::Arc};

use cordboard_chat::{
    Chat, Inbox,
    console::{self, Console, ConsoleEvent, Mode},
};
use tokio::sync::mpsc;

use super::{
    AppError,
    options::StartOptions,
    telegram::{InboxFactory, TelegramFrontEnd},
};
use crate::{
    cli::{ChatKind, ResolvedPaths},
    clock::Clock,
    control::BotName,
    hub::Outbound,
    operators::NoticeFrontEnd,
    pairing::OwnerPairing,
    session_registry::SessionRegistry,
};

/// Returns the front-end's name, as stored in the `front_end` field of its places. Each named bot has its own
/// front-end.
pub const fn name(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Console => console::FRONT_END,
        ChatKind::Telegram => cordboard_telegram::FRONT_END,
    }
}

/// Returns the default log level. If the chat is a console on a terminal, the log appears between the chat messages, so
/// only warnings and errors are logged.
pub fn default_log_level(kind: ChatKind) -> &'static str {
    match (kind, Mode::detect()) {
        (ChatKind::Console, Mode::Terminal) => "warn",
        (ChatKind::Console, Mode::Pipe) | (ChatKind::Telegram, _) => "info",
    }
}

/// The reason why the host exits.
#[derive(Debug)]
pub enum ExitReason {
    /// SIGTERM, SIGINT or SIGHUP arrived, a console user quit, or standard output was closed.
    Requested,
    /// Console input ended. The host waits up to `[console] drain` for open turns, then shuts down.
    InputEnded,
    Failed(AppError),
}

pub struct FrontEnd {
    pub chat: Arc<dyn Chat>,
    kind: FrontEndKind,
}

enum FrontEndKind {
    Console(Arc<Console>, mpsc::Receiver<ConsoleEvent>),
    Telegram(Box<TelegramFrontEnd>),
}

/// Opens the front-end. It doesn't accept messages until [`FrontEnd::start`] is called.
pub async fn open(
    options: &StartOptions,
    inbox_factory: InboxFactory<'_>,
    sessions: &Arc<SessionRegistry>,
    pairing: &Arc<OwnerPairing>,
) -> Result<FrontEnd, AppError> {
    match options.chat {
        ChatKind::Console => open_console(options, inbox_factory(console::FRONT_END), pairing.clock),
        ChatKind::Telegram => {
            let (telegram, chat) =
                TelegramFrontEnd::open(options, inbox_factory, sessions, Arc::clone(pairing)).await?;
            Ok(FrontEnd { chat, kind: FrontEndKind::Telegram(Box::new(telegram)) })
        }
    }
}

fn open_console(options: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<FrontEnd, AppError> {
    let opened = console::open(Mode::detect(), inbox, clock.source(), &options.paths.state);
    let (console, events) = opened?;
    let console = Arc::new(console);
    Ok(FrontEnd { chat: Arc::clone(&console) as Arc<dyn Chat>, kind: FrontEndKind::Console(console, events) })
}

/// Logs messages from the host itself, and prints them if the chat is a console on a terminal.
pub struct Announcer(Option<Arc<Console>>);

impl Announcer {
    /// Logs a line, and prints it if the chat is a console on a terminal.
    pub fn announce(&self, line: &str) {
        tracing::info!("{line}");
        if let Some(console) = &self.0 {
            console.print_notice(&[line.to_owned()]);
        }
    }

    /// Returns when the console's output is closed. Never returns for other front-ends.
    pub async fn output_closed(&self) {
        match &self.0 {
            Some(console) => console.output_closed().await,
            None => std::future::pending().await,
        }
    }
}

impl FrontEnd {
    /// If the chat is a console on a terminal, prints a short introduction and the paths in use.
    pub fn greet(&self, paths: &ResolvedPaths, plugins: Option<&Path>) {
        let FrontEndKind::Console(console, _) = &self.kind else { return };
        let config = paths.config.as_deref().map_or("the built-in defaults".into(), Path::to_string_lossy);
        let plugins = plugins.map_or("the built-in ones".into(), Path::to_string_lossy);
        console.print_notice(&[
            "Cordboard. Type /new demo to start a session, then any text. /help lists the commands.".to_owned(),
            "Ctrl-C interrupts an answer, or stops Cordboard if nothing is running. Ctrl-D stops Cordboard.".to_owned(),
            format!("config   {config}"),
            format!("plugins  {plugins}"),
            format!("state    {}", paths.state.display()),
            String::new(),
        ]);
    }

    /// Returns a function that returns the main bot's user name, or `None` if it isn't known yet or the chat is a
    /// console.
    pub fn bot_name(&self) -> BotName {
        match &self.kind {
            FrontEndKind::Console(..) => Arc::new(|| None),
            FrontEndKind::Telegram(telegram) => telegram.bot_name(),
        }
    }

    /// Returns a function that returns the front-end to which the host sends its own notices.
    pub fn notice_front_end(&self) -> NoticeFrontEnd {
        match &self.kind {
            FrontEndKind::Console(..) => Arc::new(|| console::FRONT_END.to_owned()),
            FrontEndKind::Telegram(telegram) => telegram.notice_front_end(),
        }
    }

    /// Starts accepting messages. `outbound` sends notices about the front-end.
    pub fn start(&mut self, outbound: Outbound) {
        match &mut self.kind {
            FrontEndKind::Console(console, _) => console.start_input(),
            FrontEndKind::Telegram(telegram) => telegram.start(outbound),
        }
    }

    /// Waits until the front-end ends, and returns the reason: the console's input or output was closed, its user quit,
    /// or Telegram rejected the tokens of all bots.
    pub async fn wait_ended(&mut self) -> ExitReason {
        match &mut self.kind {
            FrontEndKind::Console(_, events) => match events.recv().await {
                Some(ConsoleEvent::InputEnded) => ExitReason::InputEnded,
                Some(ConsoleEvent::Quit | ConsoleEvent::OutputClosed) | None => ExitReason::Requested,
            },
            FrontEndKind::Telegram(telegram) => ExitReason::Failed(telegram.wait_ended().await),
        }
    }

    /// Waits until the console user asks to quit immediately. Never returns for other front-ends.
    pub async fn quit_requested(&mut self) {
        if let FrontEndKind::Console(_, events) = &mut self.kind {
            while let Some(event) = events.recv().await {
                if event == ConsoleEvent::Quit {
                    return;
                }
            }
        }
        std::future::pending().await
    }

    /// Returns the announcer that reports what a slow shutdown is waiting for.
    #[must_use]
    pub fn announcer(&self) -> Announcer {
        Announcer(match &self.kind {
            FrontEndKind::Console(console, _) => Some(Arc::clone(console)),
            FrontEndKind::Telegram(..) => None,
        })
    }

    /// Stops receiving messages from Telegram. A console can't be stopped: it keeps reading until the process ends.
    pub fn stop_accepting(&mut self) {
        if let FrontEndKind::Telegram(telegram) = &mut self.kind {
            telegram.stop();
        }
    }

    /// Flushes a console's queued output and restores the terminal.
    pub async fn close(&self) {
        if let FrontEndKind::Console(console, _) = &self.kind {
            console.close().await;
        }
    }
}
