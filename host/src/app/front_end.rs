//! Opens and closes the selected front-end, and waits for the event that ends it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_chat::{
    Chat, Inbox,
    console::{self, Console, ConsoleEvent, Mode},
};
use cordboard_core::config::Config;
use cordboard_telegram::{PollError, PollSettings, Telegram};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::{AppError, admitted::Admitted, exit::End, options::StartOptions};
use crate::{
    cli::{ChatKind, Places},
    clock::Clock,
};

/// Returns the `front_end` of the places of a chat.
pub const fn name(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Console => console::FRONT_END,
        ChatKind::Telegram => cordboard_telegram::FRONT_END,
    }
}

/// Returns the log level. On a terminal the log appears between the chat messages, so only warnings are logged.
pub fn log_level(kind: ChatKind) -> &'static str {
    match (kind, Mode::detect()) {
        (ChatKind::Console, Mode::Terminal) => "warn",
        (ChatKind::Console, Mode::Pipe) | (ChatKind::Telegram, _) => "info",
    }
}

pub struct Front {
    pub chat: Arc<dyn Chat>,
    kind: Kind,
}

enum Kind {
    Console(Arc<Console>, mpsc::Receiver<ConsoleEvent>),
    Telegram(JoinHandle<PollError>, Arc<Notify>),
}

/// Opens the front-end. It accepts no messages before [`Front::begin`].
pub fn open(plan: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    match plan.kind {
        ChatKind::Console => open_console(plan, inbox, clock),
        ChatKind::Telegram => open_telegram(plan, inbox, clock),
    }
}

fn open_console(plan: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    let opened = console::open(Mode::detect(), inbox, clock.source(), &plan.places.state);
    let (console, events) = opened.map_err(|error| AppError::Front(format!("failed to {error}")))?;
    let console = Arc::new(console);
    Ok(Front { chat: Arc::clone(&console) as Arc<dyn Chat>, kind: Kind::Console(console, events) })
}

/// Returns the path of the bot's token file. A relative path is relative to the configuration file.
pub fn token_file(places: &Places, config: &Config) -> Option<PathBuf> {
    let beside = places.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    config.telegram.token_file.as_ref().map(|file| beside.join(file))
}

fn open_telegram(plan: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    let config = plan.config.now();
    let token = token_file(&plan.places, &config).ok_or_else(|| {
        AppError::Front("--chat telegram needs a bot: set [telegram] token_file to the file with its token".to_owned())
    })?;
    let mut settings = cordboard_telegram::Settings::new(token, &config.telegram.api_url);
    let live = plan.config.clone();
    settings.edit_pause = Arc::new(move || live.now().telegram.edit_pause);
    if config.access.owner.is_none() && config.access.admins.is_empty() && config.access.members.is_empty() {
        tracing::warn!("no user has access: set [access] owner to your numeric Telegram id");
    }
    let opened = Telegram::open(settings, inbox);
    let telegram = Arc::new(opened.map_err(|error| AppError::Front(format!("failed to {error}")))?);
    let polled = Arc::clone(&telegram);
    let (access, pace) = (plan.config.clone(), plan.config.clone());
    let settings = PollSettings {
        access: Arc::new(move |id| access.now().access.role_of(id)),
        clock: clock.source(),
        give_up: Arc::new(move || pace.now().telegram.give_up),
    };
    let begun = Arc::new(Notify::new());
    let beginning = Arc::clone(&begun);
    let polling = tokio::spawn(async move {
        beginning.notified().await;
        polled.poll(settings).await
    });
    let chat = Arc::new(Admitted { chat: telegram, config: plan.config.clone() });
    Ok(Front { chat, kind: Kind::Telegram(polling, begun) })
}

/// Shows messages of the host itself.
pub struct Narrator(Option<Arc<Console>>);

impl Narrator {
    /// Logs a line, and prints it if the front-end is a terminal.
    pub fn say(&self, line: &str) {
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

impl Front {
    /// Prints how to start and which paths are in use, if the front-end is a terminal.
    pub fn greet(&self, places: &Places, plugins: Option<&Path>) {
        let Kind::Console(console, _) = &self.kind else { return };
        let config = places.config.as_deref().map_or("the built-in defaults".into(), Path::to_string_lossy);
        let plugins = plugins.map_or("the built-in ones".into(), Path::to_string_lossy);
        console.print_notice(&[
            "Cordboard. Type /new demo to start a session, then any text. /help lists the commands.".to_owned(),
            "Ctrl-C interrupts an answer, or stops Cordboard if nothing is running. Ctrl-D stops Cordboard.".to_owned(),
            format!("config   {config}"),
            format!("plugins  {plugins}"),
            format!("state    {}", places.state.display()),
            String::new(),
        ]);
    }

    /// Starts accepting messages.
    pub fn begin(&self) {
        match &self.kind {
            Kind::Console(console, _) => console.start_input(),
            Kind::Telegram(_, begun) => begun.notify_one(),
        }
    }

    /// Waits for the event that ends the front-end.
    pub async fn ended(&mut self) -> End {
        match &mut self.kind {
            Kind::Console(_, events) => match events.recv().await {
                Some(ConsoleEvent::InputEnded) => End::Input,
                Some(ConsoleEvent::Quit | ConsoleEvent::OutputClosed) | None => End::Asked,
            },
            Kind::Telegram(polling, _) => End::Failed(match polling.await {
                Ok(error) => format!("failed to {error}"),
                Err(error) => format!("failed to poll Telegram: {error}"),
            }),
        }
    }

    /// Waits until the user asks to quit immediately. Never returns if only signals can do so.
    pub async fn hurried(&mut self) {
        if let Kind::Console(_, events) = &mut self.kind {
            while let Some(event) = events.recv().await {
                if event == ConsoleEvent::Quit {
                    return;
                }
            }
        }
        std::future::pending().await
    }

    /// Returns a narrator, which explains long waits to a person at a terminal.
    #[must_use]
    pub fn narrator(&self) -> Narrator {
        Narrator(match &self.kind {
            Kind::Console(console, _) => Some(Arc::clone(console)),
            Kind::Telegram(..) => None,
        })
    }

    /// Stops accepting messages.
    pub fn hang_up(&self) {
        if let Kind::Telegram(polling, _) = &self.kind {
            polling.abort();
        }
    }

    /// Shows the queued output and restores the terminal.
    pub async fn close(&self) {
        if let Kind::Console(console, _) = &self.kind {
            console.close().await;
        }
    }
}
