//! The front-end that was chosen: opened, watched for its end, closed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_core::config::Config;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::{AppError, admitted::Admitted, run::StartOptions, shutdown::End};
use crate::{
    chat::{
        Chat, Inbox,
        console::{self, Console, ConsoleEvent, Mode},
        telegram::{self, PollError, PollSettings, Telegram},
    },
    cli::{ChatKind, Places},
    clock::Clock,
};

/// The `front_end` of a chat's places.
pub const fn name(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Console => console::FRONT_END,
        ChatKind::Telegram => telegram::FRONT_END,
    }
}

/// On a terminal the log stands between the lines of the chat: what is in order is not worth that.
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

/// Opens the front-end; it takes nothing in before [`Front::begin`].
pub fn open(plan: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    match plan.kind {
        ChatKind::Console => open_console(plan, inbox, clock),
        ChatKind::Telegram => open_telegram(plan, inbox),
    }
}

fn open_console(plan: &StartOptions, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    let opened = console::open(Mode::detect(), inbox, clock, &plan.places.state);
    let (console, events) = opened.map_err(|error| AppError::Front(format!("failed to {error}")))?;
    let console = Arc::new(console);
    Ok(Front { chat: Arc::clone(&console) as Arc<dyn Chat>, kind: Kind::Console(console, events) })
}

/// Where the bot's token lies.
pub fn token_file(places: &Places, config: &Config) -> Option<PathBuf> {
    let beside = places.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    config.telegram.token_file.as_ref().map(|file| beside.join(file))
}

fn open_telegram(plan: &StartOptions, inbox: Arc<dyn Inbox>) -> Result<Front, AppError> {
    let config = plan.config.now();
    let token = token_file(&plan.places, &config).ok_or_else(|| {
        AppError::Front("--chat telegram needs a bot: name the file of its token in [telegram] token_file".to_owned())
    })?;
    let mut settings = telegram::Settings::new(token, &config.telegram.api_url);
    let live = plan.config.clone();
    settings.edit_pause = Arc::new(move || live.now().telegram.edit_pause);
    if config.access.owner.is_none() && config.access.admins.is_empty() && config.access.members.is_empty() {
        tracing::warn!("nobody is let in: name your numeric Telegram id in [access] owner");
    }
    let opened = Telegram::open(settings, inbox);
    let telegram = Arc::new(opened.map_err(|error| AppError::Front(format!("failed to {error}")))?);
    let polled = Arc::clone(&telegram);
    let (access, pace) = (plan.config.clone(), plan.config.clone());
    let settings = PollSettings {
        access: Arc::new(move |id| access.now().access.role_of(id)),
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

/// Speaks for the host itself.
pub struct Narrator(Option<Arc<Console>>);

impl Narrator {
    /// On a terminal to the person there, else to the log.
    pub fn say(&self, line: &str) {
        tracing::info!("{line}");
        if let Some(console) = &self.0 {
            console.greet(&[line.to_owned()]);
        }
    }

    /// Returns when nobody can read any more what is said; for ever where that is not known.
    pub async fn unheard(&self) {
        match &self.0 {
            Some(console) => console.output_gone().await,
            None => std::future::pending().await,
        }
    }
}

impl Front {
    /// What a person at a terminal needs to know first.
    pub fn greet(&self, places: &Places, plugins: Option<&Path>) {
        let Kind::Console(console, _) = &self.kind else { return };
        let config = places.config.as_deref().map_or("the built-in defaults".into(), Path::to_string_lossy);
        let plugins = plugins.map_or("the built-in ones".into(), Path::to_string_lossy);
        console.greet(&[
            "Cordboard. Type /new demo to open a session, then any text; /help lists the commands.".to_owned(),
            "Ctrl-C interrupts an answer, and ends Cordboard when nothing runs; so does Ctrl-D.".to_owned(),
            format!("config   {config}"),
            format!("plugins  {plugins}"),
            format!("state    {}", places.state.display()),
            String::new(),
        ]);
    }

    /// From here on it takes in what people say.
    pub fn begin(&self) {
        match &self.kind {
            Kind::Console(console, _) => console.begin(),
            Kind::Telegram(_, begun) => begun.notify_one(),
        }
    }

    /// Waits for what ends it.
    pub async fn ended(&mut self) -> End {
        match &mut self.kind {
            Kind::Console(_, events) => match events.recv().await {
                Some(ConsoleEvent::End) => End::Input,
                Some(ConsoleEvent::Quit | ConsoleEvent::OutputGone) | None => End::Asked,
            },
            Kind::Telegram(polling, _) => End::Failed(match polling.await {
                Ok(error) => format!("failed to {error}"),
                Err(error) => format!("failed to poll Telegram: {error}"),
            }),
        }
    }

    /// Waits for the wish to be done with it now; for ever where only signals tell it.
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

    /// Says to a person at a terminal what takes time.
    #[must_use]
    pub fn narrator(&self) -> Narrator {
        Narrator(match &self.kind {
            Kind::Console(console, _) => Some(Arc::clone(console)),
            Kind::Telegram(..) => None,
        })
    }

    /// Takes nothing more in.
    pub fn hang_up(&self) {
        if let Kind::Telegram(polling, _) = &self.kind {
            polling.abort();
        }
    }

    /// Shows what was ordered, and gives the terminal back.
    pub async fn close(&self) {
        if let Kind::Console(console, _) = &self.kind {
            console.close().await;
        }
    }
}
