//! Tests `/plugins rollback`, `reload`, `disable` and `enable` end to end, including the `help` plugin, which provides
//! `/plugins`.

use cordboard_core::types::Role;
use cordboard_runtime::CallError;

use super::{Rig, other, version};
use crate::components::{bad, standard};
use crate::test_host::person;

#[tokio::test]
async fn each_rollback_goes_back_one_version_and_persists() {
    let rig = Rig::new("").await;
    let versions = [bad("echo"), bad("echo_v2"), other(&bad("echo"), 1)];
    for wasm in &versions {
        rig.plug("echo", wasm).await;
    }
    let answer = rig.say("plugins rollback echo").await;
    let (left, now) = (version(&versions[2]), version(&versions[1]));
    assert_eq!(
        answer,
        format!(
            "Plugin 'echo', version {left}, is rolled back. Active now: generation 4, {now}. To use version {left} \
             again, type /plugins reload echo."
        )
    );
    assert_eq!(rig.say("echo x").await, "v2: x");
    assert_eq!(rig.status("echo").0, "rolled back");
    // The reply doesn't suggest `/plugins reload`, which activates the newest version, not the one that this rollback
    // replaces.
    let answer = rig.say("plugins rollback echo").await;
    let oldest = version(&versions[0]);
    assert_eq!(answer, format!("Plugin 'echo', version {now}, is rolled back. Active now: generation 5, {oldest}."));
    assert_eq!(rig.say("echo x").await, "v1: x");
    let none = rig.say("plugins rollback echo").await;
    assert_eq!(none, format!("Plugin 'echo' has no version before {}.", version(&versions[0])));

    // Neither a restart nor saving the same bytes reactivates the rolled-back version, but a version with other bytes
    // is activated.
    let rig = rig.restart().await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    assert!(rig.status("echo").1.contains(&format!("version {left} was rolled back")), "{:?}", rig.status("echo"));
    rig.save("echo", &versions[2]).await;
    rig.wait_for(&format!("version {left} was rolled back")).await;
    assert_eq!(rig.say("echo x").await, "v1: x");
    rig.plug("echo", &other(&bad("echo_v2"), 7)).await;
    assert_eq!(rig.say("echo x").await, "v2: x");
    assert_eq!(rig.status("echo"), ("ok".to_owned(), String::new()));
    // The previous version is the last one that was active and wasn't rolled back.
    rig.say("plugins rollback echo").await;
    rig.serves("echo", &versions[0]).await;
}

#[tokio::test]
async fn a_reload_reactivates_a_rolled_back_version() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.plug("echo", &bad("echo_v2")).await;
    rig.say("plugins rollback echo").await;
    let answer = rig.say("plugins reload echo").await;
    assert_eq!(answer, format!("Plugin 'echo' is reloaded: generation 4, {}.", version(&bad("echo_v2"))));
    assert_eq!(rig.say("echo x").await, "v2: x");
    // Reloading the active version activates the same bytes again.
    let answer = rig.say("plugins reload echo").await;
    assert_eq!(answer, format!("Plugin 'echo' is reloaded: generation 5, {}.", version(&bad("echo_v2"))));
}

#[tokio::test]
async fn a_reload_uses_the_file_that_the_watcher_reported() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    // The file is half-written, and the watcher hasn't reported it yet.
    std::fs::write(rig.file("echo"), &bad("echo_v2")[..1000]).unwrap();
    let answer = rig.say("plugins reload echo").await;
    assert_eq!(answer, format!("Plugin 'echo' is reloaded: generation 2, {}.", version(&bad("echo"))));
    rig.configure("[plugins.echo]\ntime = \"1m\"").await;
    rig.wait_until_caught_up().await;
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_plugin_can_replace_itself_by_its_own_command() {
    let rig = Rig::new("[plugins.help]\ngrants = [\"plugin-control\"]").await;
    for generation in 2..6 {
        let answer = rig.say("plugins reload help").await;
        assert_eq!(
            answer,
            format!("Plugin 'help' is reloaded: generation {generation}, {}.", version(&standard("help")))
        );
    }
    rig.plug("help", &other(&standard("help"), 1)).await;
    let answer = rig.say("plugins rollback help").await;
    let back = format!(", is rolled back. Active now: generation 7, {}. ", version(&standard("help")));
    assert!(answer.starts_with("Plugin 'help', version ") && answer.contains(&back), "{answer}");
}

#[tokio::test]
async fn disabled_plugins_stay_disabled() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    let answer = rig.say("plugins disable echo").await;
    assert_eq!(
        answer,
        "Plugin 'echo' is disabled. Use /plugins enable echo to enable it again. Commands removed with it: /echo."
    );
    assert!(rig.test_host.registry.snapshot().command("echo").is_none());
    let shown = ("disabled".to_owned(), "disabled by console:local; /plugins enable echo enables it again".to_owned());
    assert_eq!(rig.status("echo"), shown);
    let table = rig.test_host.registry.snapshot();
    let since = table.statuses().find(|status| status.name == "echo").map(|status| status.since);
    assert!(since > Some(cordboard_core::types::Timestamp(0)), "{since:?}");
    rig.clear_notifications();
    rig.save("echo", &bad("echo_v2")).await;
    rig.wait_for("Plugin 'echo' has a new file, ").await;
    assert_eq!(rig.status("echo"), shown);
    for verb in ["reload", "rollback"] {
        let answer = rig.say(&format!("plugins {verb} echo")).await;
        assert_eq!(answer, "Plugin 'echo' is disabled. Use /plugins enable echo first.");
    }
    let rig = rig.restart().await;
    assert_eq!(rig.status("echo"), shown);
    let answer = rig.say("plugins enable echo").await;
    assert_eq!(answer, format!("Plugin 'echo' is enabled: generation 1, {}.", version(&bad("echo_v2"))));
    assert_eq!(rig.say("echo x").await, "v2: x");
    assert_eq!(rig.say("plugins enable echo").await, "Plugin 'echo' is not disabled.");
    rig.say("plugins disable echo").await;
    let answer = rig.say("plugins enable echo").await;
    assert!(answer.starts_with("Plugin 'echo' is enabled: generation 2, "), "generation numbers are unique: {answer}");
    let rig = rig.restart().await;
    assert_eq!(rig.say("echo x").await, "v2: x");
}

#[tokio::test]
async fn all_embedded_plugins_but_help_can_be_disabled() {
    let rig = Rig::new("").await;
    let answer = rig.say("plugins disable lifecycle").await;
    assert!(
        answer.ends_with("If it was the lifecycle plugin, idle agents are now suspended at their idle timeout."),
        "{answer}"
    );
    assert_eq!(rig.status("lifecycle").0, "disabled");
    let answer = rig.say("plugins disable help").await;
    assert_eq!(
        answer,
        "Plugin 'help' provides /plugins, which you need to enable plugins again. Replace it with another version instead."
    );
    let rig = rig.restart().await;
    assert_eq!(rig.status("lifecycle").0, "disabled");
    rig.say("plugins enable lifecycle").await;
    rig.serves("lifecycle", &standard("lifecycle")).await;
}

#[tokio::test]
async fn a_plugin_without_its_file_cannot_be_enabled() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.say("plugins disable echo").await;
    rig.remove("echo").await;
    rig.wait_until_caught_up().await;
    assert_eq!(rig.status("echo").0, "disabled");
    assert_eq!(rig.say("plugins enable echo").await, "Plugin 'echo' is enabled, but it has no file.");
    assert_eq!(rig.say("plugins reload echo").await, "There is no plugin 'echo'. /plugins lists them.");
}

#[tokio::test]
async fn only_calls_by_admins_may_control_plugins() {
    let rig = Rig::new("[plugins.help]\nacts_as = \"owner\"").await;
    rig.plug("echo", &bad("echo")).await;
    // In the application, the hub checks the caller's role first. This test calls the plugin without the hub.
    let member = person("telegram:3", Role::Member);
    for verb in ["rollback", "reload", "disable", "enable"] {
        let why = rig.test_host.call_as(&member, &format!("plugins {verb} echo")).await.unwrap_err();
        assert_eq!(why, CallError::Plugin(format!("/plugins {verb} is for admins only.")));
    }
    let table = rig.test_host.registry.snapshot();
    let offer = table.command("plugins").unwrap();
    let typed = cordboard_runtime::Invocation {
        args: vec!["disable".to_owned(), "echo".to_owned()],
        text: "disable echo".to_owned(),
    };
    let nobody = cordboard_runtime::CallContext::default();
    let answer = rig.test_host.registry.command(&rig.test_host.host_api, offer, nobody, &typed).await;
    assert_eq!(
        answer.unwrap_err(),
        CallError::Plugin("This function needs a caller, but no user made this call.".to_owned())
    );
    assert_eq!(rig.say("echo x").await, "v1: x");
    let admin = person("telegram:2", Role::Admin);
    assert!(rig.test_host.call_as(&admin, "plugins disable echo").await.is_ok());
}

#[tokio::test]
async fn a_typo_is_answered_with_a_suggestion() {
    let rig = Rig::new("").await;
    let usage = "Usage: /plugins [rollback|reload|disable|enable|revoke <name>] [grant|refuse <name> <digest>]";
    for (typed, answer) in [
        ("plugins rolback", format!("Did you mean /plugins rollback?\n{usage}")),
        ("plugins dance x", usage.to_owned()),
        ("plugins rollback", "Usage: /plugins rollback <name>".to_owned()),
        ("plugins disable a b", "Usage: /plugins disable <name>".to_owned()),
        ("plugins reload veiws", "There is no plugin 'veiws'. Did you mean 'views'? /plugins lists them.".to_owned()),
        ("plugins reload rockets", "There is no plugin 'rockets'. /plugins lists them.".to_owned()),
    ] {
        assert_eq!(rig.say(typed).await, answer, "/{typed}");
    }
}

#[tokio::test]
async fn plugin_control_needs_its_grant() {
    let rig = Rig::new("").await;
    let control = standard("help");
    rig.save("sandbox_escape", &control).await;
    let (text, commands) = rig.next_question().await;
    assert!(text.contains("- `plugin-control`: ") && text.contains("It can't be granted in the chat: add "), "{text}");
    let digest = version(&control);
    assert_eq!(commands, [format!("/plugins refuse sandbox_escape {digest}")], "no button grants `plugin-control`");
    let answer = rig.say(&format!("plugins grant sandbox_escape {digest}")).await;
    assert!(answer.starts_with("plugin-control can't be granted in the chat. "), "{answer}");
    assert_eq!(rig.status("sandbox_escape").0, "pending approval");
}
