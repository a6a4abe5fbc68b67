//! Compiles `tests/data/faults.c`, which replaces functions of the C library in a host.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the path of the compiled library.
pub fn faults() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faults.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join("faults.so");
    // Tests run in several processes, so each one compiles to a file of its own first.
    let own = folder.join(format!("faults-{}.so", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&own).arg(source).arg("-ldl");
    assert!(compiler.status().is_ok_and(|status| status.success()), "cc can't compile {}", library.display());
    std::fs::rename(own, &library).unwrap();
    library
}
