//! Sets the linker's options for the binary.

use std::{env, process::Command};

/// The first version of glibc whose loader reads packed relocations.
const GLIBC: (u32, u32) = (2, 36);

/// Packs the relocations of the position-independent binary. Unpacked, they take one megabyte, which the loader reads
/// at each start and which stays in memory; packed, they take a twentieth of that. A linker that doesn't know the
/// option prints a warning and ignores it.
pub fn pack_relocations() {
    let native = env::var("HOST") == env::var("TARGET");
    if native && glibc().is_some_and(|version| version >= GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Returns the build machine's version of glibc, or `None` if it is unknown. A native binary is assumed to run with
/// this version or a later one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
