//! Tests the rights of plugin calls: a call has exactly its caller's rights, or, without a caller, the rights that
//! `acts_as` specifies.

use cordboard_core::types::{Place, Role};
use cordboard_runtime::{CallContext, CallError, Invocation};

use crate::{
    components::bad,
    sample_sessions::record,
    test_host::{TestHost, person},
};

#[tokio::test]
async fn members_see_only_their_own_sessions() {
    let host = TestHost::standard().await;
    let ann = person("telegram:1", Role::Member);
    let bob = person("telegram:2", Role::Member);
    host.memory.add(record("hers", &ann));
    host.memory.add(record("his", &bob));
    let list = |caller| {
        let host = &host;
        async move { host.call_as(&caller, "sessions").await.unwrap().text }
    };
    assert_eq!(list(ann.clone()).await, "⚪ `hers` - just now");
    assert_eq!(list(person("telegram:3", Role::Admin)).await.lines().count(), 2);
    for line in ["session his", "archive his", "suspend his", "retry his"] {
        let why = host.call_as(&ann, line).await.unwrap_err();
        let taken = CallError::Plugin("The name 'his' is taken by another user. Choose another name.".to_owned());
        assert_eq!(why, taken, "/{line}");
    }
    assert!(host.memory.actions().is_empty());
}

#[tokio::test]
async fn a_plugin_with_many_grants_still_acts_as_its_caller() {
    let host = TestHost::of("[plugins.needs_approval]\ngrants = [\"session-control\"]");
    host.plug("needs_approval", &bad("needs_approval")).await.unwrap();
    host.memory.add(record("his", &person("telegram:2", Role::Member)));
    let ann = person("telegram:1", Role::Member);
    assert!(host.call_as(&ann, "needs_approval his").await.is_err());
    assert_eq!(host.call("needs_approval his").await.unwrap().text, "took his");
}

#[tokio::test]
async fn a_call_without_a_caller_has_the_rights_of_acts_as() {
    let mut host = TestHost::of("[plugins.needs_approval]\ngrants = [\"session-control\"]");
    host.plug("needs_approval", &bad("needs_approval")).await.unwrap();
    host.memory.add(record("his", &person("telegram:2", Role::Member)));
    assert_eq!(
        without_caller(&host).await,
        Err(CallError::Plugin("This function needs a caller, but no user made this call.".to_owned()))
    );
    host.configure("[plugins.needs_approval]\ngrants = [\"session-control\"]\nacts_as = \"owner\"");
    host.registry
        .reconfigure("needs_approval", &host.settings("needs_approval"), crate::sample_sessions::NOW)
        .await
        .unwrap();
    assert_eq!(without_caller(&host).await, Ok("took his".to_owned()));
}

/// Calls the `needs_approval` plugin without a caller.
async fn without_caller(host: &TestHost) -> Result<String, CallError> {
    let table = host.registry.snapshot();
    let typed = Invocation { args: vec!["his".to_owned()], text: "his".to_owned() };
    let reply = host
        .registry
        .command(&host.host_api, table.command("needs_approval").unwrap(), CallContext::default(), &typed)
        .await;
    reply.map(|reply| reply.text)
}

#[tokio::test]
async fn help_hides_what_a_member_may_not_use() {
    let host = TestHost::standard().await;
    let help = host.call_as(&person("telegram:1", Role::Member), "help").await.unwrap().text;
    assert!(!help.contains("/plugins") && help.contains("/new"), "{help}");
}

#[tokio::test]
async fn each_place_has_its_own_active_session() {
    let mut host = TestHost::standard().await;
    host.call("new alpha").await.unwrap();
    host.call("timeout 1").await.unwrap();
    host.place = Place::new("console", "other");
    assert_eq!(host.read("timeout").await, "No active session. Use /new to start one.");
    host.call("session alpha").await.unwrap();
    assert!(host.read("timeout").await.starts_with("Idle timeout: 1 minute\n"));
}
