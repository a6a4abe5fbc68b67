//! Tests the version that stays active while a newer one is rejected. Changed settings apply to the active version, and
//! deactivate it if they no longer permit it.

use cordboard_runtime::digest;

use super::{Rig, other, version};
use crate::components::{bad, standard};

const JUNK: &[u8] = b"no component at all";

#[tokio::test]
async fn settings_reach_the_version_before_a_rejected_one() {
    let rig = Rig::new("[plugins.echo]\nacts_as = \"owner\"").await;
    rig.plug("echo", &bad("echo")).await;
    rig.save("echo", JUNK).await;
    rig.wait_for("Plugin 'echo' was rejected").await;
    rig.configure("[plugins.echo]\ntime = \"1m\"").await;
    let anew = || rig.test_host.registry.snapshot().version("echo").filter(|one| one.generation == 2).cloned();
    let serving = rig.until("the current settings", anew).await;
    assert!(serving.call_settings.acts_as.is_none() && serving.digest == digest(&bad("echo")));
    let is_rejected = || (rig.status("echo").0 == "update rejected").then_some(());
    rig.until("the update is still rejected", is_rejected).await;
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn a_removed_optional_grant_keeps_the_version_active() {
    let both = "[plugins.http_client]\nhttp = [\"https://a.lan/*\", \"https://b.lan/*\"]\ntcp = [\"a.lan:1\"]\nsecrets = [\"a\"]\n";
    let both = format!("[secrets]\na = \"/nowhere\"\n{both}");
    let rig = Rig::new(&both).await;
    rig.plug("http_client", &bad("http_client")).await;
    rig.save("http_client", JUNK).await;
    rig.wait_for("Plugin 'http_client' was rejected").await;
    rig.configure(&both.replace(", \"https://b.lan/*\"", "")).await;
    let narrower = || {
        let table = rig.test_host.registry.snapshot();
        table
            .version("http_client")
            .filter(|one| {
                one.generation == 2
                    && one.call_settings.network.as_ref().is_some_and(|network| network.grants.http.len() == 1)
            })
            .map(|_| ())
    };
    rig.until("the version is active with fewer grants", narrower).await;
    assert_eq!(rig.serving("http_client"), Some(digest(&bad("http_client"))));
}

#[tokio::test]
async fn enable_with_a_bad_new_version_activates_the_previous() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.say("plugins disable echo").await;
    rig.save("echo", JUNK).await;
    rig.wait_for("disabled the plugin. Use /plugins enable").await;
    let answer = rig.say("plugins enable echo").await;
    assert!(answer.starts_with("Plugin 'echo' was rejected: it is not a WebAssembly component"), "{answer}");
    assert!(answer.contains("\nGeneration "), "{answer}");
    assert_eq!(rig.say("echo x").await, "v1: x");
    assert_eq!(rig.status("echo").0, "update rejected");
}

#[tokio::test]
async fn enable_with_a_pending_version_activates_the_previous() {
    let rig = Rig::new("").await;
    rig.plug("needs_approval", &bad("echo")).await;
    rig.save("needs_approval", &bad("needs_approval")).await;
    let question = rig.next_question().await;
    rig.say("plugins disable needs_approval").await;
    let answer = rig.say("plugins enable needs_approval").await;
    let waits = format!(
        "Plugin 'needs_approval', version {}, is pending approval: it requests",
        version(&bad("needs_approval"))
    );
    assert!(answer.starts_with(&waits) && answer.contains("\nGeneration "), "{answer}");
    assert_eq!(rig.say("echo x").await, "v1: x");
    assert_eq!(rig.next_question().await.1, question.1);
}

#[tokio::test]
async fn a_pin_reactivates_the_named_version() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.plug("echo", &bad("echo_v2")).await;
    rig.configure(&format!("[plugins.echo]\nsha256 = \"{}\"", digest(&bad("echo")))).await;
    rig.serves("echo", &bad("echo")).await;
    rig.wait_for("Plugin 'echo' was rejected: [plugins.echo] sha256 does not allow this version").await;
    assert_eq!(rig.say("echo x").await, "v1: x");
}

#[tokio::test]
async fn rights_are_revoked_despite_otherwise_invalid_settings() {
    let rig = Rig::new("[plugins.persona]\ngrants = [\"sessions\", \"session-control\"]\nacts_as = \"owner\"").await;
    assert_eq!(rig.serving("persona"), Some(digest(&standard("persona"))));
    rig.configure(
        "[plugins.persona]\ngrants = [\"sessions\", \"session-control\"]\n[plugins.persona.config]\npersonas = 5",
    )
    .await;
    rig.wait_for("Plugin 'persona' was rejected").await;
    assert_eq!(rig.serving("persona"), None);
    assert_eq!(rig.status("persona").0, "rejected");
}

#[tokio::test]
async fn a_bad_file_does_not_reactivate_a_removed_version() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.remove("echo").await;
    rig.wait_for("Plugin 'echo' is no longer active").await;
    rig.save("echo", JUNK).await;
    rig.wait_for("Plugin 'echo' was rejected").await;
    assert_eq!(rig.serving("echo"), None);
    let rig = rig.restart().await;
    assert_eq!(rig.serving("echo"), None, "not at a restart either");
    // There is no version to roll back to when the next version is activated.
    rig.plug("echo", &other(&bad("echo"), 1)).await;
    let answer = rig.say("plugins rollback echo").await;
    assert!(answer.starts_with("Plugin 'echo' has no version before"), "{answer}");
}

#[tokio::test]
async fn a_disabled_plugin_can_be_enabled_after_its_file_returns() {
    let rig = Rig::new("").await;
    rig.plug("echo", &bad("echo")).await;
    rig.say("plugins disable echo").await;
    rig.remove("echo").await;
    rig.wait_until_caught_up().await;
    let rig = rig.restart().await;
    assert_eq!(rig.status("echo").0, "disabled");
    rig.save("echo", &bad("echo_v2")).await;
    rig.wait_for("disabled the plugin. Use /plugins enable").await;
    let answer = rig.say("plugins enable echo").await;
    assert!(answer.starts_with("Plugin 'echo' is enabled: generation "), "{answer}");
    assert_eq!(rig.say("echo x").await, "v2: x");
}

#[tokio::test]
async fn a_corrected_configuration_reactivates_the_version() {
    let granted =
        "[secrets]\na = \"/nowhere\"\n[plugins.http_client]\nhttp = [\"https://a.lan/*\"]\nsecrets = [\"a\"]\n";
    let rig = Rig::new(&format!("{granted}tcp = [\"a.lan:1\"]")).await;
    rig.plug("http_client", &bad("http_client")).await;
    rig.save("http_client", JUNK).await;
    rig.wait_for("Plugin 'http_client' was rejected").await;
    rig.configure(granted).await;
    rig.until("no version is active", || rig.serving("http_client").is_none().then_some(())).await;
    rig.configure(&format!("{granted}tcp = [\"a.lan:1\"]")).await;
    rig.serves("http_client", &bad("http_client")).await;
    assert_eq!(rig.status("http_client").0, "update rejected");
}

#[tokio::test]
async fn rights_are_revoked_at_once_during_a_trial() {
    let trying = "[plugins.mine]\ntime = \"5m\"\n[plugins.mine.config]\nspecs = \"hang\"";
    let rig = Rig::new(&trying.replace("time", "acts_as = \"owner\"\ntime")).await;
    rig.plug("mine", &bad("echo")).await;
    rig.save("mine", &bad("specs_fail")).await;
    rig.wait_for("is being compiled").await;
    rig.configure(trying).await;
    let acts_as = || rig.test_host.registry.snapshot().version("mine").unwrap().call_settings.acts_as.clone();
    rig.until("acts_as is unset", || acts_as().is_none().then_some(())).await;
    assert_eq!(rig.status("mine").0, "compiling");
    assert_eq!(rig.say("echo x").await, "v1: x");
}
