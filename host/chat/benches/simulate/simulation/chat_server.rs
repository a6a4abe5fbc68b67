//! The server of the chats: which messages they show, and which calls fail. Checks how often the outbox calls it.

use std::{collections::BTreeMap, time::Duration};

use cordboard_chat::{ChatError, Edits, Limits, LiveLine};
use cordboard_core::updates_and_posts::MessageId;

use super::people;
use crate::{
    random_worlds::Dice,
    types::{Place, Timestamp},
};

/// The minimum time between two frames of running turns in a chat.
pub const PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct ChatServer {
    rooms: BTreeMap<Place, Room>,
    last_message: u64,
    pub disconnected_until: Timestamp,
}

#[derive(Default)]
struct Room {
    messages: BTreeMap<u64, Message>,
    limited_until: Timestamp,
    blocked_until: Timestamp,
    last_frame: Option<Timestamp>,
}

struct Message {
    text: String,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// The host may not know of the message, because the response was lost or the host was killed.
    Unconfirmed,
    Confirmed,
    /// A completed post is shown by the message.
    Owned,
}

/// A call of the host.
#[derive(Hash)]
pub enum Call<'a> {
    Send(&'a str),
    Edit(&'a MessageId, &'a str),
    Delete(&'a MessageId),
}

/// The facts about a call that decide whether it may be made and whether it fails.
pub struct CallFacts {
    pub now: Timestamp,
    pub is_frame: bool,
    pub has_styles: bool,
}

pub enum Fate {
    Success,
    LostRequest,
    LostResponse,
    Refused(ChatError),
}

impl ChatServer {
    pub fn limits(&self) -> Limits {
        Limits {
            text_units: 4096,
            columns: 30,
            live_line: LiveLine::InMessage,
            edits: Edits::Replace,
            ring_after: Duration::ZERO,
            document_over: None,
        }
    }

    /// Decides how a call ends.
    ///
    /// # Errors
    /// Returns the rule that the call violates.
    pub fn begin(&mut self, place: &Place, facts: &CallFacts, dice: &mut Dice) -> Result<Fate, String> {
        let now = facts.now;
        let room = self.rooms.entry(place.clone()).or_default();
        if now < room.limited_until {
            return Err(format!("no call is made while {place} is rate-limited"));
        }
        if facts.is_frame {
            if room.last_frame.is_some_and(|last| now.since(last) < PAUSE) {
                return Err(format!("the frames in {place} keep their pause"));
            }
            room.last_frame = Some(now);
        }
        if now < self.disconnected_until {
            return Ok(Fate::LostRequest);
        }
        if now < room.blocked_until {
            return Ok(Fate::Refused(ChatError::Unreachable { why: "the user has blocked the bot".to_owned() }));
        }
        if people::is_calm(now) {
            return Ok(Fate::Success);
        }
        Ok(match dice.roll(400) {
            0 => {
                let after = Duration::from_secs(3 + dice.roll(40));
                room.limited_until = now.after(after);
                Fate::Refused(ChatError::RateLimited { after, why: "too many requests".to_owned() })
            }
            1 => Fate::LostRequest,
            2 => Fate::LostResponse,
            3..10 if facts.has_styles => Fate::Refused(ChatError::Rejected { why: "can't parse entities".to_owned() }),
            10 if dice.one_in(8) => {
                room.blocked_until = now.after(Duration::from_secs(60 + dice.roll(7200)));
                Fate::Refused(ChatError::Unreachable { why: "the user has blocked the bot".to_owned() })
            }
            _ => Fate::Success,
        })
    }

    /// Performs a call. Returns the id of the message.
    pub fn perform(&mut self, place: &Place, call: &Call<'_>) -> Result<MessageId, ChatError> {
        let room = self.rooms.entry(place.clone()).or_default();
        match call {
            Call::Send(text) => {
                self.last_message += 1;
                let message = Message { text: (*text).to_owned(), status: Status::Unconfirmed };
                room.messages.insert(self.last_message, message);
                Ok(MessageId(self.last_message.to_string()))
            }
            Call::Edit(id, text) => {
                let message = room.messages.get_mut(&number(id));
                let why = "message to edit not found".to_owned();
                message.ok_or(ChatError::Rejected { why })?.text = (*text).to_owned();
                Ok((*id).clone())
            }
            Call::Delete(id) => {
                room.messages.remove(&number(id));
                Ok((*id).clone())
            }
        }
    }

    /// Records that the host has received the id of a message.
    pub fn confirm(&mut self, place: &Place, id: &MessageId) {
        if let Some(message) = self.message(place, id).filter(|message| message.status == Status::Unconfirmed) {
            message.status = Status::Confirmed;
        }
    }

    /// Records that the host can't know the message after a kill.
    pub fn excuse(&mut self, place: &Place, id: &MessageId) {
        if let Some(message) = self.message(place, id) {
            message.status = Status::Unconfirmed;
        }
    }

    /// Records that a completed post is shown by the message.
    pub fn own(&mut self, place: &Place, id: &MessageId) {
        if let Some(message) = self.message(place, id) {
            message.status = Status::Owned;
        }
    }

    pub fn text(&self, place: &Place, id: &MessageId) -> Option<String> {
        self.rooms.get(place)?.messages.get(&number(id)).map(|message| message.text.clone())
    }

    fn message(&mut self, place: &Place, id: &MessageId) -> Option<&mut Message> {
        self.rooms.get_mut(place)?.messages.get_mut(&number(id))
    }

    /// Forgets the limits that a killed host knew of.
    pub fn on_kill(&mut self) {
        for room in self.rooms.values_mut() {
            room.limited_until = Timestamp(0);
            room.last_frame = None;
        }
    }

    /// Checks that each message shows a completed post, and forgets the messages. Returns the number of other messages
    /// that the host can't know.
    ///
    /// # Errors
    /// Returns the rule that is violated.
    pub fn inspect(&mut self) -> Result<u64, String> {
        let mut copies = 0;
        for (place, room) in &mut self.rooms {
            for (id, message) in std::mem::take(&mut room.messages) {
                match message.status {
                    Status::Owned => {}
                    Status::Unconfirmed => copies += 1,
                    Status::Confirmed => {
                        return Err(format!("message {id} in {place} shows a completed post: {}", message.text));
                    }
                }
            }
        }
        Ok(copies)
    }
}

fn number(id: &MessageId) -> u64 {
    id.0.parse().expect("the server's own id")
}
