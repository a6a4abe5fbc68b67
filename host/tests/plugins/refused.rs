//! Versions that are not let in: each is refused with its words, `/plugins` shows them, and the version before goes on.

use cordboard::plugin::{Swapped, digest};

use crate::{
    board::NOW,
    components::{Bench, bad, standard, wat},
};

/// Refuses `wasm` as a new version of a plugin that serves, and gives the words.
async fn refused(wasm: &[u8]) -> String {
    let bench = Bench::new();
    bench.plug("echo", &bad("echo")).await.unwrap();
    let why = bench.refused("echo", wasm).await;
    assert_eq!(bench.read("echo hello").await, "v1: hello");
    let (health, note) = bench.status("echo");
    assert_eq!((health.as_str(), note), ("held", format!("version {} was refused: {why}", &digest(wasm)[..12])));
    // The good one again: nothing is held against it any more, and it never went.
    assert_eq!(bench.plug("echo", &bad("echo")).await.unwrap(), Swapped::Unchanged);
    assert_eq!(bench.status("echo"), ("ok".to_owned(), String::new()));
    assert_eq!(bench.plugs.table().generation("echo").unwrap().number, 1);
    why
}

#[tokio::test]
async fn what_is_no_component_is_told_as_what_it_is() {
    let not_wasm = "it is not a WebAssembly component: it does not start as one does";
    assert_eq!(refused(b"").await, not_wasm);
    assert_eq!(refused(b"#!/bin/sh\n").await, not_wasm);
    assert_eq!(
        refused(&wat("(module (func (export \"run\")))")).await,
        "it is a core module, not a component: build it for wasm32-wasip2"
    );
}

#[tokio::test]
async fn half_a_file_does_not_compile() {
    let whole = bad("echo2");
    for length in [9, whole.len() / 2, whole.len() - 1] {
        let why = refused(&whole[..length]).await;
        assert!(why.starts_with("it did not compile: not a valid component: "), "{length}: {why}");
    }
}

#[tokio::test]
async fn a_component_without_a_trade_is_of_no_use() {
    assert_eq!(
        refused(&wat("(component)")).await,
        "it exports no trade: export at least one of command, lifecycle, persona, view, hook, schedule, webhook"
    );
}

#[tokio::test]
async fn a_trade_of_another_shape_is_refused() {
    let odd = r#"(component (instance $none) (export "cordboard:plugin/command@0.1.0" (instance $none)))"#;
    let why = refused(&wat(odd)).await;
    assert!(why.starts_with("its export `command` is not the one of this host: "), "{why}");
}

#[tokio::test]
async fn an_import_that_nobody_has_is_named() {
    for import in ["cordboard:plugin/rockets@0.1.0", "wasi:http/incoming-handler@0.2.3", "acme:tools/saw"] {
        let text = format!(r#"(component (import "{import}" (instance (export "launch" (func)))))"#);
        let why = refused(&wat(&text)).await;
        assert!(why.starts_with("it imports what this host does not have: "), "{why}");
        assert!(why.contains(import), "{why}");
    }
}

#[tokio::test]
async fn a_trial_that_fails_keeps_the_version_out() {
    assert_eq!(refused(&bad("mute")).await, "it failed its trial: it said: it has nothing to say");
    assert_eq!(refused(&bad("liar")).await, "\"Not A Name\" is not a command name: use 1 to 32 of a-z, 0-9 and '_'");
}

#[tokio::test]
async fn a_command_that_is_taken_names_both() {
    let bench = Bench::standard().await;
    let why = bench.refused("clash", &bad("clash")).await;
    assert_eq!(why, "it offers the command 'new', which plugin 'sessions' already offers: rename one of them");
    assert_eq!(bench.status("clash"), ("refused".to_owned(), why));
    assert_eq!(bench.read("new x").await, "Session 'x' created.");
    let shouty = bench.refused("shouty", &bad("shouty")).await;
    assert_eq!(shouty, "it offers the mode 'normal', which plugin 'views' already offers: rename one of them");
}

#[tokio::test]
async fn a_capability_is_granted_by_name() {
    let mut bench = Bench::new();
    let why = bench.refused("greedy", &bad("greedy")).await;
    let line = "[plugins.greedy] in the configuration: grants = [\"session-control\"]";
    assert_eq!(why, format!("it asks for what it was not granted: session-control; add to {line}"));
    let version = digest(&bad("greedy"))[..12].to_owned();
    let note = format!("version {version} waits: {why}; or type /plugins grant greedy {version}");
    assert_eq!(bench.status("greedy"), ("parked".to_owned(), note));
    // The words are taken at their word.
    let (table, grants) = line.split_once(" in the configuration: ").unwrap();
    bench.configure(&format!("{table}\n{grants}"));
    bench.plug("greedy", &bad("greedy")).await.unwrap();
    bench.memory.add(crate::board::session("alpha", &bench.caller));
    assert_eq!(bench.read("greedy alpha").await, "took alpha");
}

#[tokio::test]
async fn the_line_to_add_keeps_what_was_granted_before() {
    let bench = Bench::of("[plugins.model]\ngrants = [\"chat\"]");
    let why = bench.refused("model", &standard("model")).await;
    assert!(why.ends_with("[plugins.model] in the configuration: grants = [\"chat\", \"session-control\"]"), "{why}");
}

#[tokio::test]
async fn a_grant_that_is_taken_back_is_gone_at_once() {
    let mut bench = Bench::of("[plugins.greedy]\ngrants = [\"session-control\"]");
    bench.plug("greedy", &bad("greedy")).await.unwrap();
    bench.configure("");
    let settings = bench.settings("greedy");
    let why = bench.plugs.reconfigure("greedy", (&settings, NOW)).await.unwrap_err();
    assert!(why.to_string().starts_with("it asks for what it was not granted"), "{why}");
    let (health, note) = bench.status("greedy");
    assert!(health == "parked" && note.contains(&why.to_string()), "{health}: {note}");
    assert!(bench.plugs.table().command("greedy").is_none());
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_leaves_the_one_before() {
    let mut bench = Bench::standard().await;
    bench.configure("[plugins.persona.config.personas.poet]\ndescription = \"Rhymes\"");
    let why = bench.plugs.reconfigure("persona", (&bench.settings("persona"), NOW)).await.unwrap_err();
    assert!(why.to_string().contains("missing field `instructions`"), "{why}");
    assert!(bench.status("persona").1.starts_with("its new configuration was refused: it failed its trial: it said: "));
    assert!(bench.plugs.table().persona("poet").is_none() && bench.plugs.table().persona("planner").is_some());

    bench.configure("[plugins.persona.config.personas.poet]\ninstructions = \"Rhyme.\"");
    assert_eq!(bench.plugs.reconfigure("persona", (&bench.settings("persona"), NOW)).await.unwrap(), Swapped::New);
    assert!(bench.plugs.table().persona("poet").is_some());
    assert_eq!(bench.status("persona"), ("ok".to_owned(), String::new()));

    bench.configure("[plugins.persona.config.personas.poet]\ninstructions = 5");
    bench.plugs.reconfigure("persona", (&bench.settings("persona"), NOW)).await.unwrap_err();
    bench.configure("[plugins.persona.config.personas.poet]\ninstructions = \"Rhyme.\"");
    assert_eq!(
        bench.plugs.reconfigure("persona", (&bench.settings("persona"), NOW)).await.unwrap(),
        Swapped::Unchanged
    );
    assert_eq!(bench.status("persona"), ("ok".to_owned(), String::new()), "back as it was, nothing is held against it");
}
