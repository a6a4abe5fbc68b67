//! Opens and closes the selected front-end, and waits for the event that ends it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_chat::{
    Chat, Inbox, RichMessages, Streaming,
    console::{self, Console, ConsoleEvent, Mode},
};
use cordboard_core::config::{Config, Rich, Stream};
use cordboard_telegram::{PollError, PollSettings, Telegram};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::{
    AppError, access_checked_chat::AccessCheckedChat, exit_reason::ExitReason, options::StartOptions, run::own_files,
};
use crate::{
    cli::{ChatKind, ResolvedPaths},
    clock::Clock,
    session_files::SessionFiles,
    session_registry::SessionRegistry,
};

/// Returns the name of a front-end, which is the value of `Place::front_end` for its places.
pub const fn name(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Console => console::FRONT_END,
        ChatKind::Telegram => cordboard_telegram::FRONT_END,
    }
}

/// Returns the default log level. If the chat is a console on a terminal, the log appears between the chat messages, so
/// only warnings and errors are logged.
pub fn log_level(kind: ChatKind) -> &'static str {
    match (kind, Mode::detect()) {
        (ChatKind::Console, Mode::Terminal) => "warn",
        (ChatKind::Console, Mode::Pipe) | (ChatKind::Telegram, _) => "info",
    }
}

pub struct FrontEnd {
    pub chat: Arc<dyn Chat>,
    kind: FrontEndKind,
}

enum FrontEndKind {
    Console(Arc<Console>, mpsc::Receiver<ConsoleEvent>),
    Telegram(JoinHandle<PollError>, Arc<Notify>),
}

/// Opens the front-end. It accepts no messages before [`FrontEnd::begin`].
pub fn open(
    options: &StartOptions,
    inbox: Arc<dyn Inbox>,
    sessions: &Arc<SessionRegistry>,
    clock: Clock,
) -> Result<FrontEnd, AppError> {
    match options.kind {
        ChatKind::Console => open_console(options, inbox, clock),
        ChatKind::Telegram => open_telegram(options, inbox, sessions, clock),
    }
}

fn open_console(options: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<FrontEnd, AppError> {
    let opened = console::open(Mode::detect(), inbox, clock.source(), &options.paths.state);
    let (console, events) = opened?;
    let console = Arc::new(console);
    Ok(FrontEnd { chat: Arc::clone(&console) as Arc<dyn Chat>, kind: FrontEndKind::Console(console, events) })
}

/// Returns the path of the bot's token file. A relative path is resolved against the folder of the configuration file.
pub fn token_file(paths: &ResolvedPaths, config: &Config) -> Option<PathBuf> {
    let base = paths.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    config.telegram.token_file.as_ref().map(|file| base.join(file))
}

fn open_telegram(
    options: &StartOptions,
    inbox: Arc<dyn Inbox>,
    sessions: &Arc<SessionRegistry>,
    clock: Clock,
) -> Result<FrontEnd, AppError> {
    let config = options.config.now();
    let token = token_file(&options.paths, &config).ok_or(AppError::NoToken)?;
    let mut settings = cordboard_telegram::Settings::new(token, &config.telegram.api_url);
    let live = options.config.clone();
    settings.edit_pause = Arc::new(move || live.now().telegram.edit_pause);
    let live = options.config.clone();
    settings.streaming = Arc::new(move || match live.now().telegram.stream {
        Stream::Draft => Streaming::Drafts,
        Stream::Edit => Streaming::Messages,
        Stream::Off => Streaming::Off,
    });
    let live = options.config.clone();
    settings.rich = Arc::new(move || match live.now().telegram.rich {
        Rich::Off => RichMessages::Off,
        Rich::Auto => RichMessages::Auto,
    });
    let live = options.config.clone();
    settings.ring_after = Arc::new(move || live.now().telegram.ring_after);
    let live = options.config.clone();
    settings.document_over = Arc::new(move || live.now().telegram.document_over);
    let live = options.config.clone();
    settings.file_limit = Arc::new(move || live.now().telegram.file_limit);
    let files = SessionFiles::new(own_files(options.paths.clone(), options.config.clone()));
    settings.open_file = Arc::new(move |file| files.open(file));
    if config.access.owner.is_none() && config.access.admins.is_empty() && config.access.members.is_empty() {
        tracing::warn!("no user has access: set [access] owner to your numeric Telegram id");
    }
    let telegram = Arc::new(Telegram::open(settings, inbox)?);
    let polled = Arc::clone(&telegram);
    let (access, config) = (options.config.clone(), options.config.clone());
    let sessions = Arc::clone(sessions);
    let settings = PollSettings {
        access: Arc::new(move |id| access.now().access.role_of(id)),
        press_refusal: Arc::new(move |caller, button| sessions.press_refusal(caller, button)),
        clock: clock.source(),
        give_up: Arc::new(move || config.now().telegram.give_up),
    };
    let started = Arc::new(Notify::new());
    let start_signal = Arc::clone(&started);
    let poll_task = tokio::spawn(async move {
        start_signal.notified().await;
        polled.poll(settings).await
    });
    let chat = Arc::new(AccessCheckedChat { chat: telegram, config: options.config.clone() });
    Ok(FrontEnd { chat, kind: FrontEndKind::Telegram(poll_task, started) })
}

/// Logs the host's own messages, and prints them if the chat is a console on a terminal.
pub struct Announcer(Option<Arc<Console>>);

impl Announcer {
    /// Logs a line, and prints it if the chat is a console on a terminal.
    pub fn announce(&self, line: &str) {
        tracing::info!("{line}");
        if let Some(console) = &self.0 {
            console.print_notice(&[line.to_owned()]);
        }
    }

    /// Returns when the output of the console is closed. Never returns for other front-ends.
    pub async fn output_closed(&self) {
        match &self.0 {
            Some(console) => console.output_closed().await,
            None => std::future::pending().await,
        }
    }
}

impl FrontEnd {
    /// Prints a short introduction and the paths in use, if the chat is a console on a terminal.
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

    /// Starts accepting messages.
    pub fn begin(&self) {
        match &self.kind {
            FrontEndKind::Console(console, _) => console.start_input(),
            FrontEndKind::Telegram(_, started) => started.notify_one(),
        }
    }

    /// Waits until the front-end ends, and returns the reason: the console's input or output was closed, its user quit,
    /// or polling Telegram failed.
    pub async fn ended(&mut self) -> ExitReason {
        match &mut self.kind {
            FrontEndKind::Console(_, events) => match events.recv().await {
                Some(ConsoleEvent::InputEnded) => ExitReason::InputEnded,
                Some(ConsoleEvent::Quit | ConsoleEvent::OutputClosed) | None => ExitReason::Requested,
            },
            FrontEndKind::Telegram(poll_task, _) => ExitReason::Failed(match poll_task.await {
                Ok(error) => error.into(),
                Err(error) => error.into(),
            }),
        }
    }

    /// Waits until the user of a console asks to quit immediately. Never returns for other front-ends.
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

    /// Returns the announcer that reports what a slow shutdown waits for.
    #[must_use]
    pub fn announcer(&self) -> Announcer {
        Announcer(match &self.kind {
            FrontEndKind::Console(console, _) => Some(Arc::clone(console)),
            FrontEndKind::Telegram(..) => None,
        })
    }

    /// Stops polling Telegram. A console keeps reading until the process ends.
    pub fn stop_accepting(&self) {
        if let FrontEndKind::Telegram(poll_task, _) = &self.kind {
            poll_task.abort();
        }
    }

    /// Writes the queued output of a console and restores the terminal.
    pub async fn close(&self) {
        if let FrontEndKind::Console(console, _) = &self.kind {
            console.close().await;
        }
    }
}
