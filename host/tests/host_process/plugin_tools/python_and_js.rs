//! Tests plugins in Python and JavaScript. Tests that use a language's real tools run only if `CORDBOARD_TEST_PYTHON`
//! or `CORDBOARD_TEST_JS` is set to the path of the tools' folder, as in CI. Otherwise, they report that they were
//! skipped, and pass. All other tests always run.

use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use super::{Author, Watch, component, root};
use crate::support::{Home, until};

/// The environment variable that contains the path of a `.venv` in which componentize-py is installed.
const PYTHON: &str = "CORDBOARD_TEST_PYTHON";

/// The environment variable that contains the path of a `node_modules` in which componentize-js is installed.
const JS: &str = "CORDBOARD_TEST_JS";

fn tools(variable: &str) -> Option<PathBuf> {
    let tools = std::env::var_os(variable).map(PathBuf::from);
    if tools.is_none() {
        eprintln!("skipped: no tools of that language (set {variable})");
    }
    tools
}

#[test]
fn ci_tests_the_versions_pinned_by_new_plugins() {
    let author = Author::new();
    author.printed(&["new", "one", "--lang", "python"]);
    author.printed(&["new", "two", "--lang", "js"]);
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    let pinned = |name: &str| ci.split_once(&format!("{name}=")).unwrap().1.split_whitespace().next().unwrap();
    let python = format!("\"componentize-py=={}\"", pinned("componentize_py"));
    assert!(author.read("one/pyproject.toml").contains(&python), "{python}");
    for (package, name) in [("componentize-js", "componentize_js"), ("jco", "jco")] {
        let line = format!("\"@bytecodealliance/{package}\": \"{}\"", pinned(name));
        assert!(author.read("two/package.json").contains(&line), "{line}");
    }
}

/// Each fake tool's name and script. The scripts create the same files as the real tools.
const TOOLS: [(&str, &str); 3] = [
    (
        "npm",
        "mkdir -p node_modules/@bytecodealliance/componentize-js\necho '{}' > node_modules/.package-lock.json\necho '{}' > package-lock.json",
    ),
    ("node", "cp ../component \"$2\""),
    (
        "python3",
        "mkdir -p .venv/bin .venv/lib/python3.12/site-packages\n\
         printf '#!/bin/sh\\ncp \"$0\" .venv/bin/componentize-py; touch .venv/lib/python3.12/site-packages/x.dist-info\\n\
         for last; do :; done; case \"$last\" in *.wasm) cp ../component \"$last\";; esac\\n' > .venv/bin/python\nchmod +x .venv/bin/python",
    ),
];

/// Installs fake tools whose output is always a copy of the component `timeout`. Returns a `PATH` that begins with the
/// tools' folder.
fn fake_tools(author: &Author) -> String {
    for (name, script) in TOOLS {
        author.write(&format!("tools/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(author.path(&format!("tools/{name}")), executable).unwrap();
    }
    std::fs::copy(component("timeout"), author.path("component")).unwrap();
    format!("{}:{}", author.path("tools").display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_watch_with_tests_installs_only_passing_builds() {
    let author = Author::new();
    let path = fake_tools(&author);
    author.printed(&["new", "proven", "--lang", "js"]);
    author.write("proven/tests/proven.chat", "> /timeout\n< no\n");
    author.write("plugins/.keep", "");
    let log = std::fs::File::create(author.path("log")).unwrap();
    let mut watch = author.command();
    watch.args(["watch", "proven", "--test", "--plugins", "plugins"]).env("PATH", path);
    let watch = Watch::start(watch.stdout(log.try_clone().unwrap()).stderr(log));
    until("the failure is reported", || {
        author.read("log").contains("failed to pass the conversations; the plugin is not installed")
    });
    assert!(author.read("log").contains("proven.chat:1: > /timeout\n"), "the conversation is reported");
    assert!(!author.path("plugins/proven.wasm").exists());
    author.write("proven/tests/proven.chat", "> /timeout\n< No active session. Use /new to start one.\n");
    until("the plugin is active", || author.path("plugins/proven.wasm").exists());
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn a_first_build_installs_its_tools_and_is_not_repeated() {
    let author = Author::new();
    let path = fake_tools(&author);
    for (lang, installs) in [("python", "installing componentize-py"), ("js", "npm install: ")] {
        author.printed(&["new", lang, "--lang", lang]);
        let build = || {
            let output = author.command().args(["build", lang]).env("PATH", &path).output().unwrap();
            let shown = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{shown}");
            shown
        };
        let first = build();
        assert!(first.contains(installs) && first.contains("building '"), "{first}");
        let second = build();
        assert!(second.contains("is up to date") && !second.contains("building '"), "{second}");
        std::fs::write(author.path(&format!("{lang}/new.{lang}")), "saved").unwrap();
        assert!(build().contains("building '"), "a source has changed");
    }
}

#[test]
fn a_failed_build_stops_call_check_and_test() {
    let author = Author::new();
    let path = fake_tools(&author);
    author.printed(&["new", "broken", "--lang", "js"]);
    let run = |arguments: &[&str]| {
        let output = author.command().args(arguments).env("PATH", &path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, out, err) = run(&["call", "broken", "/timeout"]);
    assert_eq!(out, "No active session. Use /new to start one.\n", "{err}");
    author.write("broken/plugin.js", "no JavaScript");
    author.write("tools/node", "#!/bin/sh\nexit 3\n");
    for arguments in [&["call", "broken", "/timeout"][..], &["check", "broken"], &["test", "broken"]] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(
            err.ends_with("failed to build the plugin: node ended with exit status: 3; see its output above\n"),
            "{err}"
        );
    }
}

/// Replaces text in one of the `other` plugin's files, as the plugin's author would.
fn change(author: &Author, file: &str, (from, to): (&str, &str)) {
    let file = format!("other/{file}");
    let text = author.read(&file);
    assert!(text.contains(from), "{file}: {text}");
    author.write(&file, &text.replacen(from, to, 1));
}

/// Builds the plugin `other` with `tools`, and runs its conversation.
fn check_conversation(author: &Author, (tools, place): (PathBuf, &str)) {
    symlink(tools, author.path(&format!("other/{place}"))).unwrap();
    let tested = author.run(&["test", "other"]);
    assert!(tested.code == Some(0) && tested.out.contains("other/tests/other.chat  ok  "), "{tested:?}");
}

#[test]
fn python_serves_and_sends_http_requests() {
    let Some(venv) = tools(PYTHON) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "python", "--extension", "webhook"]);
    change(&author, "wit/world.wit", ("    export", "    import wasi:http/outgoing-handler@0.2.12;\n    export"));
    change(&author, "plugin.py", ("from componentize_py_types", "import cordboard_http\nfrom componentize_py_types"));
    let ask = "        if args and \"://\" in args[0]:
            try:
                answer = cordboard_http.fetch(args[0], \"POST\", {\"x-from\": \"here\"}, b\"hello\")
                return Reply(f\"{answer.status} {answer.json()[0]}\", [], [], False)
            except cordboard_http.HttpError as why:
                raise Err(str(why))
        if args == [\"here\"]:";
    change(&author, "plugin.py", ("        if args == [\"here\"]:", ask));
    let chat = author.read("other/tests/other.chat");
    let asked = "@http POST https://hub.example/api?a=b 201 [\"all is well\"]\n> /other https://hub.example/api?a=b\n< 201 all is well
> /other https://hub.example/no\n< unreachable: the conversation has no @http POST https://hub.example/no
> /other https://other.example/\n< refused: POST https://other.example/ was not granted; add to [plugins.other] in the configuration: http = [{*}\n";
    author
        .write("other/tests/other.chat", &format!("@plugin http = [\"POST https://hub.example/*\"]\n{chat}\n{asked}"));
    check_conversation(&author, (venv, ".venv"));
}

#[test]
fn javascript_renders_turns_and_sends_http_requests() {
    let Some(modules) = tools(JS) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "js", "--extension", "view"]);
    let private = "\"private\": true,";
    change(&author, "package.json", (private, &format!("{private}\n  \"cordboard\": {{ \"http\": true }},")));
    let ask = "async run(command, args, text) {\n    if (text) return message(await fetch(text).then((answer) => answer.text(), String));";
    change(&author, "plugin.js", ("run(command, args, text) {", ask));
    let asked = "@http GET https://hub.example/api 200 all is well\n> /other https://hub.example/api\n< all is well
* http GET https://hub.example/api: 200\n> /other https://other.example/\n< TypeError: NetworkError{*}\n* log warn: {*}http = [{*}\n";
    let chat = author.read("other/tests/other.chat");
    author.write("other/tests/other.chat", &format!("@plugin http = [\"https://hub.example/*\"]\n{chat}\n{asked}"));
    check_conversation(&author, (modules, "node_modules"));
}

#[test]
fn python_decides_about_permissions() {
    let Some(venv) = tools(PYTHON) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "python", "--extension", "approval"]);
    check_conversation(&author, (venv, ".venv"));
}

#[test]
fn javascript_decides_about_permissions() {
    let Some(modules) = tools(JS) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "js", "--extension", "approval"]);
    check_conversation(&author, (modules, "node_modules"));
}

/// Builds, tests, checks and calls the plugin, and then runs it in a host.
fn check_plugin(author: &Author) {
    let chat = author.read("greeter/tests/greeter.chat");
    let timed = "@clock 2026-01-02 10:00\n> /greeter Zoe\n< Hello, Zoe{*}\n<   [Again] /greeter Zoe\n* state set greeted/Zoe = 1\n* log info: greeting Zoe at 1767348000\n";
    author.write("greeter/tests/greeter.chat", &format!("{chat}\n{timed}"));
    let tested = author.run(&["test", "greeter"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    assert!(tested.out.ends_with("greeter/tests/greeter.chat  ok  4 exchanges\n"), "{}", tested.out);
    // Building unchanged sources again keeps the existing file.
    let again = author.run(&["build", "greeter"]);
    assert!(tested.out.starts_with(&again.out) && again.err.contains("is up to date"), "{again:?}");
    let called = author.run(&["call", "greeter", "/greeter", "Zoe"]);
    assert!(called.err.contains("* log info: greeting Zoe at "), "{called:?}");
    let checked = author.printed(&["check", "greeter"]);
    assert!(
        checked.contains("offers    command\n") && checked.contains("verdict   a host would accept it"),
        "{checked}"
    );

    let home = Home::new();
    // Reuse the artifact that `plugin test` compiled, because compiling takes seconds.
    author.copy_compiled(&home.path("state/cache"));
    home.plug_bytes("greeter", &std::fs::read(author.path("greeter/dist/greeter.wasm")).unwrap());
    let mut host = home.start();
    host.ask("/greeter", "Hello, local! I have greeted you 1 time.\n  [Again] /greeter local");
}

/// Checks that a failing call's error contains `shown` and `place`, but nothing that the plugin printed earlier.
#[track_caller]
fn check_error(author: &Author, (name, shown, place): (&str, &str, &str)) {
    let ended = author.run(&["call", "greeter", "/greeter", name]);
    let line = format!("/greeter failed: plugin 'greeter' {shown}");
    assert!(ended.code == Some(1) && ended.out.starts_with(&line) && ended.out.contains(place), "{ended:?}");
    assert!(!ended.out.contains("noise") && ended.err.contains("* log warn: noise"), "{ended:?}");
}

#[test]
fn python_runs_within_the_default_limits() {
    let Some(venv) = tools(PYTHON) else { return };
    let author = Author::new();
    author.printed(&["new", "greeter", "--lang", "python"]);
    symlink(venv, author.path("greeter/.venv")).unwrap();
    let print = "        if name == \"Zoe\":\n            print(\"greeting\", name, \"at\", int(time.time()))\n\
         \x20       if name in [\"fall\", \"leave\"]:\n            print(\"noise\", file=sys.stderr)\n\
         \x20       if name == \"fall\":\n            raise ValueError(\"bad *thing*\")\n\
         \x20       if name == \"leave\":\n            sys.exit(3)\n        key = ";
    let source = author.read("greeter/plugin.py").replace("        key = ", print);
    author.write(
        "greeter/plugin.py",
        &source.replace("from componentize_py_types", "import sys\nimport time\n\nfrom componentize_py_types"),
    );
    check_plugin(&author);
    check_error(&author, ("fall", "trapped: ValueError: bad *thing* (", "plugin.py\", line "));
    check_error(&author, ("leave", "exited with an error code before it returned a result", ""));
}

#[test]
fn javascript_runs_within_the_default_limits() {
    let Some(modules) = tools(JS) else { return };
    let author = Author::new();
    author.printed(&["new", "greeter", "--lang", "js"]);
    symlink(modules, author.path("greeter/node_modules")).unwrap();
    let print = "    if (name === \"Zoe\") console.log(\"greeting\", name, \"at\", Date.now() / 1000);\n    \
         if (name === \"fall\" || name === \"unknown\") console.error(\"noise\");\n    \
         if (name === \"fall\") throw new Error(\"bad *thing*\");\n    \
         if (name === \"unknown\") undefinedFunction();\n    const key = ";
    author.write("greeter/plugin.js", &author.read("greeter/plugin.js").replace("    const key = ", print));
    check_plugin(&author);
    check_error(&author, ("fall", "trapped: Error: bad *thing* (", "plugin.js:"));
    check_error(&author, ("unknown", "trapped: ReferenceError: undefinedFunction is not defined (", "plugin.js:"));
}

/// Returns the error output of a failing build. Sets `RUST_BACKTRACE`, which must not add a backtrace to the output.
fn build_error(author: &Author, (tools, place): (PathBuf, &str)) -> String {
    symlink(tools, author.path(&format!("other/{place}"))).unwrap();
    let output = author.command().args(["build", "other"]).env("RUST_BACKTRACE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn python_build_errors_have_no_backtrace() {
    let Some(venv) = tools(PYTHON) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "python"]);
    change(&author, "plugin.py", ("def run(", "def walk("));
    let error = build_error(&author, (venv, ".venv"));
    assert!(error.contains("abstract method 'run'") && !error.contains("Stack backtrace"), "{error}");
}

#[test]
fn javascript_build_errors_name_the_missing_import() {
    let Some(modules) = tools(JS) else { return };
    let author = Author::new();
    author.printed(&["new", "other", "--lang", "js"]);
    change(&author, "plugin.js", ("cordboard:plugin/state@", "cordboard:plugin/sessions@"));
    let error = build_error(&author, (modules, "node_modules"));
    assert!(error.contains("Add `import cordboard:plugin/sessions@0.2.6;` to wit/world.wit.\n"), "{error}");
    assert!(!error.contains("at componentize ("), "{error}");
}
