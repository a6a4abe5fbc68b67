//! Tests that a request is decided once, and that every message about it then shows the decision.

use cordboard_core::{
    agent_event::PromptId,
    types::{Place, Reply, Request, RequestId, SessionName, Timestamp},
    updates_and_posts::{MessageId, NewPost},
};

use super::State;

fn question(request: &Request) -> Reply {
    Reply::text("Again?").button("Yes", "/retry alpha").about(&"alpha".parse().unwrap(), request.clone())
}

fn prompt(id: &str) -> Request {
    Request::Prompt(PromptId(id.to_owned()))
}

#[tokio::test]
async fn a_decision_updates_every_message_that_asked() {
    let state = State::new();
    let (store, _) = state.open();
    let request = prompt("a");
    let place = |chat: &str| Place::new("telegram", chat);
    let posts = ["1", "2"].map(|chat| NewPost::new(place(chat), question(&request)));
    let other = NewPost::new(place("1"), question(&prompt("b")));
    let rows = store.finish(Vec::new(), [posts.to_vec(), vec![other]].concat()).await.unwrap();
    let message = MessageId("31".to_owned());
    assert_eq!(store.complete_post(rows[0].id, vec![message.clone()], Vec::new()).await.unwrap(), []);
    assert_eq!(store.open_request(&message).await.unwrap(), Some(request.clone()));
    assert_eq!(store.open_request(&MessageId("3".to_owned())).await.unwrap(), None);
    let posts = store.close_request(&request, |_: &Place| "Decided by Ada: Yes.".to_owned()).await.unwrap();
    assert_eq!((posts.len(), &posts[0].place), (1, &place("1")), "the other one is not sent yet");
    assert_eq!(posts[0].state.messages, std::slice::from_ref(&message));
    assert_eq!(store.open_request(&message).await.unwrap(), None, "the request is closed");
    assert_eq!((posts[0].reply.text.as_str(), posts[0].reply.buttons.len()), ("Again?\n\nDecided by Ada: Yes.", 0));
    assert_eq!(
        store.close_request(&request, |_: &Place| "Decided by Bob: No.".to_owned()).await.unwrap(),
        [],
        "the first decision wins"
    );
    let late = store.complete_post(rows[1].id, vec![MessageId("32".to_owned())], Vec::new()).await.unwrap();
    assert_eq!((late.len(), late[0].reply.text.as_str()), (1, "Again?\n\nDecided by Ada: Yes."));
    let outcome = |keyboard: Option<crate::Keyboard>| keyboard.unwrap().outcome;
    assert_eq!(outcome(store.keyboard(rows[1].id).await.unwrap()).as_deref(), Some("Decided by Ada: Yes."));
    assert_eq!(outcome(store.keyboard(rows[2].id).await.unwrap()), None);
    // A front-end without message ids, such as the console, can't edit messages.
    assert_eq!(store.complete_post(rows[2].id, Vec::new(), Vec::new()).await.unwrap(), []);
    assert_eq!(store.close_request(&prompt("b"), |_: &Place| "Decided.".to_owned()).await.unwrap(), []);
}

#[tokio::test]
async fn an_edited_question_is_closed_once() {
    let state = State::new();
    let (store, _) = state.open();
    let (place, message) = (Place::new("telegram", "1"), MessageId("31".to_owned()));
    let first = NewPost::new(place.clone(), question(&prompt("a")));
    let chosen = Reply::text("Again?").button("☑ Yes", "/retry alpha").about(&"alpha".parse().unwrap(), prompt("a"));
    let edit = || NewPost { edit: Some(message.clone()), ..NewPost::new(place.clone(), chosen.clone()) };
    let asked = store.finish(Vec::new(), vec![first]).await.unwrap();
    store.complete_post(asked[0].id, vec![message.clone()], Vec::new()).await.unwrap();
    let edited = store.finish(Vec::new(), vec![edit()]).await.unwrap();
    store.complete_post(edited[0].id, edited[0].state.messages.clone(), Vec::new()).await.unwrap();
    assert_eq!(store.open_request(&message).await.unwrap(), Some(prompt("a")));
    let closed = store.close_request(&prompt("a"), |_: &Place| "Decided by Ada: Yes.".to_owned()).await.unwrap();
    assert_eq!((closed.len(), &closed[0].state.messages), (1, &vec![message.clone()]));
    store.complete_post(closed[0].id, vec![message.clone()], Vec::new()).await.unwrap();
    // An edit that was made before the decision, but stored after it, must not bring the buttons back.
    let late = store.finish(Vec::new(), vec![edit()]).await.unwrap();
    let shown = store.complete_post(late[0].id, late[0].state.messages.clone(), Vec::new()).await.unwrap();
    assert_eq!((shown.len(), shown[0].reply.text.as_str()), (1, "Again?\n\nDecided by Ada: Yes."));
}

#[tokio::test]
async fn a_restart_closes_questions_of_sessions() {
    let state = State::new();
    let (store, _) = state.open();
    let session = || "alpha".parse::<SessionName>().unwrap();
    let start = Request::Start { session: session(), failure: 1 };
    let of_agent = Request::Agent { session: session(), id: RequestId("q".to_owned()) };
    let stall = Request::Stall { session: session(), since: Timestamp(5) };
    let posts = [start, of_agent, stall, prompt("a")]
        .map(|request| NewPost::new(Place::new("telegram", "1"), question(&request)));
    let rows = store.finish(Vec::new(), posts.to_vec()).await.unwrap();
    for row in &rows {
        store.complete_post(row.id, vec![MessageId(row.id.0.to_string())], Vec::new()).await.unwrap();
    }
    let posts = store.close_session_requests(|place: &Place| format!("Closed in {}.", place.chat)).await.unwrap();
    let closed: Vec<_> = posts.iter().map(|post| post.state.messages[0].0.clone()).collect();
    assert_eq!(closed, [0, 1, 2].map(|row: usize| rows[row].id.0.to_string()));
    assert!(posts.iter().all(|post| post.reply.text.ends_with("Closed in 1.")), "{posts:?}");
}

#[tokio::test]
async fn a_newer_version_withdraws_questions_about_older_ones() {
    let state = State::new();
    let (store, _) = state.open();
    let grant = |plugin: &str, digest: &str| Request::Grant { plugin: plugin.to_owned(), digest: digest.to_owned() };
    let requests = [grant("mine", "old"), grant("mine", "new"), grant("other", "old")];
    let posts = requests.map(|request| NewPost::new(Place::new("telegram", "1"), question(&request)));
    let rows = store.finish(Vec::new(), posts.to_vec()).await.unwrap();
    for row in &rows {
        store.complete_post(row.id, vec![MessageId(row.id.0.to_string())], Vec::new()).await.unwrap();
    }
    let posts = store.close_grant_requests("mine", "new", |_: &Place| "Closed.".to_owned()).await.unwrap();
    assert_eq!((posts.len(), posts[0].state.messages[0].0.clone()), (1, rows[0].id.0.to_string()));
}
