//! Tests that session names are unique, and that a place has at most one active session per person and at most one for
//! everybody.

use std::time::Duration;

use cordboard_core::types::{ProcessId, Tokens, TurnOrigin, UsageEntry};

use super::*;

#[tokio::test]
async fn a_session_is_loaded_as_it_was_saved() {
    let state = State::new();
    let (store, empty) = state.open();
    assert_eq!((empty.sessions.len(), empty.host_id.len()), (0, 36));
    let mut alpha = record("alpha");
    store.create_session(&alpha).await.unwrap();
    store.create_session(&record("beta")).await.unwrap();
    alpha.conversation = Some("c-1".to_owned());
    alpha.idle_timeout = Some(Duration::from_millis(1500));
    alpha.place = Some(Place { topic: Some("9".to_owned()), ..place("1") });
    alpha.process = Some(ProcessId { boot: "b".to_owned(), pid: 4, started: 5 });
    alpha.cost_usd = Some(0.1);
    store.save_session(&alpha).await.unwrap();
    let contents = state.after(store).await;
    assert_eq!(contents.sessions, [alpha, record("beta")]);
    assert_eq!(contents.host_id, empty.host_id, "the id of a state directory never changes");
}

#[tokio::test]
async fn names_of_archived_sessions_cannot_be_reused() {
    let state = State::new();
    let (store, _) = state.open();
    let mut alpha = record("alpha");
    store.create_session(&alpha).await.unwrap();
    alpha.archived = true;
    store.archive_session(&alpha).await.unwrap();
    let error = store.create_session(&record("alpha")).await.unwrap_err();
    assert_eq!(error, StoreError::Exists(name("alpha")));
    assert_eq!(
        format!("failed to {error}"),
        "failed to use the session name 'alpha': it is taken; choose another, or restore that session if it is archived"
    );
    assert!(state.after(store).await.sessions[0].archived);
}

#[tokio::test]
async fn archiving_clears_only_places_of_the_session() {
    let state = State::new();
    let (store, _) = state.open();
    let (one, all) = (
        |chat: &str| ActiveScope::one(&place(chat), &UserId("telegram:42".to_owned())),
        |chat: &str| ActiveScope::everybody(&place(chat)),
    );
    let bound = [
        (all("1"), "alpha"),
        (all("2"), "beta"),
        (one("2"), "alpha"),
        (all("3"), "beta"),
        (all("3"), "alpha"),
        (all("4"), "beta"),
    ];
    for (scope, session) in &bound {
        store.set_active_session(scope, Some(&name(session))).await.unwrap();
    }
    store.set_active_session(&all("4"), None).await.unwrap();
    let active = read_only(state.path()).unwrap().active;
    let left = [(all("1"), "alpha"), (all("2"), "beta"), (one("2"), "alpha"), (all("3"), "alpha")];
    assert_eq!(active, left.map(|(scope, session)| (scope, name(session))));
    store.archive_session(&record("alpha")).await.unwrap();
    assert_eq!(state.after(store).await.active, [(all("2"), name("beta"))]);
}

#[tokio::test]
async fn a_rename_moves_everything_that_names_the_session() {
    let state = State::new();
    let (store, _) = state.open();
    for session in ["alpha", "gamma"] {
        store.create_session(&record(session)).await.unwrap();
    }
    let here = ActiveScope::everybody(&place("1"));
    store.set_active_session(&here, Some(&name("alpha"))).await.unwrap();
    store.set_active_session(&ActiveScope::everybody(&place("2")), Some(&name("gamma"))).await.unwrap();
    let queued = store.accept_for(update("a"), &name("alpha")).await.unwrap().unwrap();
    let sent = store.accept_for(update("b"), &name("alpha")).await.unwrap().unwrap();
    store.mark_sent(&sent).await.unwrap();
    store.accept_for(update("c"), &name("gamma")).await.unwrap();
    let turn = TurnOrigin { session: name("alpha"), persona: None, agent: "demo".to_owned(), model: None };
    let usage = UsageEntry { at: Timestamp(5), turn, cost_usd: Some(0.5), tokens: Tokens::default() };
    store.save_turn(&record("alpha"), &usage, Timestamp(0)).await.unwrap();

    let mut beta = record("alpha");
    beta.rename(name("beta"));
    store.rename_session(&name("alpha"), &beta).await.unwrap();
    let usage = store.usage_since(Timestamp(0)).await.unwrap();
    assert_eq!(usage.iter().map(|one| &one.origin.session).collect::<Vec<_>>(), [&name("beta")]);
    let taken = store.rename_session(&name("beta"), &record("gamma")).await.unwrap_err();
    assert_eq!(taken, StoreError::Exists(name("gamma")));

    let contents = state.after(store).await;
    assert_eq!(contents.sessions, [beta.clone(), record("gamma")]);
    assert_eq!((beta.id(), beta.folder.as_path()), (&name("alpha"), Path::new("/sessions/alpha")));
    assert_eq!(contents.active[0], (here, name("beta")));
    let open: Vec<_> = contents.inbox.into_iter().map(|row| (row.prompt, row.state)).collect();
    assert_eq!(open[0], (queued, InboxState::Queued { session: name("beta") }));
    assert_eq!(open[1], (sent, InboxState::Sent { session: name("beta") }));
    assert_eq!(open[2].1, InboxState::Queued { session: name("gamma") });
}
