//! Stores outgoing posts in the same commit that completes their updates and prompts, then passes the posts to the
//! outbox. Removes secrets from everything that is sent, including turn frames, which are not stored.

use std::{fs::File, sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_chat::{
    ChatError, DownloadError, Streaming,
    outbox::{AnswerStop, Post},
};
use cordboard_core::{
    language::{Language, with_language},
    messages, scrub,
    types::{ChatFile, Content, Place, Reply, Request, TopicAppearance},
    updates_and_posts::{CompletedUpdate, Delivery, MessageId, NewPost, OutboxRow, PostId},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_store::{OutcomeText, Store, StoreError};

use super::place_languages::PlaceLanguages;

/// The first and the maximum delay before a failed store operation is retried.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The id of a post that isn't stored. Ids of stored posts start at 1.
const NOT_STORED: PostId = PostId(0);

/// Sends posts to the chat. Implemented by the outbox.
#[async_trait]
pub trait OutboundSink: Send + Sync {
    /// Queues posts. Does not block.
    fn post(&self, posts: Vec<Post>);
    /// Reports that a user has sent a message in this place.
    fn on_user_message(&self, place: &Place);
    /// Stops sending the answer that is currently being sent to this place, if there is one.
    fn stop_answer(&self, place: &Place) -> AnswerStop;
    /// Returns the way in which this place shows frames.
    fn streaming(&self, _place: &Place) -> Streaming {
        Streaming::Messages
    }
    /// Marks a message as accepted but waiting. Returns false if the chat can't show a mark, in which case a post is
    /// needed.
    async fn acknowledge(&self, _place: &Place, _message: Option<&MessageId>) -> bool {
        true
    }
    /// Downloads a file that a user has sent in `place`.
    async fn download(&self, _place: &Place, _file: &ChatFile, _to: File) -> Result<(), DownloadError> {
        Err(DownloadError("this chat can't send files to the host".to_owned()))
    }
    /// Returns whether a topic can be created in the chat of `place`.
    fn can_create_topic(&self, _place: &Place) -> bool {
        false
    }
    /// Creates a topic in the chat of `place`, and returns the topic.
    async fn create_topic(&self, _place: &Place, _look: &TopicAppearance) -> Result<Place, ChatError> {
        Err(ChatError::Rejected { why: "this chat has no topics".to_owned() })
    }
    /// Returns a link to a topic, if its chat supports links to topics.
    fn topic_link(&self, _topic: &Place) -> Option<String> {
        None
    }
}

#[derive(Clone)]
pub struct Outbound {
    store: Store,
    sink: Arc<dyn OutboundSink>,
    languages: PlaceLanguages,
}

impl Outbound {
    #[must_use]
    pub const fn new(store: Store, sink: Arc<dyn OutboundSink>, languages: PlaceLanguages) -> Self {
        Self { store, sink, languages }
    }

    /// Returns the language of posts in a place that don't answer a user.
    #[must_use]
    pub fn language(&self, place: &Place) -> Option<Language> {
        self.languages.of(place)
    }

    /// Returns the language of a call that no user made. `place` is the place that it concerns, if any.
    #[must_use]
    pub fn language_or_default(&self, place: Option<&Place>) -> Option<Language> {
        place.map_or_else(|| self.languages.default(), |place| self.languages.of(place))
    }

    /// Queues a post that is not stored, such as a frame of a running turn.
    pub fn show(&self, mut post: Post) {
        if let Post::Frame { frame, .. } = &mut post {
            frame.messages.iter_mut().for_each(scrub_reply);
            frame.live = frame.live.take().map(scrub::text);
        }
        self.sink.post(vec![post]);
    }

    /// Returns whether this place shows frames.
    #[must_use]
    pub fn shows_frames(&self, place: &Place) -> bool {
        self.sink.streaming(place) != Streaming::Off
    }

    /// Passes stored posts to the outbox.
    pub fn post_stored(&self, rows: Vec<OutboxRow>) {
        self.sink.post(rows.into_iter().map(Post::Final).collect());
    }

    /// Shows that a message was accepted and is waiting, by marking the message or posting `post`. Doesn't wait for the
    /// chat.
    pub fn acknowledge(&self, message: Option<MessageId>, post: NewPost) {
        let outbound = self.clone();
        tokio::spawn(async move {
            if !outbound.sink.acknowledge(&post.place, message.as_ref()).await {
                outbound.finish(Vec::new(), vec![post]).await;
            }
        });
    }

    /// Downloads a file that a user has sent in `place`, as [`Chat::download`](cordboard_chat::Chat::download) does.
    ///
    /// # Errors
    /// The chat can't provide the file. The error text is shown to the user.
    pub async fn download(&self, place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        self.sink.download(place, file, to).await
    }

    #[must_use]
    pub fn can_create_topic(&self, place: &Place) -> bool {
        self.sink.can_create_topic(place)
    }

    /// Creates a topic, as [`Chat::create_topic`](cordboard_chat::Chat::create_topic) does.
    ///
    /// # Errors
    /// The chat refuses, or it is unknown whether it created the topic.
    pub async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        self.sink.create_topic(place, look).await
    }

    #[must_use]
    pub fn topic_link(&self, topic: &Place) -> Option<String> {
        self.sink.topic_link(topic)
    }

    pub fn on_user_message(&self, place: &Place) {
        self.sink.on_user_message(place);
    }

    #[must_use]
    pub fn stop_answer(&self, place: &Place) -> AnswerStop {
        self.sink.stop_answer(place)
    }

    /// Closes a request: replaces the buttons of its messages with the outcome, in the language of each place.
    pub async fn decide(&self, request: &Request, outcome: impl Fn() -> String + Send + 'static) {
        self.post_closed(self.store.close_request(request, self.in_each_language(outcome)).await);
    }

    /// Closes the buttons of one message, as [`Self::decide`] does.
    pub async fn close_keyboard(&self, keyboard: PostId, outcome: impl Fn() -> String + Send + 'static) {
        self.post_closed(self.store.close_keyboard(keyboard, self.in_each_language(outcome)).await);
    }

    fn in_each_language(&self, text: impl Fn() -> String + Send + 'static) -> impl OutcomeText {
        let languages = self.languages.clone();
        move |place: &Place| with_language(languages.of(place), &text)
    }

    /// Closes the buttons of all messages in a place.
    pub async fn close_keyboards_of(&self, place: &Place) {
        self.post_closed(self.store.close_keyboards_in(place, self.in_each_language(closed)).await);
    }

    /// Closes the requests that sessions made in the previous run of the host: agents' questions, and requests about
    /// failed starts and silent agents.
    pub async fn withdraw_session_requests(&self) {
        self.post_closed(self.store.close_session_requests(self.in_each_language(closed)).await);
    }

    /// Closes the requests about other versions of the plugin in `request`.
    pub async fn supersede(&self, request: &Request) {
        let Request::Grant { plugin, digest } = request else { return };
        self.post_closed(self.store.close_grant_requests(plugin, digest, self.in_each_language(closed)).await);
    }

    /// Ends the turns that the previous run of the host left unfinished: marks their partial answers as interrupted and
    /// deletes their other messages.
    pub async fn mark_cut_off(&self) {
        let languages = self.languages.clone();
        let marked = move |place: &Place, answer: &str| {
            with_language(languages.of(place), || messages::interrupted_answer(answer))
        };
        match self.store.mark_interrupted_answers(marked).await {
            Ok(rows) => self.post_stored(rows),
            Err(StoreError::Closed { .. }) => {}
            Err(error) => tracing::error!(%error, "failed to mark unfinished answers: the next start tries again"),
        }
    }

    fn post_closed(&self, rows: Result<Vec<OutboxRow>, StoreError>) {
        match rows {
            Ok(rows) => self.post_stored(rows),
            Err(StoreError::Closed { .. }) => {}
            // Not retried, because pressing a button of a closed request is refused anyway.
            Err(error) => tracing::error!(%error, "failed to close the buttons of messages: they remain"),
        }
    }

    /// Stores `out` and marks `done` as done in one commit, then passes the posts to the outbox. Retries a failed
    /// commit until it succeeds, because a user is waiting for the reply. Gives up only if the store is closed.
    pub async fn finish(&self, done: Vec<CompletedUpdate>, out: Vec<NewPost>) {
        self.store_posts(done, out).await;
    }

    /// Stores a post as [`Self::finish`] does. Returns its id, or `None` if the store is closed.
    pub async fn post(&self, post: NewPost) -> Option<PostId> {
        self.store_posts(Vec::new(), vec![post]).await.first().copied()
    }

    async fn store_posts(&self, done: Vec<CompletedUpdate>, mut out: Vec<NewPost>) -> Vec<PostId> {
        out.iter_mut().for_each(|post| scrub_reply(&mut post.reply));
        let (mut pause, longest) = RETRY;
        loop {
            match self.store.finish(done.clone(), out.clone()).await {
                Ok(rows) => {
                    self.store.record_success();
                    if !rows.is_empty() {
                        hit(Failpoint::OutboxStored);
                    }
                    let ids = rows.iter().map(|row| row.id).collect();
                    self.post_stored(rows);
                    return ids;
                }
                Err(StoreError::Closed { .. }) => return Vec::new(),
                Err(error) => {
                    tracing::error!(%error, retry_in = ?pause, "failed to store posts");
                    self.post_not_stored(&out, &error);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Posts a notice that a reply is not stored yet, once per place. Skips a turn's posts if the turn's last frame
    /// stays in the chat.
    fn post_not_stored(&self, out: &[NewPost], error: &StoreError) {
        let frame_stays = |place: &Place| self.sink.streaming(place) == Streaming::Messages;
        for post in out.iter().filter(|post| post.turn.is_none() || !frame_stays(&post.place)) {
            if self.store.record_failure(&post.place) {
                let text = with_language(self.language(&post.place), || messages::not_stored_yet(error));
                let reply = messages::plain(&text);
                let (place, state) = (post.place.clone(), Delivery::default());
                self.post_stored(vec![OutboxRow { id: NOT_STORED, place, reply, turn: None, state }]);
            }
        }
    }
}

/// Returns the outcome of requests that are closed without a decision.
fn closed() -> String {
    messages::request_decided(None, None)
}

/// Removes secrets from a reply before it is shown or stored. The text may come from agents, servers or plugins.
fn scrub_reply(reply: &mut Reply) {
    reply.text = scrub::text(std::mem::take(&mut reply.text));
    for button in reply.buttons.iter_mut().flatten() {
        button.label = scrub::text(std::mem::take(&mut button.label));
    }
    for attachment in &mut reply.attachments {
        match &mut attachment.content {
            Content::Text(text) => *text = scrub::text(std::mem::take(text)),
            Content::Bytes(bytes) => *bytes = scrub::bytes(bytes).into_owned(),
            Content::File(_) | Content::SessionFile(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Mutex};

    use cordboard_core::{agent_event::PromptId, config::Config, turn::TurnFrame};

    use super::*;
    use crate::hub::LiveConfig;

    #[derive(Default)]
    struct Shown(Mutex<Vec<(PostId, String)>>);

    impl Shown {
        fn texts(&self) -> Vec<(PostId, String)> {
            self.0.lock().unwrap().clone()
        }
    }

    impl OutboundSink for Shown {
        fn post(&self, posts: Vec<Post>) {
            let mut shown = self.0.lock().unwrap();
            for post in posts {
                match post {
                    Post::Final(row) => shown.push((row.id, row.reply.text)),
                    Post::Frame { frame, .. } => {
                        let texts = frame.messages.into_iter().map(|message| message.text).chain(frame.live);
                        shown.extend(texts.map(|text| (NOT_STORED, text)));
                    }
                    Post::Stopping { .. } | Post::Requeued { .. } | Post::Ended { .. } => {}
                }
            }
        }

        fn on_user_message(&self, _place: &Place) {}
        fn stop_answer(&self, _place: &Place) -> AnswerStop {
            AnswerStop::NotSending
        }
    }

    fn outbound(store: &Store, shown: &Arc<Shown>) -> Outbound {
        let languages = PlaceLanguages::new(LiveConfig::new(Config::defaults()), store.clone(), HashMap::new());
        Outbound::new(store.clone(), Arc::<Shown>::clone(shown), languages)
    }

    fn reply(text: &str) -> NewPost {
        NewPost::new(Place::new("test", "home"), Reply::text(text))
    }

    #[tokio::test]
    async fn a_reply_that_cannot_be_stored_is_announced_once() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let shown = Arc::new(Shown::default());
        let outbound = outbound(&store, &shown);
        store.leave_room_for(0).await;
        let big = "x".repeat(100_000);
        let waiting = [1, 2].map(|_| {
            let (outbound, big) = (outbound.clone(), big.clone());
            tokio::spawn(async move { outbound.finish(Vec::new(), vec![reply(&big)]).await })
        });
        while shown.texts().is_empty() {
            tokio::task::yield_now().await;
        }
        store.leave_room_for(1_000_000).await;
        for one in waiting {
            one.await.unwrap();
        }
        let texts = shown.texts();
        let notices: Vec<_> = texts.iter().filter(|(id, _)| *id == NOT_STORED).map(|(_, text)| text).collect();
        assert!(
            matches!(notices[..], [text] if text.starts_with("Not stored yet; trying again: store 1 post and")),
            "{notices:?}"
        );
        assert_eq!(texts.iter().filter(|(_, text)| *text == big).count(), 2);
    }

    #[tokio::test]
    async fn each_stored_post_has_an_id_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let shown = Arc::new(Shown::default());
        let outbound = outbound(&store, &shown);
        let ids = [outbound.post(reply("one")).await, outbound.post(reply("two")).await];
        let texts = shown.texts();
        assert_eq!(texts.iter().map(|(id, _)| Some(*id)).collect::<Vec<_>>(), ids);
        assert_ne!(ids[0], ids[1]);
    }

    #[tokio::test]
    async fn a_place_notified_by_its_front_end_is_not_notified_again() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let shown = Arc::new(Shown::default());
        let outbound = outbound(&store, &shown);
        store.leave_room_for(0).await;
        let notified = Place::new("test", "notified");
        assert!(store.record_failure(&notified));
        let both = vec![reply(&"x".repeat(100_000)), NewPost { place: notified.clone(), ..reply("y") }];
        let waiting = tokio::spawn(async move { outbound.finish(Vec::new(), both).await });
        while shown.texts().is_empty() {
            tokio::task::yield_now().await;
        }
        store.leave_room_for(1_000_000).await;
        waiting.await.unwrap();
        assert_eq!(shown.texts().iter().filter(|(id, _)| *id == NOT_STORED).count(), 1);
        assert!(store.record_failure(&notified), "the store works again");
    }

    #[tokio::test]
    async fn no_secret_is_stored_or_shown() {
        scrub::remember("(secret x)", "correct-horse-9173");
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let shown = Arc::new(Shown::default());
        let outbound = outbound(&store, &shown);
        let frame = TurnFrame {
            messages: vec![Reply::text("I see correct-horse-9173.")],
            live: Some("Run echo correct-horse-9173…".to_owned()),
        };
        outbound.show(Post::Frame {
            place: Place::new("test", "home"),
            turn: PromptId("1".to_owned()),
            frame,
            stop: None,
        });
        outbound.finish(Vec::new(), vec![reply("it is CORRECT-HORSE%2D9173.")]).await;
        let texts: Vec<String> = shown.texts().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["I see (secret x).", "Run echo (secret x)…", "it is (secret x)."]);
    }
}
