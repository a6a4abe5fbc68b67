//! What an update of the Bot API is to us: a text, a press, something that is no text, or nothing.
//!
//! Who is not served is turned away here, before anything is stored.

use std::collections::HashSet;

use cordboard_core::{
    chat::{ButtonLine, MessageId, Update, What},
    route::{self, Routed},
    types::{Caller, Moment, Place, UserId},
};
use teloxide_core::types::{
    self, CallbackQuery, CallbackQueryId, Chat, MediaKind, Message, MessageKind, UpdateKind, User,
};

use super::{Access, FRONT_END};
use crate::clock::Clock;

/// How many strangers are told of in the log; a bot that many find must not fill it.
const STRANGERS: usize = 100;

/// An update that concerns us.
pub(super) enum Incoming {
    Update(Update),
    /// A button was pressed; its command line must be looked up first.
    Press {
        update: Update,
        token: String,
    },
}

/// A press waits for its answer, whoever pressed.
pub(super) struct Read {
    pub incoming: Option<Incoming>,
    pub query: Option<CallbackQueryId>,
}

pub(super) struct Gate {
    access: Access,
    /// Our own user name.
    bot: String,
    clock: Clock,
    strangers: HashSet<u64>,
    /// The album whose first part was taken last.
    album: Option<String>,
}

impl Gate {
    pub fn new(access: Access, bot: String) -> Self {
        Self { access, bot, clock: Clock::system(), strangers: HashSet::new(), album: None }
    }

    pub fn read(&mut self, update: types::Update) -> Read {
        let key = update.id.0.to_string();
        match update.kind {
            UpdateKind::Message(message) => {
                Read { incoming: self.message(key, &message).map(Incoming::Update), query: None }
            }
            UpdateKind::CallbackQuery(query) => {
                Read { incoming: self.press(key, &query), query: Some(query.id.clone()) }
            }
            UpdateKind::Error(_) => {
                tracing::debug!(update = key, "an update of a kind that is not known is passed over");
                Read { incoming: None, query: None }
            }
            _ => Read { incoming: None, query: None },
        }
    }

    fn message(&mut self, key: String, message: &Message) -> Option<Update> {
        // Who speaks as a channel or as the group itself has no name.
        let from = message.from.as_ref().filter(|from| message.sender_chat.is_none() && !from.is_bot)?;
        let caller = self.caller(from)?;
        let what = self.what(message)?;
        let seconds = u64::try_from(message.date.timestamp()).unwrap_or_default();
        let at = Moment(seconds.saturating_mul(1000));
        Some(Update { key, caller, place: place(message), what, at, locale: from.language_code.clone() })
    }

    fn what(&mut self, message: &Message) -> Option<What> {
        let common = match &message.kind {
            MessageKind::Common(common) => common,
            // More than teloxide reads: a content of the future, or one whose optional fields it wants.
            MessageKind::Empty {} => return Some(What::NotText { kind: "message".to_owned(), caption: None }),
            _ => return None,
        };
        if let MediaKind::Text(text) = &common.media_kind {
            return self.text(&text.text).map(What::Text);
        }
        let kind = kind(&common.media_kind)?;
        let caption = message.caption().map(str::to_owned);
        let album = message.media_group_id().map(|album| album.0.clone());
        // The parts of an album are updates of their own, the caption is on one of them: the others say nothing new.
        let is_more = album.is_some() && album == self.album && caption.is_none();
        self.album = album;
        (!is_more).then(|| What::NotText { kind: kind.to_owned(), caption })
    }

    /// The text without our own name behind a command; none for another bot's command.
    fn text(&self, text: &str) -> Option<String> {
        match route::parse(text, Some(&self.bot)) {
            Routed::OtherBot => None,
            Routed::Text => Some(text.to_owned()),
            Routed::Command { .. } => {
                let end = text.find(char::is_whitespace).unwrap_or(text.len());
                let (word, rest) = text.split_at(end);
                let (name, _) = word.split_once('@').unwrap_or((word, ""));
                Some(format!("{name}{rest}"))
            }
        }
    }

    fn press(&mut self, key: String, query: &CallbackQuery) -> Option<Incoming> {
        let caller = self.caller(&query.from)?;
        let (message, token) = (query.message.as_ref()?, query.data.clone()?);
        let place = message.regular_message().map_or_else(|| plain_place(message.chat()), place);
        let what = What::Press { line: ButtonLine::default(), message: Some(MessageId(message.id().0.to_string())) };
        let locale = query.from.language_code.clone();
        let update = Update { key, caller, place, what, at: self.clock.now(), locale };
        Some(Incoming::Press { update, token })
    }

    fn caller(&mut self, user: &User) -> Option<Caller> {
        let id = user.id.0;
        let Some(role) = (self.access)(id) else {
            if self.strangers.len() < STRANGERS && self.strangers.insert(id) {
                tracing::info!(
                    user = id,
                    "somebody who is not in [access] wrote to the bot; add the number there to serve them"
                );
            }
            return None;
        };
        Some(Caller { id: UserId(format!("{FRONT_END}:{id}")), name: user.full_name(), role })
    }
}

fn place(message: &Message) -> Place {
    // In a chat without topics the thread is that of a reply, and nothing can be sent to it.
    let topic = message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0.to_string());
    Place { topic, ..plain_place(&message.chat) }
}

fn plain_place(chat: &Chat) -> Place {
    Place::new(FRONT_END, &chat.id.0.to_string())
}

/// In a word for the user; none for what the chat itself tells.
fn kind(media: &MediaKind) -> Option<&'static str> {
    Some(match media {
        MediaKind::Animation(_) => "animation",
        MediaKind::Audio(_) => "audio",
        MediaKind::Contact(_) => "contact",
        MediaKind::Document(_) => "file",
        MediaKind::Game(_) => "game",
        MediaKind::Venue(_) | MediaKind::Location(_) => "location",
        MediaKind::Photo(_) => "photo",
        MediaKind::Poll(_) => "poll",
        MediaKind::Checklist(_) => "checklist",
        MediaKind::Sticker(_) => "sticker",
        MediaKind::Story(_) => "story",
        MediaKind::Video(_) | MediaKind::VideoNote(_) | MediaKind::PaidMedia(_) => "video",
        MediaKind::Voice(_) => "voice",
        MediaKind::Text(_) | MediaKind::Migration(_) => return None,
    })
}
