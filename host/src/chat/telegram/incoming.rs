//! What an update of the Bot API is to us: a text, a press, something that is no text, or nothing.
//!
//! Who is not served is turned away here, before anything is stored.

use std::collections::HashSet;

use cordboard_core::{
    chat::{ButtonLine, MessageId, Update, What},
    route::{self, Routed},
    types::{Caller, Moment, Place, UserId},
};

use super::{
    Access, FRONT_END,
    prompt::{Context, Marks, marked, mention, name, without_name},
    update::{self, CallbackQuery, Entity, Message, User},
};
use crate::clock::Clock;

/// How many strangers are told of in the log; a bot that many find must not fill it.
const STRANGERS: usize = 100;

/// Content that is no text, by its field, and in a word for the user. What is not here is a notice of the chat itself, or of a kind that
/// is not known: neither is answered.
const KINDS: [(&str, &str); 19] = [
    ("animation", "animation"),
    ("audio", "audio"),
    ("checklist", "checklist"),
    ("contact", "contact"),
    ("dice", "dice"),
    ("document", "file"),
    ("game", "game"),
    ("live_photo", "photo"),
    ("location", "location"),
    ("paid_media", "video"),
    ("photo", "photo"),
    ("poll", "poll"),
    ("rich_message", "message"),
    ("sticker", "sticker"),
    ("story", "story"),
    ("venue", "location"),
    ("video", "video"),
    ("video_note", "video"),
    ("voice", "voice"),
];

/// A press waits for its answer, whoever pressed.
pub(super) struct Read {
    pub incoming: Option<Incoming>,
    pub query: Option<String>,
}

/// An update that concerns us.
pub(super) enum Incoming {
    Update(Update),
    /// A button was pressed; its command line must be looked up first.
    Press {
        update: Update,
        token: String,
    },
}

/// Ourselves, as Telegram knows us.
pub(super) struct Bot {
    pub id: u64,
    /// The user name.
    pub name: String,
}

pub(super) struct Gate {
    access: Access,
    bot: Bot,
    clock: Clock,
    strangers: HashSet<u64>,
    /// The album whose first part was taken last.
    album: Option<String>,
}

impl Gate {
    pub fn new(access: Access, bot: Bot) -> Self {
        Self { access, bot, clock: Clock::system(), strangers: HashSet::new(), album: None }
    }

    pub fn read(&mut self, update: update::Update) -> Read {
        let id = update.update_id;
        if let Some(query) = update.callback_query {
            return Read { incoming: self.press(id, &query), query: Some(query.id) };
        }
        let incoming = update.message.and_then(|message| self.message(id, &message));
        Read { incoming: incoming.map(Incoming::Update), query: None }
    }

    fn message(&mut self, update: i64, message: &Message) -> Option<Update> {
        // Who speaks as a channel or as the group itself has no name.
        let from = message.from.as_ref().filter(|from| message.sender_chat.is_none() && !from.is_bot)?;
        let caller = self.caller(from)?;
        let what = self.what(message)?;
        let date = message.date.unwrap_or_default();
        let at = Moment(date.saturating_mul(1000));
        // Numbers of updates may begin anew after a week of silence: a message is the same where all of this is.
        let key = format!("{update}:{}:{date}", message.message_id);
        Some(Update { key, caller, place: place(message), what, at, locale: from.language_code.clone() })
    }

    fn what(&mut self, message: &Message) -> Option<What> {
        if let Some(text) = &message.text {
            return self.words(message, text, &message.entities).map(What::Text);
        }
        let kind = KINDS.iter().find(|(field, _)| message.others.contains_key(*field)).map(|(_, kind)| *kind);
        let is_more = self.is_more(message);
        if let Some(caption) = &message.caption {
            let kind = kind.unwrap_or("message").to_owned();
            let caption = self.words(message, caption, &message.caption_entities)?;
            return Some(What::NotText { kind, caption: Some(caption) });
        }
        (!is_more).then_some(What::NotText { kind: kind?.to_owned(), caption: None })
    }

    /// The parts of an album are updates of their own; those without a caption say nothing new.
    fn is_more(&mut self, message: &Message) -> bool {
        let album = message.media_group_id.clone();
        let is_more = album.is_some() && album == self.album;
        self.album = album;
        is_more
    }

    /// A command without our own name, or a prompt with what it is about; none where it is for somebody else.
    fn words(&self, message: &Message, text: &str, entities: &[Entity]) -> Option<String> {
        let (text, entities) = without_name(text, entities, &self.bot.name);
        // Somebody else's words order nothing.
        if message.forward_origin.is_none() {
            match route::parse(&text, Some(&self.bot.name)) {
                Routed::OtherBot => return None,
                Routed::Command { .. } => return Some(unaddressed(&marked(&text, &entities, Marks::Links))),
                Routed::Text => {}
            }
        }
        if message.chat.is_group() && self.is_for_others(message) {
            return None;
        }
        let speaker = message.from.as_ref().filter(|_| message.chat.is_group()).map(|from| name(&from.full_name()));
        Some(Context { message, bot: self.bot.id, speaker }.prompt(&marked(&text, &entities, Marks::All)))
    }

    /// Whether a text in a group begins with somebody else's name, or answers somebody else, and does not name us.
    fn is_for_others(&self, message: &Message) -> bool {
        let (text, entities) = match (&message.text, &message.caption) {
            (Some(text), _) => (text.as_str(), &message.entities),
            (None, Some(caption)) => (caption.as_str(), &message.caption_entities),
            (None, None) => return false,
        };
        let is_us = |user: &User| user.id == self.bot.id;
        let names_us = text
            .match_indices('@')
            .any(|(at, _)| mention(&text[at..]).is_some_and(|(name, _)| name.eq_ignore_ascii_case(&self.bot.name)));
        if names_us || entities.iter().filter_map(|entity| entity.user.as_ref()).any(is_us) {
            return false;
        }
        let begins =
            mention(text).is_some() || entities.iter().any(|entity| entity.offset == 0 && entity.user.is_some());
        begins || message.reply_to_message.as_ref().is_some_and(|reply| self.is_of_others(message, reply))
    }

    /// Whether the answered message is somebody else's. In a topic, each message answers the notice that the topic was made.
    fn is_of_others(&self, message: &Message, reply: &Message) -> bool {
        let own = message.from.as_ref().map(|from| from.id);
        let author = reply.from.as_ref().filter(|_| reply.sender_chat.is_none()).map(|from| from.id);
        let is_topic = reply.others.contains_key("forum_topic_created")
            || message.is_topic_message == Some(true)
                && message.message_thread_id.map(i64::from) == Some(reply.message_id);
        !is_topic && author != Some(self.bot.id) && author != own
    }

    fn press(&mut self, update: i64, query: &CallbackQuery) -> Option<Incoming> {
        let caller = self.caller(&query.from)?;
        let (message, token) = (query.message.as_ref()?, query.data.clone()?);
        let line = ButtonLine::default();
        let what = What::Press { line, message: Some(MessageId(message.message_id.to_string())) };
        let (key, locale) = (format!("{update}:{}", query.id), query.from.language_code.clone());
        let update = Update { key, caller, place: place(message), what, at: self.clock.now(), locale };
        Some(Incoming::Press { update, token })
    }

    fn caller(&mut self, user: &User) -> Option<Caller> {
        let id = user.id;
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

/// A command without the name of its bot.
fn unaddressed(command: &str) -> String {
    let (word, rest) = command.split_at(command.find(char::is_whitespace).unwrap_or(command.len()));
    let (name, _) = word.split_once('@').unwrap_or((word, ""));
    format!("{name}{rest}")
}

fn place(message: &Message) -> Place {
    // In a chat without topics the thread is that of a reply, and nothing can be sent to it.
    let thread = message.message_thread_id.filter(|_| message.is_topic_message == Some(true));
    let topic = thread.map(|thread| thread.to_string());
    Place { topic, ..Place::new(FRONT_END, &message.chat.id.to_string()) }
}
