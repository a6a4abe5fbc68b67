//! Tests that errors from `cordboard plugin` commands say what to do.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _};

use super::{Author, component};

#[test]
fn every_command_has_examples_in_its_help() {
    let author = Author::new();
    let all = author.printed(&["--help"]);
    for task in ["new", "build", "check", "call", "test", "watch"] {
        assert!(all.contains(&format!("  cordboard plugin {task}")), "{task}: {all}");
        let help = author.printed(&[task, "--help"]);
        assert!(help.contains(&format!("Examples:\n  cordboard plugin {task}")), "{help}");
        assert!(help.contains("Exit code: 0 "), "{help}");
    }
}

#[test]
fn invalid_names_and_existing_folders_are_refused() {
    let author = Author::new();
    for name in ["Hello", "../up", "2x", "test", ""] {
        let ended = author.run(&["new", name]);
        assert_eq!(ended.code, Some(1), "{name}");
        assert!(ended.err.starts_with(&format!("cordboard: failed to name a plugin '{name}': ")), "{}", ended.err);
    }
    author.write("mine/notes", "keep");
    let ended = author.run(&["new", "mine"]);
    let shown = "cordboard: failed to create mine: it already exists; use another name, or remove it\n";
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), shown));
    assert_eq!(fs::read_dir(author.path("mine")).unwrap().count(), 1, "nothing was written");
}

#[test]
fn missing_projects_and_conversations_are_reported() {
    let author = Author::new();
    author.write("empty/notes", "");
    let ended = author.run(&["build", "empty"]);
    assert!(ended.err.contains("it has no Cargo.toml, pyproject.toml or package.json"), "{}", ended.err);
    author.write("mine/pyproject.toml", "[project]\nname = \"mine\"\n");
    let ended = author.run(&["test", "mine", "--component", component("timeout").to_str().unwrap()]);
    assert!(ended.err.contains("failed to find a conversation in mine/tests: write one"), "{}", ended.err);
    let ended = author.run(&["watch", "mine", "--plugins", "nowhere"]);
    assert!(ended.err.contains("nowhere: the folder does not exist"), "{}", ended.err);
}

#[test]
fn a_missing_tool_is_named_with_its_remedy() {
    let cases = [
        ("rust", "a compiler for wasm32-wasip2: it is not installed; add it with `rustup target add wasm32-wasip2`"),
        ("python", "python3: it is not installed; install Python 3.10 or later with its venv module"),
        ("js", "npm: it is not installed; install Node.js 20 or later"),
    ];
    for (lang, shown) in cases {
        let author = Author::new();
        author.printed(&["new", "mine", "--lang", lang]);
        let mut command = author.command();
        command.args(["build", "mine"]).env("PATH", author.path("nothing")).env("XDG_CACHE_HOME", author.path("cache"));
        let output = command.env_remove("RUSTC").env_remove("CARGO").output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && errors.contains(&format!("failed to run {shown}")), "{errors}");
    }
}

/// Runs `cordboard plugin call` with a plugin that `cargo xtask build` has built.
fn call(author: &Author, name: &str, more: &[&str]) -> super::Ended {
    let mut arguments: Vec<OsString> = vec!["call".into(), component(name).into()];
    arguments.extend(more.iter().map(OsString::from));
    author.run(&arguments)
}

#[test]
fn a_failing_call_exits_with_1() {
    let author = Author::new();
    let ended = call(&author, "timeout", &["/timeout"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "No active session. Use /new to start one.\n"));
    let ended = call(&author, "timeout", &["/timeoutt"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "Unknown command /timeoutt. Did you mean /timeout?\n"));
    let ended = call(&author, "timeout", &["timeout"]);
    assert_eq!(ended.err, "cordboard: failed to parse 'timeout': a command begins with a slash, such as /hello\n");
    let ended = call(&author, "bad/exceeds_limits", &["/trap"]);
    assert!(
        ended.code == Some(1) && ended.out.starts_with("/trap failed: plugin 'exceeds_limits' trapped: "),
        "{ended:?}"
    );
}

#[test]
fn a_call_is_granted_everything_without_a_configuration() {
    let author = Author::new();
    let ended = call(&author, "sessions", &["/new", "alpha"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Session 'alpha' created.\n"));
    for line in [
        "  a host needs this line in [plugins.sessions]: grants = [\"sessions\", \"session-control\"]",
        "* session alpha created with agent demo",
        "* session alpha active in console:local",
    ] {
        assert!(ended.err.lines().any(|error| error == line), "{line}: {}", ended.err);
    }
    author.write("my.toml", "[plugins.sessions]\ngrants = [\"sessions\"]\n");
    let ended = call(&author, "sessions", &["--config", "my.toml", "/sessions"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("failed to use the plugin: it requests capabilities that it was not granted: session-control"),
        "{ended:?}"
    );
    let ended = call(&author, "sessions", &["--as", "member", "/new", "--as"]);
    assert_eq!(ended.out, "Session '--as' created.\n", "arguments after the command belong to the command");
}

/// The report lists all problems at once, including missing exports that a host calls only if configured to.
#[test]
fn check_json_lists_everything_missing() {
    let author = Author::new();
    let of = |name: &str| {
        let mut command = author.command();
        command.arg("check").arg(component(name)).arg("--json").env("XDG_STATE_HOME", author.path("state"));
        let output = command.output().unwrap();
        (output.status.code(), serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap())
    };
    let (code, lifecycle) = of("lifecycle");
    assert_eq!(
        (code, &lifecycle["rejected"], &lifecycle["idle"]),
        (Some(0), &serde_json::json!([]), &serde_json::json!([]))
    );
    assert_eq!(lifecycle["memory"]["limit"], 64 << 20);
    assert!(lifecycle["memory"]["started"].as_u64().unwrap() >= 1 << 16, "{lifecycle}");
    assert!(lifecycle["compiled"]["seconds"].as_f64().unwrap() > 0.0, "{lifecycle}");
    assert!(of("lifecycle").1["compiled"]["seconds"].is_null(), "the compiled code was cached");
    let (code, beszel) = of("beszel");
    assert_eq!(code, Some(1));
    assert_eq!(
        beszel["rejected"],
        serde_json::json!([
            "it failed its trial: it returned an error: url is missing: set [plugins.beszel.config] url = \"https://beszel.lan\"",
        ])
    );
    assert_eq!(beszel["approval"], serde_json::json!(["http", "secrets"]));
    let missing: Vec<_> =
        beszel["imports"].as_array().unwrap().iter().filter(|one| one["grant"] == "not-granted").collect();
    assert_eq!(
        missing.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["secrets", "wasi:http/outgoing-handler"]
    );
    let (code, github) = of("github");
    assert_eq!(
        (code, &github["approval"], &github["rejected"]),
        (Some(1), &serde_json::json!(["chat"]), &serde_json::json!([]))
    );
    let offers: Vec<_> = github["offers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(offers, ["/github [here|off]", "/hooks/github/…"]);
    assert!(github["idle"][0].as_str().unwrap().contains("[plugins.github.webhook] token = "), "{github}");
}

#[test]
fn check_names_the_missing_grant() {
    let author = Author::new();
    author.write("my.toml", "[plugins.sessions]\ngrants = [\"sessions\"]\n");
    let mut arguments: Vec<OsString> = vec!["check".into(), component("sessions").into(), "--config".into()];
    arguments.push("my.toml".into());
    let ended = author.run(&arguments);
    assert_eq!(ended.code, Some(1));
    let shown = "approval  session-control: granted by the owner in the chat, or by [plugins.sessions] grants = [\"sessions\", \"session-control\"]\n";
    for line in [
        "imports   one is not granted\n",
        "          sessions             granted\n",
        "          session-control      NOT GRANTED\n",
        "          /new <name> [persona] [agent]  Start a session                                     member\n",
        " MB at the start of a call, 64.0 MB at most\n",
        shown,
        "verdict   a host would ask for approval of: session-control\n",
    ] {
        assert!(ended.out.contains(line), "{line}: {}", ended.out);
    }
    assert!(!ended.out.contains("rejected"), "{}", ended.out);
    let shown = "failed to pass the check: a host would ask its owner to grant session-control before it activates 'sessions'\n";
    assert!(ended.err.ends_with(shown), "{}", ended.err);
    let core = author.path("core.wasm");
    fs::write(&core, [0, b'a', b's', b'm', 1, 0, 0, 0]).unwrap();
    let ended = author.run(&["check", "core.wasm"]);
    assert!(ended.err.contains("it is a core module, not a component: build it for wasm32-wasip2"), "{}", ended.err);
}

#[test]
fn check_rejects_a_component_of_an_older_contract() {
    let author = Author::new();
    let fixture = super::root().join("host/tests/fixtures/0.1/every.wasm");
    fs::copy(fixture, author.path("every.wasm")).unwrap();
    let ended = author.run(&["check", "every.wasm"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let why = "rejected  it is built for an older Cordboard: it uses cordboard:plugin/";
    assert!(ended.out.contains(why), "{}", ended.out);
    assert!(
        ended.out.contains("@0.1.0, and this host provides cordboard:plugin@0.2.6; rebuild it with"),
        "{}",
        ended.out
    );
}

#[test]
fn check_refuses_taken_invalid_and_oversized_plugins() {
    let author = Author::new();
    let copy = |name: &str, to: &str| fs::copy(component(name), author.path(to)).map(drop).unwrap();
    copy("help", "rescue.wasm");
    let ended = author.run(&["check", "rescue.wasm"]);
    let shown = "approval  plugin-control: granted by [plugins.rescue] grants = [\"plugin-control\"]\n\
                rejected  it exports the command 'help', which plugin 'help' already exports: rename one of them\n\
                verdict   a host would reject it\n";
    assert!(ended.code == Some(1) && ended.out.ends_with(shown), "{ended:?}");
    assert!(ended.out.contains("          /help"), "its exports are listed anyway: {}", ended.out);
    copy("help", "help.wasm");
    assert!(author.printed(&["check", "help.wasm"]).ends_with("verdict   a host would accept it\n"));
    copy("lifecycle", "My_Plugin.wasm");
    let ended = author.run(&["check", "My_Plugin.wasm"]);
    let shown = "rejected  'My_Plugin' is not a plugin name: name the file with 1 to 32 of a-z, 0-9, '-' and '_'\n";
    assert!(ended.code == Some(1) && ended.out.contains(shown), "{ended:?}");
    // The file is sparse, so it takes up no disk space.
    fs::File::create(author.path("large.wasm")).unwrap().set_len((64 << 20) + 1).unwrap();
    let ended = author.run(&["check", "large.wasm"]);
    assert!(ended.err.contains("it has 67108865 bytes, more than the maximum of 67108864"), "{ended:?}");
}

#[test]
fn check_rejects_a_file_that_others_may_write_to() {
    let author = Author::new();
    fs::copy(component("help"), author.path("help.wasm")).unwrap();
    fs::set_permissions(author.path("help.wasm"), fs::Permissions::from_mode(0o666)).unwrap();
    let ended = author.run(&["check", "help.wasm"]);
    let shown = "rejected  its file cannot be used: others may write to it, and could change plugins or grants; run `chmod go-w help.wasm`\nverdict   a host would reject it\n";
    assert!(ended.code == Some(1) && ended.out.ends_with(shown), "{ended:?}");
}

#[test]
fn options_of_a_call_replace_the_configuration() {
    let author = Author::new();
    author.write("key", "hunter2");
    let mode = |mode| fs::set_permissions(author.path("key"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let ended = call(&author, "sessions", &["--grant", "sessions", "/sessions"]);
    assert!(
        ended.err.contains("it requests capabilities that it was not granted: session-control"),
        "only named capabilities are granted: {ended:?}"
    );
    let both = ["--grant", "sessions", "--grant", "session-control", "/new", "alpha"];
    assert_eq!(call(&author, "sessions", &both).out, "Session 'alpha' created.\n");

    let ended = call(&author, "beszel", &["/beszel"]);
    assert!(
        ended
            .err
            .contains("  to allow it in this call, add --http 'https://HOST/*' --secret NAME=FILE, or --config FILE\n"),
        "{ended:?}"
    );
    // The options grant the URL and the secret, and set the plugin's configuration. No server listens at the URL.
    let reach =
        ["--http", "* http://127.0.0.1:9/*", "--secret", "beszel=key", "--set", "user=ada", "--set", "warn_at=80"];
    let reach = [&reach[..], &["--set", "url=http://127.0.0.1:9", "/beszel"]].concat();
    let ended = call(&author, "beszel", &reach);
    assert!(
        ended.err.contains("* log warn: failed to read a secret: ") && ended.err.contains("chmod 600"),
        "{ended:?}"
    );
    mode(0o600);
    let ended = call(&author, "beszel", &reach);
    assert!(ended.out.contains("127.0.0.1:9") && !ended.err.contains("was not granted"), "{ended:?}");

    for (options, shown) in [
        (&["--secret", "key"][..], "cordboard: failed to parse --secret 'key': write --secret NAME=FILE\n"),
        (&["--set", "a b=1"], "cordboard: failed to parse --set 'a b=1': write --set KEY=VALUE\n"),
        (&["--http", "nas.lan"], "cordboard: failed to use the configuration: "),
        (&["--private", "nas.lan"], "cordboard: failed to parse --private 'nas.lan': write --private HOST, a host of "),
        (&["--private", "nas.lan", "--tcp", "pve.lan:22"], "cordboard: failed to parse --private 'nas.lan': write "),
    ] {
        let ended = call(&author, "timeout", &[options, &["/timeout"]].concat());
        assert!(ended.code == Some(2) && ended.err.starts_with(shown), "{ended:?}");
    }
    let ended = call(&author, "timeout", &["--config", "my.toml", "--grant", "chat", "/timeout"]);
    assert!(ended.code == Some(2) && ended.err.contains("cannot be used with"), "{ended:?}");
}

#[test]
fn changed_and_omitted_buttons_are_reported() {
    let author = Author::new();
    let ended = call(&author, "bad/any_output", &["/any_output", "button", "/plugins", "grant", "any_output", "0"]);
    assert_eq!(ended.out, "Well?\n  [Own] /any_output own\n");
    let shown = "omitted a button: \"/plugins grant any_output 0\" answers an approval request, which only the host's own buttons may do\n";
    assert!(ended.err.contains(shown), "{}", ended.err);
    let ended = call(&author, "bad/any_output", &["/any_output", "label", ""]);
    assert_eq!(ended.out, "Well?\n  [/any_output own] /any_output own\n");
    let shown = "blank button label: the label of \"/any_output own\" is blank, so it shows its command: set a label\n";
    assert!(ended.err.contains(shown), "{}", ended.err);
}
