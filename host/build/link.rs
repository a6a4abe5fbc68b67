//! How the binary is linked.

use std::{env, process::Command};

/// The first glibc whose loader reads packed relocations.
const GLIBC: (u32, u32) = (2, 36);

/// A binary that can lie anywhere carries a megabyte of relocations, which the loader reads at each start and which then stay resident.
/// Packed they are a twentieth of that. A linker too old for it says so and goes on.
pub fn pack_relocations() {
    let native = env::var("HOST") == env::var("TARGET");
    if native && glibc().is_some_and(|version| version >= GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Of the machine that builds, and that runs what it built.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
