//! Tests plugins in Rust, from `new` to a running host, and builds that share cargo's target folder.

use std::{fs, process::Stdio};

use super::{Author, Watch, root};
use crate::support::{Home, until};

/// Creates a plugin with the same crate versions as this project. Each test uses a different name, because the tests
/// share cargo's target folder.
fn plugin(author: &Author, name: &str) {
    let output = author.printed(&["new", name]);
    assert!(output.starts_with(&format!("created {name}/:\n  cd {name}\n  cordboard plugin build\n")), "{output}");
    fs::copy(root().join("Cargo.lock"), author.path(name).join("Cargo.lock")).unwrap();
}

#[test]
fn a_new_plugin_builds_passes_its_test_and_answers() {
    let author = Author::new();
    plugin(&author, "hello");
    let built = author.run(&["build", "hello"]);
    assert_eq!(built.code, Some(0), "{}", built.err);
    assert!(built.out.starts_with("hello/dist/hello.wasm  ") && built.out.contains(" KB  sha256 "), "{}", built.out);
    assert!(built.err.contains("building 'hello' for wasm32-wasip2"), "{}", built.err);

    assert!(author.printed(&["test", "hello"]).ends_with("hello/tests/hello.chat  ok  3 exchanges\n"));

    let called = author.run(&["call", "hello", "/hello", "*Ada*"]);
    assert_eq!(called.code, Some(0));
    assert_eq!(called.out, "Hello, *Ada*! I have greeted you 1 time.\n  [Again] /hello *Ada*\n");
    assert_eq!(called.err, "* state set greeted/*Ada* = 1\n");

    let checked = author.printed(&["check", "hello"]);
    for line in [
        "offers    command\n",
        "          /hello [name]  Greet a person  member\n",
        "verdict   a host would accept it\n",
    ] {
        assert!(checked.contains(line), "{checked}");
    }
}

#[test]
fn watch_builds_each_save_and_survives_errors() {
    let (author, home) = (Author::new(), Home::new());
    plugin(&author, "watched");
    // Build the plugin before starting the watch: the first build is slow and waits for other tests that use cargo's
    // target folder.
    author.printed(&["build", "watched"]);
    let mut host = home.start();
    let log = fs::File::create(author.path("log")).unwrap();
    let mut watch = author.command();
    watch.args(["watch", "watched", "--plugins"]).arg(home.path("plugins")).stdout(Stdio::null()).stderr(log);
    let watch = Watch::start(&mut watch);
    host.expect("Plugin 'watched' is active: generation 1");
    // The watch reports only that it copied the plugin; the host reports that the plugin is active.
    until("the copy is reported", || {
        author.read("log").contains("copied to ") && !author.read("log").contains("is active")
    });
    host.say("/watched");
    host.expect("Hello, local! I have greeted you 1 time.");

    let source = author.read("watched/src/lib.rs");
    author.write("watched/src/lib.rs", "no Rust");
    until("the error is reported", || author.read("log").contains("failed to build the plugin: cargo ended with"));
    author.write("watched/src/lib.rs", &source.replace("Hello, {}!", "Good day, {}!"));
    host.expect("Plugin 'watched' is active: generation 2");
    host.say("/watched");
    host.expect("Good day, local! I have greeted you 2 times.");
    assert_eq!(watch.interrupt(), Some(0));
}

/// Cargo names the component of each of these crates `al_ike.wasm`. Two of the crates even have the same name, in
/// different folders.
#[test]
fn similar_crate_names_do_not_mix_up_their_components() {
    let author = Author::new();
    for (folder, name, number) in [("one", "al-ike", 1), ("two", "al_ike", 2), ("three", "al-ike", 3)] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        author.write(
            &format!("{folder}/Cargo.toml"),
            &format!("{manifest}[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n"),
        );
        let source = format!("#[unsafe(no_mangle)]\npub extern \"C\" fn said_{number}() -> u32 {{ {number} }}\n");
        author.write(&format!("{folder}/src/lib.rs"), &source);
    }
    let built = |folder: &str, name: &str| {
        let built = author.run(&["build", folder]);
        assert_eq!(built.code, Some(0), "{}", built.err);
        let component = fs::read(author.path(&format!("{folder}/dist/{name}.wasm"))).unwrap();
        let is_built_in = |number: &u32| component.windows(6).any(|bytes| bytes == format!("said_{number}").as_bytes());
        ((1..4).filter(is_built_in).collect::<Vec<_>>(), built.err.contains("compiling again"))
    };
    assert_eq!(built("one", "al-ike"), (vec![1], false));
    assert_eq!(built("one", "al-ike"), (vec![1], false), "the component is recognized as its own");
    assert_eq!(built("two", "al_ike"), (vec![2], false));
    assert_eq!(built("three", "al-ike").0, [3]);
    assert_eq!(built("one", "al-ike").0, [1]);
    assert_eq!(built("two", "al_ike"), (vec![2], true), "cargo reports it as fresh, but it belongs to another crate");
    assert_eq!(built("two", "al_ike"), (vec![2], false));
}

#[test]
fn an_sdk_of_another_version_is_replaced() {
    let author = Author::new();
    plugin(&author, "renewed");
    author.write("renewed/.cordboard/sdk/src/reply.rs", "//! Of another version.");
    let built = author.run(&["build", "renewed"]);
    assert_eq!(built.code, Some(0), "{}", built.err);
    assert!(built.err.contains("updated the SDK and the contract to cordboard 0.1.0"), "{}", built.err);
    assert!(author.read("renewed/.cordboard/sdk/src/reply.rs").contains("impl Reply"));
}
