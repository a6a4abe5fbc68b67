//! Tests rejected versions: `/plugins` shows the reason for each rejection, and the previous version stays active.

use cordboard_runtime::{Activation, digest};

use crate::{
    components::{bad, extra, standard, wat},
    sample_sessions::NOW,
    test_host::TestHost,
};

/// Tries `wasm` as a new version of an active plugin, and returns the reason for its rejection.
async fn refused(wasm: &[u8]) -> String {
    let test_host = TestHost::new();
    test_host.plug("echo", &bad("echo")).await.unwrap();
    let why = test_host.refused("echo", wasm).await;
    assert_eq!(test_host.read("echo hello").await, "v1: hello");
    let (health, note) = test_host.status("echo");
    assert_eq!(
        (health.as_str(), note),
        ("update rejected", format!("version {} was rejected: {why}", &digest(wasm)[..12]))
    );
    // Saving the good version again clears the rejection. That version has been active all along.
    assert_eq!(test_host.plug("echo", &bad("echo")).await.unwrap(), Activation::Unchanged);
    assert_eq!(test_host.status("echo"), ("ok".to_owned(), String::new()));
    assert_eq!(test_host.registry.snapshot().version("echo").unwrap().generation, 1);
    why
}

#[tokio::test]
async fn files_other_than_components_are_identified() {
    assert_eq!(refused(b"").await, "it is not a WebAssembly component: it is empty; copy it again");
    assert_eq!(
        refused(b"<!DOCTYPE html>\n<title>404</title>").await,
        "it is not a WebAssembly component: it is an HTML page, perhaps from a failed download; download the file itself"
    );
    assert_eq!(
        refused(&wat("(module (func (export \"run\")))")).await,
        "it is a core module, not a component: build it for wasm32-wasip2"
    );
}

#[tokio::test]
async fn a_truncated_file_is_reported_as_truncated() {
    let whole = bad("echo_v2");
    for length in [5, 10, whole.len() / 2, whole.len() - 1] {
        assert_eq!(
            refused(&whole[..length]).await,
            format!(
                "it did not compile: it is truncated, and ends after {length} bytes; copy it again, or build it again"
            )
        );
    }
}

#[tokio::test]
async fn a_byte_after_a_component_is_named() {
    let whole = bad("echo_v2");
    let shown = format!(
        "it did not compile: its last section ends at byte {}, and the rest (1 byte) is not a section; copy it again, or build it again",
        whole.len()
    );
    assert_eq!(refused(&[&whole[..], b"\n"].concat()).await, shown);
}

#[tokio::test]
async fn compile_errors_name_their_cause() {
    let odd = wat::parse_str("(component (core module (func (result i32) i64.const 1)))").unwrap();
    let why = refused(&odd).await;
    assert!(why.starts_with("it did not compile: not a valid component: "), "{why}");
    assert!(why.ends_with("type mismatch: expected i32, found i64; build it again for wasm32-wasip2"), "{why}");
    let why = refused(&wat("(component (core module (memory 10000)))")).await;
    assert!(why.starts_with("it is larger than the host allows: memory has a minimum byte size of 655360000"), "{why}");
    let why = refused(&wat("(component (core module (table 20001 funcref)))")).await;
    let limit = "table index 0 has a minimum element size of 20001 which exceeds the limit of 20000";
    assert!(why.starts_with(&format!("it is larger than the host allows: {limit}")), "{why}");
}

#[tokio::test]
async fn a_component_without_an_extension_point_is_rejected() {
    let remedy = "export at least one of command, lifecycle, approval, filter, persona, view, hook, schedule, webhook";
    assert_eq!(refused(&wat("(component)")).await, format!("it exports no extension point: {remedy}"));
    let program = r#"(component (instance $none) (export "wasi:cli/run@0.2.3" (instance $none)))"#;
    assert_eq!(
        refused(&wat(program)).await,
        format!("it exports no extension point (it exports wasi:cli/run@0.2.3): {remedy}")
    );
}

#[tokio::test]
async fn an_extension_point_of_another_type_is_rejected() {
    let export = |name: &str, functions: &str| {
        let text = format!(
            r#"(component
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f")))
                (instance $e {functions})
                (export "cordboard:plugin/{name}" (instance $e)))"#
        );
        wat(&text)
    };
    let functions =
        |names: &[&str]| names.iter().map(|name| format!("(export \"{name}\" (func $f)) ")).collect::<String>();
    for (name, has) in [
        ("command", &[][..]),
        ("command", &["specs", "run"]),
        ("lifecycle", &["review", "resume-notice"]),
        ("hook", &["on-event"]),
        ("webhook", &["handle"]),
    ] {
        let why = refused(&export(&format!("{name}@0.2.0"), &functions(has))).await;
        assert!(why.starts_with(&format!("its export `{name}` differs from this host's: ")), "{why}");
        assert!(why.ends_with("; rebuild it with the SDK of this Cordboard version"), "{why}");
    }
    let why = refused(&export("command@0.3.0", &functions(&["specs", "run"]))).await;
    let newer = "it is built for a newer Cordboard: it uses cordboard:plugin/command@0.3.0, and this host provides cordboard:plugin@0.2.6";
    assert_eq!(why, format!("{newer}; update Cordboard, or rebuild the plugin with the SDK of this Cordboard version"));
}

#[tokio::test]
async fn the_version_is_checked_before_the_grants() {
    let text = r#"(component
        (import "wasi:http/outgoing-handler@0.2.3" (instance))
        (instance $e)
        (export "cordboard:plugin/webhook@0.1.0" (instance $e)))"#;
    let why = refused(&wat(text)).await;
    let older = "it is built for an older Cordboard: it uses cordboard:plugin/webhook@0.1.0, and this host provides cordboard:plugin@0.2.6; ";
    assert!(why.starts_with(&format!("{older}rebuild it with the current SDK: ")), "{why}");
}

#[tokio::test]
async fn unknown_imports_are_named_with_the_remedy() {
    let function = |import: &str, shape: &str| {
        format!(r#"(component (import "{import}" (instance (export "launch" (func {shape})))))"#)
    };
    let lacks = "it imports interfaces that this host does not have: ";
    let update = "; update Cordboard, or rebuild the plugin with the SDK of this Cordboard version";
    for (text, begins, ends) in [
        (
            function("cordboard:plugin/sessions@0.3.0", ""),
            "it is built for a newer Cordboard: it uses cordboard:plugin/sessions@0.3.0".to_owned(),
            update,
        ),
        (
            function("cordboard:plugin/config@0.2.9", ""),
            "it is built for a newer Cordboard: it uses cordboard:plugin/config@0.2.9".to_owned(),
            update,
        ),
        (function("cordboard:plugin/rockets@0.2.0", ""), format!("{lacks}cordboard:plugin/rockets@0.2.0"), update),
        (
            function("cordboard:plugin/config@0.2.0", ""),
            format!("{lacks}`launch` of cordboard:plugin/config@0.2.0"),
            update,
        ),
        (
            r#"(component (import "cordboard:plugin/config@0.2.0" (instance (export "read" (func (result u32))))))"#
                .to_owned(),
            "it imports `read` of cordboard:plugin/config@0.2.0 with a different type than this host has (".to_owned(),
            "; rebuild it with the SDK of this Cordboard version",
        ),
        (
            function("wasi:cli/stdout@0.3.0", ""),
            "it is built for WASI 0.3 or later: it imports wasi:cli/stdout@0.3.0".to_owned(),
            "; build it for wasm32-wasip2",
        ),
        (
            function("wasi:cli/stdin@0.3.0", "(result (stream u8))"),
            "it is built for WASI 0.3 or later: it imports wasi:cli/stdin@0.3.0".to_owned(),
            "; build it for wasm32-wasip2",
        ),
        (
            function("wasi:http/incoming-handler@0.2.3", ""),
            format!("{lacks}`launch` of wasi:http/incoming-handler@0.2.3"),
            "; build it without that part of WASI",
        ),
        (
            function("wasi:cli/environment@0.2.3", ""),
            format!("{lacks}`launch` of wasi:cli/environment@0.2.3"),
            "; build it without that part of WASI",
        ),
        (
            function("wasi:http/outgoing-handler@0.2.3", ""),
            "it requests capabilities that it was not granted: http; add to [plugins.echo]".to_owned(),
            "http = [\"https://HOST/*\"]",
        ),
        (function("acme:tools/saw", ""), format!("{lacks}acme:tools/saw"), "or remove the import"),
        ("(component (import \"launch\" (func)))".to_owned(), format!("{lacks}launch"), "or remove the import"),
    ] {
        let test_host = TestHost::new();
        let why = test_host.refused("echo", &wat(&text)).await;
        assert!(why.starts_with(&begins) && why.ends_with(ends), "{text}: {why}");
    }
}

#[tokio::test]
async fn a_failed_trial_rejects_the_version() {
    assert_eq!(refused(&bad("specs_fail")).await, "it failed its trial: it returned an error: it has nothing to say");
    let test_host = TestHost::of("[plugins.specs_fail.config]\nspecs = \"invalid\"");
    let why = test_host.refused("specs_fail", &bad("specs_fail")).await;
    assert_eq!(why, "\"Not A Name\" is not a command name: use 1 to 32 of a-z, 0-9 and '_'");
}

#[tokio::test]
async fn a_filter_of_an_unknown_kind_is_rejected() {
    let url = "http://127.0.0.1:1/x";
    let host = |kinds: &str| {
        TestHost::of(&format!(
            "[plugins.transcribe]\ngrants = [\"attachments\"]\nhttp = [\"POST {url}\"]\nsecrets = []\n\
             [plugins.transcribe.config]\nurl = \"{url}\"\nkinds = {kinds}\n"
        ))
    };
    let why = host("[\"voice message\", \"voice\"]").refused("transcribe", &extra("transcribe")).await;
    let known = "\"text\", \"photo\", \"file\", \"voice message\", \"audio\", \"video\", \"animation\", \"*\"";
    assert_eq!(why, format!("its filter names the kind of messages \"voice\": use one of {known}"));
    host("[\"audio\", \"*\"]").plug("transcribe", &extra("transcribe")).await.unwrap();
}

#[tokio::test]
async fn a_command_conflict_names_both_plugins() {
    let mut test_host = TestHost::standard().await;
    test_host.configure("[plugins.specs_fail.config]\nspecs = \"taken\"");
    let why = test_host.refused("specs_fail", &bad("specs_fail")).await;
    assert_eq!(why, "it exports the command 'new', which plugin 'sessions' already exports: rename one of them");
    assert_eq!(test_host.status("specs_fail"), ("rejected".to_owned(), why));
    assert_eq!(test_host.read("new x").await, "Session 'x' created.");
    let why = test_host.refused("uppercase_view", &bad("uppercase_view")).await;
    assert_eq!(why, "it exports the mode 'normal', which plugin 'views' already exports: rename one of them");
}

#[tokio::test]
async fn a_capability_is_granted_by_name() {
    let mut test_host = TestHost::new();
    let why = test_host.refused("needs_approval", &bad("needs_approval")).await;
    let line = "[plugins.needs_approval] in the configuration: grants = [\"session-control\"]";
    assert_eq!(why, format!("it requests capabilities that it was not granted: session-control; add to {line}"));
    let version = digest(&bad("needs_approval"))[..12].to_owned();
    let note = format!("version {version} is pending approval: {why}; or type /plugins grant needs_approval {version}");
    assert_eq!(test_host.status("needs_approval"), ("pending approval".to_owned(), note));
    // Add the configuration lines that the message suggests.
    let (table, grants) = line.split_once(" in the configuration: ").unwrap();
    test_host.configure(&format!("{table}\n{grants}"));
    test_host.plug("needs_approval", &bad("needs_approval")).await.unwrap();
    test_host.memory.add(crate::sample_sessions::record("alpha", &test_host.caller));
    assert_eq!(test_host.read("needs_approval alpha").await, "took alpha");
}

#[tokio::test]
async fn the_proposed_line_keeps_earlier_grants() {
    let test_host = TestHost::of("[plugins.timeout]\ngrants = [\"chat\"]");
    let why = test_host.refused("timeout", &standard("timeout")).await;
    assert!(why.ends_with("[plugins.timeout] in the configuration: grants = [\"chat\", \"session-control\"]"), "{why}");
}

#[tokio::test]
async fn a_removed_grant_is_revoked_at_once() {
    let mut test_host = TestHost::of("[plugins.needs_approval]\ngrants = [\"session-control\"]");
    test_host.plug("needs_approval", &bad("needs_approval")).await.unwrap();
    test_host.configure("");
    let settings = test_host.settings("needs_approval");
    let why = test_host.registry.reconfigure("needs_approval", &settings, NOW).await.unwrap_err();
    assert!(why.to_string().starts_with("it requests capabilities that it was not granted"), "{why}");
    let (health, note) = test_host.status("needs_approval");
    assert!(health == "pending approval" && note.contains(&why.to_string()), "{health}: {note}");
    assert!(test_host.registry.snapshot().command("needs_approval").is_none());
}

#[tokio::test]
async fn an_invalid_configuration_keeps_the_previous_one() {
    let mut test_host = TestHost::standard().await;
    test_host.configure("[plugins.persona.config.personas.poet]\ndescription = \"Rhymes\"");
    let why = test_host.registry.reconfigure("persona", &test_host.settings("persona"), NOW).await.unwrap_err();
    assert!(why.to_string().contains("missing field `instructions`"), "{why}");
    assert!(
        test_host
            .status("persona")
            .1
            .starts_with("its new configuration was rejected: it failed its trial: it returned an error: ")
    );
    assert!(
        test_host.registry.snapshot().persona("poet").is_none()
            && test_host.registry.snapshot().persona("planner").is_some()
    );

    test_host.configure("[plugins.persona.config.personas.poet]\ninstructions = \"Rhyme.\"");
    assert_eq!(
        test_host.registry.reconfigure("persona", &test_host.settings("persona"), NOW).await.unwrap(),
        Activation::New
    );
    assert!(test_host.registry.snapshot().persona("poet").is_some());
    assert_eq!(test_host.status("persona"), ("ok".to_owned(), String::new()));

    test_host.configure("[plugins.persona.config.personas.poet]\ninstructions = 5");
    test_host.registry.reconfigure("persona", &test_host.settings("persona"), NOW).await.unwrap_err();
    test_host.configure("[plugins.persona.config.personas.poet]\ninstructions = \"Rhyme.\"");
    assert_eq!(
        test_host.registry.reconfigure("persona", &test_host.settings("persona"), NOW).await.unwrap(),
        Activation::Unchanged
    );
    assert_eq!(test_host.status("persona"), ("ok".to_owned(), String::new()), "restored settings are accepted");
}
