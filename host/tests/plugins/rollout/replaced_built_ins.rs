//! Tests files named after a built-in plugin. The built-in grants apply only to the built-in bytes. Other bytes receive
//! only the default grants, and the grants that the owner or the configuration has assigned to the plugin name.

use std::fs;

use cordboard_runtime::digest;

use super::{Rig, other, version};
use crate::components::{bad, standard};

const BY_NAME: &str = "[plugins.help]\ngrants = [\"plugin-control\"]";

/// Returns a modified version of the built-in plugin `help`, which manages the other plugins.
fn takeover() -> Vec<u8> {
    other(&standard("help"), 1)
}

#[tokio::test]
async fn a_file_does_not_inherit_built_in_grants() {
    let rig = Rig::new("").await;
    rig.save("help", &takeover()).await;
    let (text, commands) = rig.next_question().await;
    let line = "It can't be granted in the chat: add `grants = [\"plugin-control\"]` to [plugins.help]";
    assert!(text.contains("- `plugin-control`: ") && text.contains(line), "{text}");
    assert!(text.ends_with("It needs your approval. Generation 1 stays active."), "{text}");
    assert_eq!(commands, [format!("/plugins refuse help {}", version(&takeover()))]);
    let rig = rig.restart().await;
    assert_eq!(rig.serving("help"), Some(digest(&standard("help"))));
    assert_eq!(rig.status("help").0, "pending approval");
    let answer = rig.say("plugins reload help").await;
    assert!(
        answer.starts_with(&format!("Plugin 'help', version {}, is pending approval: ", version(&takeover()))),
        "{answer}"
    );
    rig.configure(BY_NAME).await;
    rig.serves("help", &takeover()).await;
}

#[tokio::test]
async fn a_file_with_a_built_in_name_asks_for_approval() {
    let rig = Rig::new("").await;
    let mine = other(&standard("sessions"), 1);
    rig.save("sessions", &mine).await;
    let (text, commands) = rig.next_question().await;
    assert!(text.contains("- `session-control`: "), "{text}");
    assert_eq!(rig.serving("sessions"), Some(digest(&standard("sessions"))));
    rig.say(&commands[0]).await;
    rig.serves("sessions", &mine).await;
}

#[tokio::test]
async fn a_copy_of_the_built_in_bytes_is_the_built_in_plugin() {
    let rig = Rig::new("").await;
    rig.save("help", &standard("help")).await;
    rig.wait_until_caught_up().await;
    assert!(rig.is_quiet(), "nothing has changed");
    let rig = rig.restart().await;
    rig.serves("help", &standard("help")).await;
    assert_eq!(rig.status("help"), ("ok".to_owned(), String::new()));
    // Under another name, the same bytes don't have the built-in plugin's grants.
    rig.save("helper", &standard("help")).await;
    rig.next_question().await;
    assert_eq!(rig.serving("helper"), None);
}

#[tokio::test]
async fn a_reactivated_built_in_plugin_has_its_grants() {
    let rig = Rig::new(BY_NAME).await;
    rig.plug("help", &takeover()).await;
    let answer = rig.say("plugins rollback help").await;
    assert!(answer.contains(", is rolled back. Active now: "), "{answer}");
    rig.serves("help", &standard("help")).await;
    rig.say("plugins reload help").await;
    rig.serves("help", &takeover()).await;
    // Without the configuration line, only the built-in version has the grant.
    rig.configure("").await;
    rig.serves("help", &standard("help")).await;
    assert_eq!(rig.status("help").0, "pending approval");
    let answer = rig.say("plugins reload views").await;
    assert!(answer.starts_with("Plugin 'views' is reloaded: "), "`help` can manage plugins: {answer}");
    rig.configure(BY_NAME).await;
    rig.serves("help", &takeover()).await;
    rig.remove("help").await;
    rig.serves("help", &standard("help")).await;
}

#[tokio::test]
async fn configured_grants_also_restrict_built_in_plugins() {
    let rig = Rig::new("[plugins.sessions]\ngrants = [\"sessions\"]").await;
    assert_eq!(rig.serving("sessions"), None);
    assert_eq!(rig.status("sessions").0, "pending approval");
    rig.configure("").await;
    rig.serves("sessions", &standard("sessions")).await;
}

#[tokio::test]
async fn a_stored_version_does_not_inherit_built_in_grants() {
    let rig = Rig::new("").await;
    // Simulate an earlier host that stored these bytes as its built-in plugin.
    rig.store.save_version("help", &digest(&takeover()), &takeover()).await.unwrap();
    fs::write(rig.file("help"), b"no component").unwrap();
    let rig = rig.restart().await;
    assert_eq!(rig.serving("help"), Some(digest(&standard("help"))));
    assert_eq!(rig.status("help").0, "update rejected");
}

#[tokio::test]
async fn enable_with_a_pending_file_activates_the_built_in() {
    let rig = Rig::new("").await;
    rig.say("plugins disable sessions").await;
    let mine = other(&standard("sessions"), 1);
    rig.save("sessions", &mine).await;
    rig.wait_for("disabled the plugin. Use /plugins enable").await;
    let answer = rig.say("plugins enable sessions").await;
    assert!(
        answer.starts_with(&format!("Plugin 'sessions', version {}, is pending approval: ", version(&mine))),
        "{answer}"
    );
    assert_eq!(rig.serving("sessions"), Some(digest(&standard("sessions"))));
}

#[tokio::test]
async fn a_rollback_skips_versions_without_grants() {
    let rig = Rig::new("[plugins]\nprobation_traps = 1").await;
    rig.store.save_version("help", &digest(&takeover()), &takeover()).await.unwrap();
    fs::write(rig.file("help"), bad("exceeds_limits")).unwrap();
    let rig = rig.restart().await;
    rig.serves("help", &bad("exceeds_limits")).await;
    let answer = rig.say("trap").await;
    assert!(answer.starts_with("it trapped: "), "{answer}");
    let shown = rig.wait_for("is rolled back").await;
    assert!(shown.contains(&format!(", {}; version ", version(&standard("help")))), "{shown}");
    rig.serves("help", &standard("help")).await;
}
