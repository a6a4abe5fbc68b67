//! The front-end that was chosen: opened, watched for its end, closed.

use std::{path::Path, sync::Arc};

use tokio::sync::mpsc;

use super::{AppError, board::Plan, shutdown::End};
use crate::{
    chat::{
        Chat, Inbox,
        console::{self, Console, ConsoleEvent, Mode},
    },
    cli::{ChatKind, Places},
    clock::Clock,
};

/// The `front_end` of a chat's places.
pub const fn name(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Console => console::FRONT_END,
        ChatKind::Telegram => "telegram",
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
    /// Our own name in groups.
    pub bot: Option<String>,
    kind: Kind,
}

enum Kind {
    Console(Arc<Console>, mpsc::Receiver<ConsoleEvent>),
}

/// Opens the front-end; from here on it reads.
pub async fn open(plan: &Plan, inbox: Arc<dyn Inbox>, clock: Clock) -> Result<Front, AppError> {
    match plan.kind {
        ChatKind::Console => {
            let opened = console::open(Mode::detect(), inbox, clock, &plan.places.state);
            let (console, events) = opened.map_err(|error| AppError::Front(format!("failed to {error}")))?;
            let console = Arc::new(console);
            let chat = Arc::clone(&console) as Arc<dyn Chat>;
            Ok(Front { chat, bot: None, kind: Kind::Console(console, events) })
        }
        ChatKind::Telegram => Err(AppError::Front("no telegram yet".to_owned())),
    }
}

impl Front {
    /// What a person at a terminal needs to know first.
    pub fn greet(&self, places: &Places, plugins: Option<&Path>) {
        let Kind::Console(console, _) = &self.kind;
        let config = places
            .config
            .as_ref()
            .map_or_else(|| "the built-in defaults".to_owned(), |path| path.display().to_string());
        let plugins = plugins.map_or_else(|| "the built-in ones".to_owned(), |path| path.display().to_string());
        console.greet(&[
            "Cordboard. Type /new demo to open a session, then any text; /help lists the commands.".to_owned(),
            "Ctrl-C interrupts an answer, and ends Cordboard when nothing runs; so does Ctrl-D.".to_owned(),
            format!("config   {config}"),
            format!("plugins  {plugins}"),
            format!("state    {}", places.state.display()),
            String::new(),
        ]);
    }

    /// Waits for what ends it.
    pub async fn ended(&mut self) -> End {
        let Kind::Console(_, events) = &mut self.kind;
        match events.recv().await {
            Some(ConsoleEvent::End) => End::Input,
            Some(ConsoleEvent::Quit | ConsoleEvent::OutputGone) | None => End::Asked,
        }
    }

    /// Shows what was ordered, and gives the terminal back.
    pub async fn close(&self) {
        let Kind::Console(console, _) = &self.kind;
        console.close().await;
    }
}
