//! Sets the binary's linker options.

use std::{env, process::Command};

/// The first version of glibc whose loader reads packed relocations.
const GLIBC: (u32, u32) = (2, 36);

/// Packs the position-independent binary's relocations. Unpacked, they take one megabyte, which the loader reads at
/// each start and keeps in memory; packed, they take a twentieth of that. Linkers that don't know the option print a
/// warning and ignore it.
pub fn pack_relocations() {
    let native = env::var("HOST") == env::var("TARGET");
    if native && glibc().is_some_and(|version| version >= GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Returns the build machine's glibc version, or `None` if unknown. A native binary is assumed to run with this version
/// or a later one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
