//! Posts to be sent. A post is stored in the transaction that completes the update it answers, and deleted after it was
//! sent or abandoned. Undeliverable posts are kept, so that `cordboard outbox` can list them.

use cordboard_core::{
    agent_event::PromptId,
    render::is_blank,
    types::{Alert, Authorship, DeliveryIssue, Place, Reply},
    updates_and_posts::{CompletedUpdate, Delivery, MessageId, NewPost, OutboxRow, PostId},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, delivery_log,
    error::{StoreError, WorkError, counted},
    inbox, keyboards, outbox_table,
    rows::{json, read_all},
};

/// The maximum number of undeliverable posts to keep for `cordboard outbox`.
const MAX_UNDELIVERABLE: i64 = 100;

impl Store {
    /// Completes updates and stores their posts atomically. A command's update is completed when its reply is stored,
    /// and a turn's when its final answer is stored. A dropped prompt is completed without a post, and a notice is a
    /// post that doesn't complete an update. A second call doesn't change completed updates, but stores the posts
    /// again.
    pub async fn finish(&self, done: Vec<CompletedUpdate>, out: Vec<NewPost>) -> Result<Vec<OutboxRow>, StoreError> {
        let what = format!("store {} and complete {}", counted(out.len(), "post"), counted(done.len(), "message"));
        self.run(what, move |db| {
            let mut rows: Vec<OutboxRow> = Vec::with_capacity(out.len());
            for mut post in out.iter().cloned() {
                // Read the answered message before the prompt is completed below. Only the first post of a turn replies
                // to it.
                if let Some(turn) = post.turn.as_ref().filter(|_| rows.iter().all(|row| row.turn != post.turn)) {
                    post.reply.reply_to = answered_message(db, turn)?;
                }
                rows.push(insert(db, &post)?);
            }
            for done in &done {
                inbox::complete(db, done)?;
                if let CompletedUpdate::Prompt(prompt) = done {
                    db.prepare_cached("DELETE FROM live WHERE prompt = ?")?.execute([&prompt.0])?;
                }
            }
            Ok(rows)
        })
        .await
    }

    /// Returns the message that a turn answers, or `None` if no message started the turn or the turn's end is already
    /// stored.
    pub async fn answered_message(&self, turn: &PromptId) -> Result<Option<MessageId>, StoreError> {
        let turn = turn.clone();
        self.run(format!("read which message prompt {} came with", turn.0), move |db| answered_message(db, &turn)).await
    }

    /// Records that the turn is being streamed into this message, which now shows `text`. The final answer replaces the
    /// message. If the host exits before the turn ends, [`Self::mark_interrupted_answers`] marks the answer as
    /// interrupted. Call this method for each message of a long answer and for each edit. Ignores turns whose end is
    /// already stored.
    pub async fn save_placeholder(
        &self,
        turn: &PromptId,
        place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StoreError> {
        let (turn, place, message, text) = (turn.clone(), place.clone(), message.clone(), text.to_owned());
        self.run(format!("store the message that shows the answer to prompt {}", turn.0), move |db| {
            let place = serde_json::to_string(&place)?;
            // Don't insert an entry if the final answer was stored while the message was being sent, because it would
            // never be deleted. Turns that the agent starts by itself aren't in the inbox, so also check the outbox for
            // the answer.
            let sql = "INSERT INTO live (prompt, place, message, text) SELECT ?1, ?2, ?3, ?4
                WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE prompt = ?1 AND state = 'done')
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE turn = ?1)
                ON CONFLICT DO UPDATE SET text = excluded.text";
            db.prepare_cached(sql)?.execute(params![turn.0, place, message.0, text])?;
            Ok(())
        })
        .await
    }

    /// Records that a message into which a turn was streamed no longer exists.
    pub async fn forget_placeholder(&self, place: &Place, message: &MessageId) -> Result<(), StoreError> {
        let (place, message) = (place.clone(), message.clone());
        self.run("remove a deleted message".to_owned(), move |db| {
            let place = serde_json::to_string(&place)?;
            db.prepare_cached("DELETE FROM live WHERE place = ? AND message = ?")?
                .execute(params![place, message.0])?;
            Ok(())
        })
        .await
    }

    /// Returns the turns that were streamed into messages but whose end isn't stored, as pairs of turn and place.
    pub async fn streamed_turns(&self) -> Result<Vec<(PromptId, Place)>, StoreError> {
        self.run("read the unfinished turns".to_owned(), |db| {
            let sql = "SELECT prompt, place FROM live GROUP BY prompt, place ORDER BY min(id)";
            read_all(db, sql, [], |row| Ok((PromptId(row.get(0)?), json(row, 1)?)))
        })
        .await
    }

    /// Returns, for each turn whose end isn't stored, the part of its answer that the chat shows.
    pub async fn unfinished_answers(&self) -> Result<Vec<(PromptId, String)>, StoreError> {
        self.run("read the unfinished answers".to_owned(), |db| {
            let sql = "SELECT prompt, group_concat(text, char(10) ORDER BY id) FROM live \
                       WHERE text IS NOT NULL GROUP BY prompt ORDER BY min(id)";
            read_all(db, sql, [], |row| Ok((PromptId(row.get(0)?), row.get(1)?)))
        })
        .await
    }

    /// Ends the streamed turns of the previous host process, and returns the posts that edit or delete their messages.
    /// Must be called before this host streams a turn.
    pub async fn mark_interrupted_answers(
        &self,
        marked: impl Fn(&Place, &str) -> String + Send + 'static,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.run("mark the interrupted answers".to_owned(), move |db| mark_interrupted_answers(db, &marked)).await
    }

    /// Stores how much of a post was delivered. Has no effect if the post is already deleted.
    pub async fn save_progress(&self, id: PostId, delivery: Delivery) -> Result<(), StoreError> {
        self.run(format!("store the progress of post {}", id.0), move |db| {
            let delivery = serde_json::to_string(&delivery)?;
            db.prepare_cached("UPDATE outbox SET delivery = ? WHERE id = ?")?.execute(params![delivery, id.0])?;
            Ok(())
        })
        .await
    }

    /// Marks a post as undeliverable, and stores the reason. Keeps only the newest [`MAX_UNDELIVERABLE`] such posts.
    pub async fn mark_undeliverable(&self, id: PostId, why: &str) -> Result<(), StoreError> {
        let why = why.to_owned();
        self.run(format!("store that post {} is undeliverable", id.0), move |db| {
            let sql = "UPDATE outbox SET delivery = json_set(delivery, '$.undeliverable', ?) WHERE id = ?";
            db.prepare_cached(sql)?.execute(params![why, id.0])?;
            let sql = "DELETE FROM outbox WHERE delivery ->> '$.undeliverable' IS NOT NULL AND id NOT IN (
                SELECT id FROM outbox WHERE delivery ->> '$.undeliverable' IS NOT NULL ORDER BY id DESC LIMIT ?)";
            db.prepare_cached(sql)?.execute([MAX_UNDELIVERABLE])?;
            Ok(())
        })
        .await
    }

    /// Makes the undeliverable posts of a place deliverable again, and returns them.
    pub async fn resend_undeliverable(&self, place: &Place) -> Result<Vec<OutboxRow>, StoreError> {
        let place = place.clone();
        self.run(format!("read the undeliverable posts for {place}"), move |db| {
            let mut posts = outbox_table::all(db)?;
            posts.retain(|post| post.place == place && post.state.undeliverable.is_some());
            for post in &mut posts {
                post.state.undeliverable = None;
                let sql = "UPDATE outbox SET delivery = json_remove(delivery, '$.undeliverable') WHERE id = ?";
                db.prepare_cached(sql)?.execute([post.id.0])?;
            }
            Ok(posts)
        })
        .await
    }

    /// Deletes a post that was sent or abandoned. `messages` are the chat messages that show its buttons. If its
    /// request was decided in the meantime, returns the posts that replace the buttons in these messages. `issues` are
    /// recorded in the delivery log.
    pub async fn complete_post(
        &self,
        id: PostId,
        messages: Vec<MessageId>,
        issues: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.run(format!("store that post {} was sent", id.0), move |db| {
            delivery_log::append(db, id, &issues)?;
            db.prepare_cached("DELETE FROM outbox WHERE id = ?")?.execute([id.0])?;
            keyboards::record_messages(db, id, &messages)
        })
        .await
    }
}

fn answered_message(db: &Connection, turn: &PromptId) -> Result<Option<MessageId>, WorkError> {
    let sql = "SELECT json_extract(record, '$.origin.message') FROM inbox WHERE prompt = ? AND state <> 'done'";
    let mut query = db.prepare_cached(sql)?;
    let message: Option<Option<String>> = query.query_row([&turn.0], |row| row.get(0)).optional()?;
    Ok(message.flatten().map(MessageId))
}

pub(super) fn insert(db: &Connection, post: &NewPost) -> Result<OutboxRow, WorkError> {
    let place = serde_json::to_string(&post.place)?;
    let state = Delivery { messages: replaced(db, post, &place)?, ..Delivery::default() };
    let row = outbox_table::insert(db, &place, post.turn.clone(), post.reply.clone(), state)?;
    if !row.reply.buttons.is_empty() {
        keyboards::insert(db, row.id, &place, &row.reply, post.edit.as_ref())?;
    }
    Ok(row)
}

/// Stores posts that mark the last message of each unfinished turn as interrupted, and posts that delete the messages
/// that show only progress.
fn mark_interrupted_answers(
    db: &Connection,
    marked: &impl Fn(&Place, &str) -> String,
) -> Result<Vec<OutboxRow>, WorkError> {
    let sql = "SELECT prompt, place, message, text FROM live ORDER BY id";
    let live: Vec<(String, Place, String, Option<String>)> =
        read_all(db, sql, [], |row| Ok((row.get(0)?, json(row, 1)?, row.get(2)?, row.get(3)?)))?;
    db.execute("DELETE FROM live", [])?;
    let mut marks = Vec::new();
    for (at, (prompt, place, message, text)) in live.iter().enumerate() {
        let is_last = live[at + 1..].iter().all(|(of, ..)| of != prompt);
        let reply = match text.as_deref().filter(|text| !is_blank(text)) {
            None => Reply { alert: Alert::Silent, ..Reply::text("") },
            Some(text) if is_last => {
                Reply { author: Authorship::Agents, alert: Alert::Silent, ..Reply::text(marked(place, text)) }
            }
            // Mark only the last message of a long answer.
            Some(_) => continue,
        };
        let edit = Some(MessageId(message.clone()));
        marks.push(insert(db, &NewPost { edit, ..NewPost::new(place.clone(), reply) })?);
    }
    Ok(marks)
}

/// Returns the messages that the post replaces: first the message that it edits, then the messages that its turn was
/// streamed into. Deletes the records of the streamed messages, so that only the turn's first post in this place
/// replaces them.
fn replaced(db: &Connection, post: &NewPost, place: &str) -> Result<Vec<MessageId>, WorkError> {
    let mut messages: Vec<_> = post.edit.iter().cloned().collect();
    if let Some(turn) = &post.turn {
        let sql = "SELECT message FROM live WHERE prompt = ? AND place = ? ORDER BY id";
        for message in read_all(db, sql, params![turn.0, place], |row| Ok(MessageId(row.get(0)?)))? {
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        db.prepare_cached("DELETE FROM live WHERE prompt = ? AND place = ?")?.execute(params![turn.0, place])?;
    }
    Ok(messages)
}
