//! Parses Bot API updates: texts, messages without text, edits, button presses, and new group ids. Drops updates from
//! users without access before anything is stored.

use std::{collections::HashSet, sync::Arc};

use cordboard_core::{
    language::with_language,
    messages,
    render::units,
    route::{self, BotText},
    types::{Caller, ChatFile, Place, TimeSource, Timestamp, UserId},
    updates_and_posts::{ButtonAction, MessageId, MessagePart, Origin, ReplyToHost, Update, UpdateKind},
};

use super::{
    Access, FRONT_END, LanguageOf, ReceiverSettings, Telegram,
    chat_migrations::ChatMigrations,
    described_content,
    outgoing::{TEXT_UNITS, message_id},
    pairing::{self, AttemptKind, PairingAttempt},
    prompt::{
        Markup, PromptContext, display_name, is_opening, mention, opening_mention, restore_markdown, without_name,
    },
    received_file, reply_author,
    update::{self, CallbackQuery, Entity, Message, StoppedDraft, User},
};

/// The maximum number of users without access whose ids are logged. Many strangers may find a bot, but they must not be
/// able to fill the log.
const MOST_STRANGERS: usize = 100;

/// The fields that identify the kind of a message without text, each with the word for that kind in replies and
/// prompts. The host ignores a message with none of these fields and without a caption: it is a service message, or its
/// kind is unknown.
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
    ("voice", "voice message"),
];

/// A text of at least this many UTF-16 units may be the first part of a longer one.
const NEARLY_LONGEST: usize = 3500;

/// The result of parsing an update. `query` is set for a button press, which must be answered even if the user has no
/// access.
pub(super) struct ParsedUpdate {
    pub incoming: Option<Incoming>,
    pub query: Option<Query>,
}

/// A button press, which the bot must answer.
pub(super) struct Query {
    pub id: String,
    /// The text that tells a user without access why the press is ignored.
    pub refusal: Option<String>,
}

/// An update that the host handles.
pub(super) enum Incoming {
    Update(Update),
    /// A group became a supergroup with a new id.
    Moved {
        from: i64,
        to: i64,
    },
    /// A person has renamed, closed or reopened this topic, or changed its icon.
    TopicChanged(Place),
    /// A button was pressed. The receiver looks up the button's data by `token`.
    Press {
        update: Update,
        token: String,
    },
    /// The stop button of a draft was pressed. The receiver looks up its action.
    StoppedDraft {
        update: Update,
        chat: i64,
        draft: u32,
    },
}

/// The bot's own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotAccount {
    pub id: u64,
    /// The user name, without `@`.
    pub name: String,
}

pub(super) struct UpdateParser {
    /// The front-end of the bot's places.
    front_end: String,
    access: Access,
    language: LanguageOf,
    bot: BotAccount,
    clock: TimeSource,
    strangers: HashSet<u64>,
    migrations: Arc<ChatMigrations>,
}

impl UpdateParser {
    pub fn new(telegram: &Telegram, settings: &ReceiverSettings, bot: BotAccount) -> Self {
        let (access, clock) = (Arc::clone(&settings.access), Arc::clone(&settings.clock));
        let language = Arc::clone(&settings.language);
        let (front_end, migrations) = (telegram.settings.front_end.clone(), Arc::clone(&telegram.migrations));
        Self { front_end, access, language, bot, migrations, clock, strangers: HashSet::new() }
    }

    pub fn parse(&mut self, mut update: update::Update) -> ParsedUpdate {
        let id = update.update_id;
        update.message.iter_mut().chain(&mut update.edited_message).for_each(Message::remove_implicit_topic_reply);
        if let Some(query) = update.callback_query {
            let place = query.message.as_ref().map(|message| self.place(message));
            let has_access = |place: &Place| (self.access)(&user_id(&query.from), place).is_some();
            let language = (self.language)(query.from.language_code.as_deref());
            let refusal = place.filter(|place| !has_access(place));
            let refusal = refusal.map(|_| with_language(language, messages::no_access));
            return ParsedUpdate { incoming: self.press(id, &query), query: Some(Query { id: query.id, refusal }) };
        }
        if let Some(stopped) = update.stopped_message_generation {
            return ParsedUpdate { incoming: self.stopped_draft(id, &stopped), query: None };
        }
        if let Some(migration) = update.message.as_ref().and_then(migration) {
            return ParsedUpdate { incoming: Some(migration), query: None };
        }
        if let Some(topic) = update.message.as_ref().and_then(|message| self.changed_topic(message)) {
            return ParsedUpdate { incoming: Some(Incoming::TopicChanged(topic)), query: None };
        }
        let new = update.message.and_then(|message| self.message(id, &message));
        let incoming = new.or_else(|| update.edited_message.and_then(|message| self.edited(id, &message)));
        ParsedUpdate { incoming: incoming.map(Incoming::Update), query: None }
    }

    /// Returns the pairing code in an update's message, and whether the message may be used for pairing.
    pub fn pairing_attempt(&self, update: &update::Update) -> Option<PairingAttempt> {
        let message = update.message.as_ref().or(update.edited_message.as_ref())?;
        let code = pairing::code_in(message, &self.bot.name)?;
        let author = update.message.as_ref().and_then(pairing::private_author);
        let kind = author.map_or(AttemptKind::Other, |author| AttemptKind::Private {
            user: author.id,
            name: author.full_name(),
            place: self.place(message),
            locale: author.language_code.clone(),
        });
        Some(PairingAttempt { key: message_key(update.update_id, message), kind, code })
    }

    fn message(&mut self, update: i64, message: &Message) -> Option<Update> {
        // Skip messages of bots, and messages sent on behalf of a channel or group: they have no identifiable author.
        let from = message.from.as_ref().filter(|from| message.sender_chat.is_none() && !from.is_bot)?;
        let place = self.place(message);
        let caller = self.caller(from, &place)?;
        let at = Timestamp(edited_or_sent_at(message).saturating_mul(1000));
        let key = message_key(update, message);
        let what = self.content(message, &key)?;
        let origin = self.origin(message, &what);
        Some(Update { key, caller, place, what, at, locale: from.language_code.clone(), origin })
    }

    /// Returns an update with the current text of an edited message, or `None` if the message is dropped or has neither
    /// text nor caption.
    fn edited(&mut self, update: i64, message: &Message) -> Option<Update> {
        // Every update of a live location arrives as an edit.
        if message.text.is_none() && message.caption.is_none() {
            return None;
        }
        let update = self.message(update, message)?;
        let words = match update.what {
            UpdateKind::Text(words) | UpdateKind::NotText { caption: Some(words), .. } | UpdateKind::Edited(words) => {
                words
            }
            UpdateKind::NotText { caption: None, .. } | UpdateKind::Press { .. } => return None,
        };
        let origin = Origin { part: MessagePart::Alone, ..update.origin };
        Some(Update { what: UpdateKind::Edited(words), origin, ..update })
    }

    fn origin(&self, message: &Message, what: &UpdateKind) -> Origin {
        let speaker =
            message.from.as_ref().filter(|_| message.chat.is_group()).map(|from| display_name(&from.full_name()));
        let part = match (&message.media_group_id, what) {
            (Some(album), UpdateKind::NotText { .. }) => MessagePart::Album(album.clone()),
            (_, UpdateKind::Text(_)) if message.text.is_some() => split_part(message),
            (
                _,
                UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. },
            ) => MessagePart::Alone,
        };
        let is_command = matches!(what, UpdateKind::Text(text) if route::parse(text).is_some());
        let replied_author = if is_command { reply_author::of(message) } else { None };
        let (id, reply) = (Some(self.id(message)), self.reply(message));
        Origin { message: id, part, speaker, reply, replied_author, ..Origin::default() }
    }

    fn reply(&self, message: &Message) -> Option<ReplyToHost> {
        let is_ours = |reply: &&Message| reply.from.as_ref().is_some_and(|from| from.id == self.bot.id);
        let replied = message.reply_to_message.as_deref().filter(is_ours)?;
        let text = message.text.as_ref().filter(|_| message.forward_origin.is_none())?;
        let (text, entities) = without_name(text, &message.entities, &self.bot.name);
        Some(ReplyToHost { message: self.id(replied), words: restore_markdown(&text, &entities, Markup::All) })
    }

    /// Returns the content of a message. `key` is the key of its update.
    fn content(&self, message: &Message, key: &str) -> Option<UpdateKind> {
        if let Some(text) = &message.text {
            return self.prompt_text(message, text, &message.entities).map(UpdateKind::Text);
        }
        if let Some(description) = described_content::describe(&message.others) {
            let is_for_others = message.chat.is_group() && self.is_for_others(message);
            let prompt = PromptContext { message, bot: self.bot.id }.prompt(&description);
            return (!is_for_others).then_some(UpdateKind::Text(prompt));
        }
        let kind = KINDS.iter().find(|(field, _)| message.others.contains_key(*field)).map(|(_, kind)| *kind);
        let files: Vec<ChatFile> = received_file::find(&message.others, key).into_iter().collect();
        if let Some(caption) = &message.caption {
            let kind = kind.unwrap_or("message").to_owned();
            let caption = self.prompt_text(message, caption, &message.caption_entities)?;
            return Some(UpdateKind::NotText { kind, caption: Some(caption), files });
        }
        let is_album = message.media_group_id.is_some();
        if !files.is_empty() && message.chat.is_group() && !is_album && self.is_for_others(message) {
            return None;
        }
        // The context of a file that was forwarded, or sent in reply to a message.
        let context = PromptContext { message, bot: self.bot.id }.prompt("");
        let has_context = !files.is_empty() && !is_album && !context.trim().is_empty();
        let caption = has_context.then(|| context.trim().to_owned());
        Some(UpdateKind::NotText { kind: kind?.to_owned(), caption, files })
    }

    /// Returns a command without the bot's name, or a prompt with its context, or `None` if the message is for other
    /// people or for another bot.
    fn prompt_text(&self, message: &Message, text: &str, entities: &[Entity]) -> Option<String> {
        let (text, entities) = without_name(text, entities, &self.bot.name);
        // Forwarded text is never a command.
        if message.forward_origin.is_none() {
            match route::remove_bot_name(&restore_markdown(&text, &entities, Markup::Links), &self.bot.name) {
                BotText::OtherBot => return None,
                BotText::Command(command) => return Some(command),
                BotText::Text => {}
            }
        }
        if message.chat.is_group() && self.is_for_others(message) {
            return None;
        }
        Some(PromptContext { message, bot: self.bot.id }.prompt(&restore_markdown(&text, &entities, Markup::All)))
    }

    /// Returns whether a message in a group is for other people: it begins with a mention of another user or replies to
    /// another user's message, and doesn't mention the bot.
    fn is_for_others(&self, message: &Message) -> bool {
        let (text, entities) = match (&message.text, &message.caption) {
            (Some(text), _) => (text.as_str(), &message.entities),
            (None, Some(caption)) => (caption.as_str(), &message.caption_entities),
            (None, None) => ("", &message.entities),
        };
        let is_us = |user: &User| user.id == self.bot.id;
        let names_us = text
            .match_indices('@')
            .any(|(at, _)| mention(&text[at..]).is_some_and(|(name, _)| name.eq_ignore_ascii_case(&self.bot.name)));
        if names_us || entities.iter().filter_map(|entity| entity.user.as_ref()).any(is_us) {
            return false;
        }
        let opens = |entity: &Entity| entity.user.is_some() && is_opening(text, entity);
        let begins = opening_mention(text).is_some() || entities.iter().any(opens);
        begins || message.reply_to_message.as_ref().is_some_and(|reply| self.is_of_others(message, reply))
    }

    /// Returns whether `reply`, the message being replied to, is from neither the author of `message` nor the bot.
    fn is_of_others(&self, message: &Message, reply: &Message) -> bool {
        let own = message.from.as_ref().map(|from| from.id);
        let author = reply.from.as_ref().filter(|_| reply.sender_chat.is_none()).map(|from| from.id);
        author != Some(self.bot.id) && author != own
    }

    /// Returns the topic that a person has changed, if the message reports such a change. The person doesn't need
    /// access: Telegram has already checked the person's rights in the chat.
    fn changed_topic(&self, message: &Message) -> Option<Place> {
        let changes = ["forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"];
        let is_change = changes.iter().any(|field| message.others.contains_key(*field));
        let is_own = message.from.as_ref().is_some_and(|from| from.id == self.bot.id);
        (is_change && !is_own).then(|| self.place(message)).filter(|place| place.topic.is_some())
    }

    fn press(&mut self, update: i64, query: &CallbackQuery) -> Option<Incoming> {
        let (message, token) = (query.message.as_ref()?, query.data.clone()?);
        let place = self.place(message);
        let caller = self.caller(&query.from, &place)?;
        let what = UpdateKind::Press { line: ButtonAction::default(), message: Some(self.id(message)) };
        let (key, locale) = (format!("{update}:{}", query.id), query.from.language_code.clone());
        let (at, origin) = ((self.clock)(), Origin::default());
        let update = Update { key, caller, place, what, at, locale, origin };
        Some(Incoming::Press { update, token })
    }

    /// Parses the press of a draft's stop button. Telegram doesn't name the user, but a private chat has only one user,
    /// whose id equals the chat id.
    fn stopped_draft(&mut self, update: i64, stopped: &StoppedDraft) -> Option<Incoming> {
        let chat = &stopped.chat;
        let user = User {
            id: chat.id.try_into().ok()?,
            is_bot: false,
            first_name: chat.first_name.clone(),
            last_name: chat.last_name.clone(),
            language_code: None,
        };
        let topic = stopped.message_thread_id.map(|thread| thread.to_string());
        let place = Place { topic, ..Place::new(&self.front_end, &chat.id.to_string()) };
        let caller = self.caller(&user, &place)?;
        // Update ids may restart after a week without updates, so the key also contains the id of the draft.
        let (key, at) = (format!("{update}:draft:{}", stopped.draft_id), (self.clock)());
        let what = UpdateKind::Press { line: ButtonAction::default(), message: None };
        let update = Update { key, caller, place, what, at, locale: None, origin: Origin::default() };
        Some(Incoming::StoppedDraft { update, chat: chat.id, draft: stopped.draft_id })
    }

    fn id(&self, message: &Message) -> MessageId {
        message_id(self.migrations.first_id(message.chat.id), message.chat.id, message.message_id)
    }

    fn place(&self, message: &Message) -> Place {
        // In a chat without topics, the thread is a reply thread, and the bot can't send to it.
        let thread = message.message_thread_id.filter(|_| message.is_topic_message == Some(true));
        let topic = thread.map(|thread| thread.to_string());
        Place { topic, ..Place::new(&self.front_end, &self.migrations.first_id(message.chat.id).to_string()) }
    }

    fn caller(&mut self, user: &User, place: &Place) -> Option<Caller> {
        let id = user_id(user);
        let Some(role) = (self.access)(&id, place) else {
            if self.strangers.len() < MOST_STRANGERS && self.strangers.insert(user.id) {
                tracing::info!(
                    user = user.id,
                    "ignored a user without access; the owner gives access with /access add"
                );
            }
            return None;
        };
        Some(Caller { id, name: user.full_name(), role })
    }
}

fn user_id(user: &User) -> UserId {
    UserId(format!("{FRONT_END}:{}", user.id))
}

/// Returns the time of the last edit or of the message itself, as Unix time in seconds.
fn edited_or_sent_at(message: &Message) -> u64 {
    message.edit_date.or(message.date).unwrap_or_default()
}

/// Returns the key of an update that contains a message. Update ids may restart after a week without updates, so the
/// key also contains the message id and the date.
fn message_key(update: i64, message: &Message) -> String {
    format!("{update}:{}:{}", message.message_id, edited_or_sent_at(message))
}

/// Parses the service message about a migration. The old and the new chat each receive one, which contains the other
/// chat's id.
fn migration(message: &Message) -> Option<Incoming> {
    let id = |field: &str| message.others.get(field).and_then(serde_json::Value::as_i64);
    let to = id("migrate_to_chat_id").map(|to| Incoming::Moved { from: message.chat.id, to });
    to.or_else(|| id("migrate_from_chat_id").map(|from| Incoming::Moved { from, to: message.chat.id }))
        .filter(|_| message.text.is_none())
}

/// Guesses from the length of a text whether it may be one part of a longer text that the client has split.
fn split_part(message: &Message) -> MessagePart {
    let length = message.text.as_deref().map_or(0, units);
    let is_plain = message.forward_origin.is_none() && message.reply_to_message.is_none() && message.quote.is_none();
    match length {
        _ if message.forward_origin.is_some() => MessagePart::Alone,
        // Clients split at the end of a line or of a word if there is one.
        TEXT_UNITS.. => MessagePart::Cut { joint: String::new() },
        NEARLY_LONGEST.. => MessagePart::Cut { joint: "\n".to_owned() },
        _ if is_plain => MessagePart::Text,
        _ => MessagePart::Alone,
    }
}
