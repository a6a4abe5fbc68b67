//! Measures calls and activations of Python and JavaScript plugins, whose components include the language runtime. As
//! in the tests, a language is measured only if its environment variable, `CORDBOARD_TEST_PYTHON` or
//! `CORDBOARD_TEST_JS`, is set to the path of its tools' folder.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    command,
    components::{bad, empty_registry},
    floor::Floor,
    runtime,
    sample_sessions::NOW,
    table::{Row, Spans},
    test_host::TestHost,
};

/// The number of calls. Lower than for Rust, because a call takes up to a millisecond.
const CALLS: usize = 400;

/// The number of consecutive calls on the floor, and then on the host, as in [`command`].
const BATCH: usize = 20;

const SWAPS: usize = 10;

/// The target for activating a cached version.
const SWAPPED: Duration = Duration::from_millis(30);

struct Language {
    /// The language's name in `cordboard plugin new --lang`.
    name: &'static str,
    /// The environment variable that contains the tools' path, and the name of the tools' folder in a plugin project.
    tools: (&'static str, &'static str),
    source: (&'static str, &'static str),
    floor: &'static str,
    call: &'static str,
    swap: &'static str,
}

const LANGUAGES: [Language; 2] = [
    Language {
        name: "python",
        tools: ("CORDBOARD_TEST_PYTHON", ".venv"),
        source: ("plugin.py", PYTHON),
        floor: "a Python component, bare wasmtime: fresh instance and call",
        call: "a Python command: routed, fresh instance, reply rendered",
        swap: "a Python component activated from the cache",
    },
    Language {
        name: "js",
        tools: ("CORDBOARD_TEST_JS", "node_modules"),
        source: ("plugin.js", JAVASCRIPT),
        floor: "a JavaScript component, bare wasmtime: fresh instance and call",
        call: "a JavaScript command: routed, fresh instance, reply rendered",
        swap: "a JavaScript component activated from the cache",
    },
];

const WORLD: &str = "package local:plugin;

world plugin {
    import cordboard:plugin/types@0.2.6;
    export cordboard:plugin/command@0.2.6;
}
";

const PYTHON: &str = r#"from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.imports.types import Reply


class Command(exports.Command):
    def specs(self):
        return [Spec("echo", "Echoes", "/echo TEXT", "member", Order.IN_ORDER)]

    def run(self, command, args, text):
        return Reply(text, [], [], False)
"#;

const JAVASCRIPT: &str = r#"export const command = {
  specs() {
    return [{ name: "echo", summary: "Echoes", usage: "/echo TEXT", minRole: "member", order: "in-order" }];
  },

  run(command, args, text) {
    return { text, buttons: [], attachments: [], inPlace: false };
  },
};
"#;

pub fn measure() -> Vec<Row> {
    let runtime = runtime();
    LANGUAGES
        .iter()
        .filter_map(|language| Some((language, built(language)?)))
        .flat_map(|(language, wasm)| {
            let mut rows = runtime.block_on(calls(language, &wasm));
            rows.push(runtime.block_on(swaps(language, &wasm)));
            rows
        })
        .collect()
}

/// Builds a plugin in this language that provides `/echo`. Returns `None` if the language's environment variable isn't
/// set.
fn built(language: &Language) -> Option<Vec<u8>> {
    let (variable, link) = language.tools;
    let Some(tools) = std::env::var_os(variable).map(PathBuf::from) else {
        eprintln!("not measured: {} plugins (set {variable})", language.name);
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    author(folder.path(), &["new", "echo", "--lang", language.name]);
    let project = folder.path().join("echo");
    symlink(tools, project.join(link)).unwrap();
    let (file, source) = language.source;
    fs::write(project.join(file), source).unwrap();
    fs::write(project.join("wit/world.wit"), WORLD).unwrap();
    author(folder.path(), &["build", "echo"]);
    Some(fs::read(project.join("dist/echo.wasm")).unwrap())
}

fn author(folder: &Path, args: &[&str]) {
    let mut cordboard = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    let output = cordboard.arg("plugin").args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn calls(language: &Language, wasm: &[u8]) -> Vec<Row> {
    let bench = TestHost::new();
    bench.plug("echo", wasm).await.unwrap();
    let floor = Floor::new(wasm);
    let text = "x".repeat(200);
    let (bare, whole) = command::measure_both(&bench, &floor, (&text, (CALLS, BATCH))).await;
    vec![Row::floor(language.floor, &bare), Row::against(language.call, &whole, &bare)]
}

/// Measures the activation of a cached component. Activates a small version before each measurement, so that each
/// measured activation replaces another version.
async fn swaps(language: &Language, wasm: &[u8]) -> Row {
    let bench = TestHost::new();
    let registry = empty_registry();
    let settings = bench.settings("echo");
    let mut spans = Vec::new();
    for _ in 0..SWAPS {
        registry.activate_wasm("echo", &bad("echo"), &settings, NOW).await.unwrap();
        let started = Instant::now();
        registry.activate_wasm("echo", wasm, &settings, NOW).await.unwrap();
        spans.push(started.elapsed());
    }
    Row::at_most(language.swap, &Spans::new(spans), SWAPPED)
}
