//! Runs the check of each fuzz target over its corpus, so that a fault which fuzzing has found can't return. The corpus
//! contains one input for each part of the code that fuzzing has reached.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[path = "../../fuzz/src/decoders/mod.rs"]
mod decoders;
#[path = "../../fuzz/src/host/mod.rs"]
mod host;

/// Returns the name and the check of each target.
fn targets() -> impl Iterator<Item = (&'static str, fn(&[u8]))> {
    decoders::TARGETS.into_iter().chain(host::TARGETS)
}

/// The maximum size of all inputs, in bytes: checking them must take only a few seconds.
const MAX_CORPUS_SIZE: usize = 1_500_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Returns the files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Prints the name of the input when its check panics.
struct Running(PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is {}", self.0.display());
        }
    }
}

#[test]
fn every_input_of_the_corpus_passes_its_check() {
    for (target, check) in targets() {
        let inputs = files(&folder().join("corpus").join(target));
        assert!(inputs.len() > 5, "the corpus of {target} has only {} inputs", inputs.len());
        for input in inputs {
            let data = fs::read(&input).unwrap();
            let _running = Running(input);
            check(&data);
        }
    }
}

#[test]
fn each_target_has_a_program_and_a_corpus() {
    let names = |folder: &Path| -> BTreeSet<String> {
        files(folder).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = targets().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), targets);
    assert_eq!(names(&folder().join("corpus")), targets);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for target in &targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target} is not in Cargo.toml");
    }
}

#[test]
fn the_corpus_is_small() {
    let folders = files(&folder().join("corpus"));
    let inputs = folders.iter().flat_map(|folder| files(folder));
    let size: usize = inputs.map(|input| fs::read(input).unwrap().len()).sum();
    assert!(size <= MAX_CORPUS_SIZE, "the corpus has {size} bytes: minimize it with libFuzzer's -merge=1");
}
