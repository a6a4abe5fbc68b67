//! Tests a turn's notifications, and that a panicking renderer loses only one output.

use cordboard_chat::outbox::AnswerStop;
use cordboard_core::types::{AgentRequest, OpenRequest, RequestId};

use super::*;
use crate::hub::OutboundSink;

/// Records the turns that have ended without a post, and the texts of posts.
#[derive(Default)]
struct Ends(Mutex<Vec<String>>);

impl OutboundSink for Ends {
    fn post(&self, posts: Vec<Post>) {
        let ended = posts.into_iter().filter_map(|post| match post {
            Post::Ended { turn, .. } => Some(turn.0),
            Post::Final(row) => Some(row.reply.text),
            Post::Frame { .. } | Post::Stopping { .. } | Post::Requeued { .. } => None,
        });
        self.0.lock().unwrap().extend(ended);
    }
    fn on_user_message(&self, _place: &Place) {}
    fn stop_answer(&self, _place: &Place) -> AnswerStop {
        AnswerStop::NotSending
    }
}

struct PanicsAtBug(tokio::sync::mpsc::UnboundedSender<String>);

#[async_trait]
impl OutputRenderer for PanicsAtBug {
    async fn show(&mut self, output: SessionOutput) {
        let SessionOutput::Finished(turn, _) = output else { panic!("another output") };
        assert_ne!(turn.prompt.0, "bug", "the simulated bug");
        self.0.send(turn.prompt.0).unwrap();
    }
}

fn view() -> SessionView {
    let (name, owner) = ("x".parse().unwrap(), cordboard_core::types::UserId("test:1".to_owned()));
    let (folder, now) = (std::path::PathBuf::from("/nonexistent"), Clock::system().now());
    let record = cordboard_core::types::SessionRecord::new(name, owner, folder, "demo", now);
    let settings = cordboard_core::session::Settings {
        idle_timeout: std::time::Duration::from_secs(1),
        busy: cordboard_core::config::Busy::Queue,
        max_queued: 1,
        max_interrupted: 1,
        stall: Duration::ZERO,
        request_expiry: Duration::from_secs(1800),
        deny_tools: Vec::new(),
        home: None,
        model: None,
        folder: None,
        agent: None,
    };
    cordboard_core::session::Machine::new(record, settings).view()
}

fn outbound(store: cordboard_store::Store, sink: Arc<Ends>) -> Outbound {
    let config = LiveConfig::new(cordboard_core::config::Config::defaults());
    let languages = crate::hub::PlaceLanguages::new(config, store.clone(), std::collections::HashMap::new());
    Outbound::new(store, sink, languages)
}

fn presenter(outbound: Outbound) -> Arc<TurnPresenter> {
    let session = SessionRegistry::new(Vec::new(), Vec::new()).add(view());
    let (queue, outcomes) = (Mutex::default(), PromptOutcomes::default());
    Arc::new(TurnPresenter { session, queue, outbound, outcomes, wake: Notify::new() })
}

#[test]
fn at_most_the_last_message_of_a_turn_notifies() {
    let turn = Turn::new(PromptId("a".to_owned()), Place::new("test", "home"), Clock::system().now());
    let alerts = |alert| {
        let posts = posts_of(&Turn { alert, ..turn.clone() }, vec![Reply::text("one"), Reply::text("two")]);
        posts.iter().map(|post| post.reply.alert).collect::<Vec<_>>()
    };
    assert_eq!(alerts(Alert::Ring), [Alert::Silent, Alert::Ring]);
    assert_eq!(alerts(Alert::Silent), [Alert::Silent, Alert::Silent]);
}

#[tokio::test]
async fn frames_continue_after_a_panicking_view() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
    let ends = Arc::new(Ends::default());
    let presenter = presenter(outbound(store, Arc::<Ends>::clone(&ends)));
    let place = Place::new("test", "home");
    let turn = |id: &str| Turn::new(PromptId(id.to_owned()), place.clone(), Clock::system().now());
    let (sender, mut shown) = tokio::sync::mpsc::unbounded_channel();
    for id in ["bug", "fine"] {
        presenter.show(SessionOutput::Finished(turn(id), view()));
    }
    let running = Arc::clone(&presenter);
    let task = tokio::spawn(async move { running.show_all(&mut PanicsAtBug(sender)).await });
    assert_eq!(shown.recv().await.unwrap(), "fine");
    while !presenter.is_idle() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*ends.0.lock().unwrap(), ["bug"]);
    task.abort();
}

/// Counts the outputs.
struct Counts(tokio::sync::mpsc::UnboundedSender<()>);

#[async_trait]
impl OutputRenderer for Counts {
    async fn show(&mut self, _output: SessionOutput) {
        self.0.send(()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_not_rendered_again_while_the_agent_waits_for_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
    let presenter = presenter(outbound(store, Arc::new(Ends::default())));
    let turn = Turn::new(PromptId("a".to_owned()), Place::new("test", "home"), Clock::system().now());
    let (sender, mut shown) = tokio::sync::mpsc::unbounded_channel();
    let running = Arc::clone(&presenter);
    let task = tokio::spawn(async move { running.show_all(&mut Counts(sender)).await });
    presenter.show(SessionOutput::Frame(Arc::new(turn), view()));
    for _ in 0..3 {
        shown.recv().await.unwrap();
    }
    let request = AgentRequest::new(RequestId("q".to_owned()), "Which?".to_owned());
    let open = OpenRequest { number: 1, request, buttons: Vec::new(), reason: None, since: Clock::system().now() };
    presenter.session.publish(SessionView { requests: vec![open], ..view() });
    assert!(tokio::time::timeout(REDRAW * 10, shown.recv()).await.is_err());
    presenter.session.publish(view());
    shown.recv().await.unwrap();
    task.abort();
}

#[tokio::test]
async fn a_notice_and_the_completion_of_its_prompt_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = cordboard_store::open(&folder.path().join("state")).unwrap();
    let row = accepted_prompt(&store).await;
    let registry = Arc::new(SessionRegistry::new(Vec::new(), Vec::new()));
    let (session, posts) = (registry.add(view()), Arc::new(Ends::default()));
    let config = LiveConfig::new(cordboard_core::config::Config::defaults());
    let renderer = TurnRenderer {
        plugins: Arc::new(Registry::start(folder.path().join("cache"), "/nonexistent/cordboard".into(), 1).unwrap()),
        registry,
        outbound: outbound(store.clone(), Arc::<Ends>::clone(&posts)),
        config,
        clock: Clock::system(),
        limits: ViewLimits { front_end: "test".to_owned(), text_units: 4096 },
        edits: Edits::Replace,
    };
    let outcomes = PromptOutcomes::default();
    let mut renderer = SessionRenderer { renderer, session, outcomes, notices: Notices::default() };
    store.leave_room_for(0).await;
    let notice = SessionNotice::Interrupted { id: row.prompt.clone(), prompt: "x".repeat(100_000) };
    let place = row.update.place.clone();
    let output = SessionOutput::Notice { place, notice, completes: Some(row.prompt.clone()) };
    let showing = tokio::spawn(async move { renderer.show(output).await });
    // The first post is a notice that the store fails.
    while posts.0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.open_messages().await.unwrap().len(), 1, "the prompt stays open while its notice can't be stored");
    store.leave_room_for(1_000_000).await;
    showing.await.unwrap();
    assert_eq!(store.open_messages().await.unwrap(), []);
    store.close().await;
    let contents = cordboard_store::read_only(&folder.path().join("state")).unwrap();
    assert_eq!(contents.outbox.len(), 1);
}

/// Stores a prompt that was sent to its agent.
async fn accepted_prompt(store: &cordboard_store::Store) -> cordboard_core::updates_and_posts::InboxRow {
    use cordboard_core::{
        types::{Caller, Role, Timestamp, UserId},
        updates_and_posts::{Origin, Update, UpdateKind},
    };
    let update = Update {
        key: "1".to_owned(),
        caller: Caller { id: UserId("test:1".to_owned()), name: "Ada".to_owned(), role: Role::Owner },
        place: Place::new("test", "home"),
        what: UpdateKind::Text("hello".to_owned()),
        at: Timestamp(1),
        locale: None,
        origin: Origin::default(),
    };
    let row = store.accept(vec![update], None).await.unwrap().remove(0);
    let session = view().record.name;
    store.assign(row.id, &session, &row.update.what, &row.update).await.unwrap();
    store.mark_sent(&row.prompt).await.unwrap();
    row
}
