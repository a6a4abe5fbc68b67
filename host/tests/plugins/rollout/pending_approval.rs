//! Tests versions that request more capabilities than granted: they are pending approval, the owner is asked once,
//! and only the owner's approval activates them.

use cordboard_core::types::Role;
use cordboard_runtime::CallError;

use super::{Rig, other, version};
use crate::{
    board::record,
    components::{bad, person},
};

#[tokio::test]
async fn an_approval_by_button_activates_the_version() {
    let rig = Rig::new("").await;
    rig.plug("greedy", &bad("echo")).await;
    rig.save("greedy", &bad("greedy")).await;
    let (text, commands) = rig.asked().await;
    let digest = version(&bad("greedy"));
    assert_eq!(
        text,
        format!(
            "Plugin 'greedy', version {digest}, requests capabilities that it was not granted:\n\n\
             - `session-control`: creates, starts, stops, prompts and archives sessions of its caller\n\n\
             It needs your approval. Generation 1 stays active."
        )
    );
    assert_eq!(commands, [format!("/plugins grant greedy {digest}"), format!("/plugins refuse greedy {digest}")]);
    let (health, note) = rig.status("greedy");
    assert_eq!(health, "pending approval");
    assert!(note.ends_with(&format!("or type /plugins grant greedy {digest}")), "{note}");
    assert_eq!(rig.say("echo still").await, "v1: still");

    let said = rig.say(&commands[0]).await;
    assert_eq!(said, format!("Plugin 'greedy' is granted session-control, and is active: generation 2, {digest}."));
    rig.bench.memory.add(record("alpha", &rig.bench.caller));
    assert_eq!(rig.say("greedy alpha").await, "took alpha");
    assert_eq!(rig.status("greedy"), ("ok".to_owned(), String::new()));
}

#[tokio::test]
async fn an_approval_covers_versions_without_new_requests() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, commands) = rig.asked().await;
    rig.say(&commands[0]).await;
    rig.hush();
    let next = other(&bad("greedy"), 1);
    rig.plug("greedy", &next).await;
    assert!(rig.said.questions.lock().unwrap().is_empty(), "it requests nothing new");

    let rig = rig.restarted().await;
    assert_eq!(rig.serving("greedy"), Some(cordboard_runtime::digest(&next)), "the decision is stored");
    rig.save("greedy", &bad("grabby")).await;
    let (text, commands) = rig.asked().await;
    assert!(text.contains("- `chat`: ") && !text.contains("session-control"), "{text}");
    assert!(text.ends_with("Generation 1 stays active."), "{text}");
    rig.say(&commands[0]).await;
    rig.bench.memory.add(record("alpha", &rig.bench.caller));
    assert_eq!(rig.say("greedy alpha").await, "grabbed alpha");
}

#[tokio::test]
async fn a_refusal_is_stored_and_not_asked_again() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, commands) = rig.asked().await;
    let said = rig.say(&commands[1]).await;
    let text = "Plugin 'greedy' is not granted session-control. You are not asked again about versions that request no more than that.";
    assert_eq!(said, text);
    rig.caught_up().await;
    rig.hush();
    let next = other(&bad("greedy"), 1);
    rig.save("greedy", &next).await;
    rig.until("the next version", || rig.status("greedy").1.contains(&version(&next)).then_some(())).await;
    rig.caught_up().await;
    assert!(rig.is_quiet(), "it requests nothing new: {:?}", rig.said.lines.lock().unwrap());
    let rig = rig.restarted().await;
    rig.caught_up().await;
    assert!(rig.is_quiet(), "the decision is stored");
    let (health, note) = rig.status("greedy");
    assert_eq!(health, "rejected");
    let change = format!("type /plugins grant greedy {} to grant it now", version(&next));
    assert_eq!(note, format!("version {} was not granted session-control; {change}", version(&next)));

    rig.save("greedy", &bad("grabby")).await;
    let (text, _) = rig.asked().await;
    assert!(text.contains("- `chat`: ") && text.contains("- `session-control`: "), "{text}");
    // The owner changes the decision.
    rig.save("greedy", &next).await;
    rig.until("the previous version", || rig.status("greedy").1.contains(&version(&next)).then_some(())).await;
    rig.say(&format!("plugins grant greedy {}", version(&next))).await;
    rig.serves("greedy", &next).await;
}

#[tokio::test]
async fn an_old_button_never_approves_another_version() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, old) = rig.asked().await;
    rig.save("greedy", &bad("grabby")).await;
    let (_, new) = rig.asked().await;
    let (before, after) = (version(&bad("greedy")), version(&bad("grabby")));
    let stale = format!("Version {before} of plugin 'greedy' is no longer pending approval; version {after} is.");
    assert_eq!(rig.say(&old[0]).await, stale);
    assert_eq!(rig.say(&old[1]).await, stale);
    assert_eq!(rig.serving("greedy"), None);
    for typed in ["", "0123456789a", "ABCDEFABCDEF", "*"] {
        let said = rig.say(&format!("plugins grant greedy {typed}")).await;
        assert!(said.starts_with("Name the version by") || said.starts_with("Usage: "), "{typed}: {said}");
    }
    // The watcher hasn't reported this file yet. The approval is for the version that the owner was asked about.
    std::fs::write(rig.file("greedy"), other(&bad("grabby"), 1)).unwrap();
    rig.say(&new[0]).await;
    rig.serves("greedy", &bad("grabby")).await;
}

#[tokio::test]
async fn a_pending_version_stays_pending_after_a_rollback() {
    let rig = Rig::new("").await;
    rig.plug("greedy", &bad("echo")).await;
    rig.plug("greedy", &bad("echo2")).await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, commands) = rig.asked().await;
    rig.say("plugins rollback greedy").await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    let (health, note) = rig.status("greedy");
    assert!(health == "pending approval" && note.contains(&version(&bad("greedy"))), "{health}: {note}");
    let again = rig.say("plugins reload greedy").await;
    assert!(
        again.starts_with(&format!(
            "Plugin 'greedy', version {}, is pending approval: it requests",
            version(&bad("greedy"))
        )),
        "{again}"
    );
    let said = rig.say(&commands[0]).await;
    assert!(said.starts_with("Plugin 'greedy' is granted session-control, and is active: generation 4, "), "{said}");
}

#[tokio::test]
async fn a_rejection_is_reported_once_over_new_configurations() {
    let rig = Rig::new("").await;
    rig.save("echo", b"no component").await;
    rig.told("Plugin 'echo' was rejected: ").await;
    for limit in ["1s", "3s"] {
        let changes = rig.bench.plugs.changes();
        rig.configure(&format!("[plugins.echo]\ntime = \"{limit}\"\n")).await;
        rig.until("the version is rejected again", || changes.has_changed().unwrap().then_some(())).await;
    }
    rig.caught_up().await;
    assert!(rig.is_quiet(), "{:?}", rig.said.lines.lock().unwrap());
    rig.save("echo", b"another that is none").await;
    rig.told("Plugin 'echo' was rejected: ").await;
}

#[tokio::test]
async fn only_the_owner_can_grant_refuse_and_revoke() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, commands) = rig.asked().await;
    let admin = person("telegram:2", Role::Admin);
    let typed = [commands[0].as_str(), commands[1].as_str(), "/plugins revoke greedy"];
    for (line, verb) in typed.into_iter().zip(["grant", "refuse", "revoke"]) {
        let why = rig.bench.call_as(&admin, &line[1..]).await.unwrap_err();
        assert_eq!(why, CallError::Plugin(format!("/plugins {verb} is for the owner only.")));
    }
    assert_eq!(rig.status("greedy").0, "pending approval");
    assert!(rig.serving("greedy").is_none() && rig.said.lines.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_revoked_grant_activates_the_previous_version() {
    let rig = Rig::new("").await;
    assert_eq!(
        rig.say("plugins revoke help").await,
        "Plugin 'help' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.help]."
    );
    rig.plug("greedy", &bad("echo")).await;
    rig.save("greedy", &bad("greedy")).await;
    let (_, commands) = rig.asked().await;
    rig.say(&commands[0]).await;
    rig.hush();
    let said = rig.say("plugins revoke greedy").await;
    assert!(
        said.starts_with("Plugin 'greedy' is no longer granted session-control. Active now: generation "),
        "{said}"
    );
    assert_eq!(rig.say("echo again").await, "v1: again");
    assert!(rig.bench.plugs.table().command("greedy").is_none());
    assert_eq!(rig.status("greedy").0, "update rejected");
    let rig = rig.restarted().await;
    assert_eq!(rig.say("echo still").await, "v1: still");
    rig.caught_up().await;
    assert!(rig.is_quiet(), "a denied version is not asked about again");
}

#[tokio::test]
async fn pending_versions_are_asked_about_at_the_start() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    rig.asked().await;
    // The same bytes again: the question is still open.
    rig.save("greedy", &bad("greedy")).await;
    rig.caught_up().await;
    assert!(rig.is_quiet());
    let rig = rig.restarted().await;
    let (text, commands) = rig.asked().await;
    assert!(text.ends_with("It needs your approval. Until then the plugin is not active."), "{text}");
    rig.say(&commands[0]).await;
    rig.serves("greedy", &bad("greedy")).await;
}

#[tokio::test]
async fn the_configuration_can_grant_too() {
    let rig = Rig::new("").await;
    rig.save("greedy", &bad("greedy")).await;
    rig.asked().await;
    rig.configure("[plugins.greedy]\ngrants = [\"session-control\"]").await;
    rig.serves("greedy", &bad("greedy")).await;
    rig.told("Plugin 'greedy' is active: generation 1, ").await;
    rig.configure("").await;
    rig.until("it is withdrawn", || rig.serving("greedy").is_none().then_some(())).await;
    assert_eq!(rig.status("greedy").0, "pending approval");
}
