//! Tests plugins that request more capabilities than they were granted. The owner approves or denies the request on the
//! console. Also tests failing plugins, which the host rolls back.

use super::support::{Home, Host, until};

/// Waits for the question about a plugin, and returns the commands of the question's two buttons.
fn question(host: &mut Host<'_>, plugin: &str) -> [String; 2] {
    host.expect(&format!("Plugin '{plugin}', version "));
    let mut question = host.expect(&format!("[Refuse] /plugins refuse {plugin} "));
    question.push_str(&host.expect("\n"));
    ["[Grant and activate] ", "[Refuse] "].map(|label| {
        let line = question.lines().find_map(|line| line.trim().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no button {label}: {question}")).to_owned()
    })
}

#[test]
fn simultaneous_approvals_are_one_message() {
    let home = Home::new();
    let names: Vec<String> = (1..=12).map(|number| format!("p{number:02}")).collect();
    names.iter().for_each(|name| home.plug(name, "needs_approval"));
    let mut host = home.start();
    let list = host.expect("[Refuse p10] /plugins refuse p10 ");
    assert!(list.contains("12 plugins request capabilities that they were not granted:\n"), "{list}");
    assert!(list.contains("and 2 more\n") && !list.contains("Grant p11"), "{list}");
    let [grant, refuse] = ["[Grant p03] ", "[Refuse p04] "].map(|label| {
        list.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_else(|| panic!("{list}")).to_owned()
    });
    host.say(&grant);
    host.expect("Plugin 'p03' is granted session-control, and is active: generation 1, ");
    host.say(&refuse);
    host.expect("Plugin 'p04' is not granted session-control.");
    host.say(&refuse.replace("p04", "p12"));
    host.expect("Plugin 'p12' is not granted session-control.");
    // A new version triggers a new question, which the buttons of the old question can't answer.
    home.plug("p05", "asks_more");
    question(&mut host, "p05");
    host.say(&refuse.replace("p04", "p05"));
    host.expect("of plugin 'p05' is no longer pending approval; the latest request is for version ");
    assert_eq!(host.chat().matches(" that they were not granted:").count(), 1);
    assert_eq!(host.chat().matches(" that it was not granted:").count(), 1);
}

/// Waits until the plugin list shows this health for the plugin.
fn await_health(home: &Home, plugin: &str, health: &str) {
    until(&format!("{plugin} is {health}"), || {
        home.plugins().as_array().unwrap().iter().any(|row| row["name"] == plugin && row["health"] == health)
    });
}

#[test]
fn a_grant_command_activates_and_is_stored() {
    let home = Home::new();
    home.plug("needs_approval", "echo");
    let mut host = home.start();
    host.ask("/new idler", "Session 'idler' created.");
    home.plug("needs_approval", "needs_approval");
    let [grant, _] = question(&mut host, "needs_approval");
    await_health(&home, "needs_approval", "pending approval");
    host.say("/echo still");
    host.expect("v1: still\n");
    host.say(&grant);
    host.expect("Plugin 'needs_approval' is granted session-control, and is active: generation 2, ");
    host.say("/needs_approval idler");
    host.expect("took idler\n");
    assert_eq!(host.end().1, Some(0));

    let mut host = home.start();
    host.ask("/needs_approval idler", "took idler");
    host.say("/plugins revoke needs_approval");
    host.expect("Plugin 'needs_approval' is no longer granted session-control. Active now: generation ");
    host.say("/echo again");
    host.expect("v1: again\n");
    await_health(&home, "needs_approval", "update rejected");
}

#[test]
fn a_refusal_survives_a_restart_without_another_question() {
    let home = Home::new();
    home.plug("needs_approval", "needs_approval");
    let mut host = home.start();
    let [_, refuse] = question(&mut host, "needs_approval");
    host.say(&refuse);
    host.expect("You won't be asked again about versions that request only these capabilities.\n");
    assert_eq!(host.end().1, Some(0));
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    await_health(&home, "needs_approval", "rejected");
    home.plug("needs_approval", "asks_more");
    question(&mut host, "needs_approval");
}

#[test]
fn a_version_that_keeps_failing_is_rolled_back() {
    let home = Home::new();
    home.plug("mine", "echo");
    let mut host = home.start();
    host.ask("/echo hi", "v1: hi");
    // The new value must take effect before the next version's calls fail.
    home.configure("[plugins]\nprobation_traps = 2");
    until("the value is in effect", || host.log().contains("configuration changed"));
    home.plug("mine", "exceeds_limits");
    host.expect("Plugin 'mine' is active: generation 2, ");
    for _ in 0..2 {
        host.say("/trap");
        host.expect("/trap");
    }
    host.expect("is rolled back: 2 calls failed within 5m of its activation, the last one trapped: ");
    host.say("/echo hi");
    host.expect("v1: hi\n");
    await_health(&home, "mine", "rolled back");
    host.say("/plugins disable mine");
    host.expect(
        "Plugin 'mine' is disabled. Use /plugins enable mine to enable it again. Commands removed with it: /echo.\n",
    );
    await_health(&home, "mine", "disabled");
}
