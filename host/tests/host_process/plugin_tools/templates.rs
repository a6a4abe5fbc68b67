//! Tests that, for every extension point, a new plugin builds and its generated conversation passes.

use std::{fs, sync::LazyLock};

use super::{Author, root};

/// The extension points, each with the last lines that `new` prints for it. The other lines differ only in the plugin's
/// name.
const EXTENSION_POINTS: [(&str, &str); 8] = [
    ("approval", "A host needs in its configuration:\n  [requests]\n  approval = \"of-approval\"\n"),
    ("command", "  cordboard plugin call . /of_command Ada\n"),
    (
        "hook",
        "  cordboard plugin call . /of_hook here\nA host needs in its configuration:\n  [plugins.of-hook]\n  grants = [\"chat\"]\n",
    ),
    ("lifecycle", "A host needs in its configuration:\n  [plugins]\n  lifecycle = \"of-lifecycle\"\n"),
    ("persona", "Once it is active, use it in the chat: /new demo of-persona\n"),
    (
        "schedule",
        "  cordboard plugin call . /of_schedule here\nA host needs in its configuration:\n  [plugins.of-schedule]\n  grants = [\"chat\"]\n",
    ),
    ("view", "A host needs in its configuration:\n  [plugins.of-view]\n  grants = [\"session-control\"]\n"),
    (
        "webhook",
        "  cordboard plugin call . /of_webhook here\n\
         A host needs in its configuration:\n  [plugins.of-webhook]\n  grants = [\"chat\"]\nIt also needs an address and a token: see README.md.\n",
    ),
];

/// One plugin per extension point, all in one workspace, so that the SDK is compiled only once.
static PROJECTS: LazyLock<Author> = LazyLock::new(|| {
    let author = Author::new();
    let profile = "[profile.release]\nopt-level = 1\npanic = \"abort\"\nstrip = true\n";
    let members = EXTENSION_POINTS.map(|(extension, _)| format!("\"of-{extension}\"")).join(", ");
    let workspace =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\nexclude = [\".cordboard\"]\n\n{profile}");
    author.write("Cargo.toml", &workspace);
    fs::copy(root().join("Cargo.lock"), author.path("Cargo.lock")).unwrap();
    for (extension, ending) in EXTENSION_POINTS {
        let name = format!("of-{extension}");
        let output = author.printed(&["new", &name, "--extension", extension]);
        let steps = format!("created {name}/:\n  cd {name}\n  cordboard plugin build\n  cordboard plugin test\n");
        assert_eq!(output, format!("{steps}{ending}"));
        let manifest = author.read(&format!("{name}/Cargo.toml"));
        let (manifest, _) = manifest.split_once("[profile.release]").unwrap();
        let shared = manifest.replace("\".cordboard/sdk\"", "\"../.cordboard/sdk\"");
        author.write(&format!("{name}/Cargo.toml"), &shared);
    }
    fs::rename(author.path("of-command/.cordboard"), author.path(".cordboard")).unwrap();
    author
});

#[test]
fn every_extension_point_passes_its_conversation() {
    for (extension, _) in EXTENSION_POINTS {
        let ended = PROJECTS.run(&["test", &format!("of-{extension}")]);
        assert_eq!(ended.code, Some(0), "{extension}: {}{}", ended.out, ended.err);
        let passed = format!("of-{extension}/tests/of-{extension}.chat  ok  ");
        assert!(ended.out.contains(&passed), "{extension}: {}", ended.out);
        assert!(!ended.err.contains("warning"), "{extension}: {}", ended.err);
    }
}

#[test]
fn no_placeholder_is_left_in_a_new_plugin() {
    let author = Author::new();
    for lang in ["rust", "python", "js"] {
        for (extension, _) in EXTENSION_POINTS {
            let name = format!("{lang}-{extension}");
            author.printed(&["new", &name, "--lang", lang, "--extension", extension]);
            let source = match lang {
                "rust" => "src/lib.rs",
                "python" => "plugin.py",
                _ => "plugin.js",
            };
            for file in [source, "README.md", &format!("tests/{name}.chat")] {
                let text = author.read(&format!("{name}/{file}"));
                assert!(!text.contains("{{") || file == source, "{name}/{file}: {text}");
                for word in ["{{name}}", "{{command}}", "{{about}}", "{{use}}", "{{call}}"] {
                    assert!(!text.contains(word), "{name}/{file} has {word}");
                }
            }
            let readme = author.read(&format!("{name}/README.md"));
            assert!(readme.contains("cordboard plugin test") && !readme.contains("\n\n\n"), "{readme}");
            let offers = author.read(&format!("{name}/{}", if lang == "rust" { source } else { "wit/world.wit" }));
            let offered =
                if lang == "rust" { format!("{extension})") } else { format!("export cordboard:plugin/{extension}@") };
            assert!(offers.contains(&offered) || offers.contains(&format!("{extension},")), "{name}: {offers}");
        }
    }
}
