#!/bin/sh
# Assembles a compiler for the plugins' target: Debian's rustc and std source, the wasi-libc of Debian's release trixie,
# and the linkers of the installed toolchain. Installs nothing on the system: apt and dpkg write only to the two folders
# that are passed as arguments. Arguments: the folder to fill, a working folder, the target, and cargo.
set -eu
home=$1 work=$2 target=$3 cargo=$4
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

step() { echo "--> private toolchain $1" >&2; }
fail() { echo "error: $1" >&2; exit 1; }

# Runs apt-get with its lists and archives in a folder. Doesn't take the system's locks, and doesn't use apt's sandbox
# user, who couldn't write to the folder.
apt() {
    folder=$1; shift
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    (cd "$folder/cache/archives" && apt-get -qq -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" "$@" </dev/null >"$folder/log" 2>&1) ||
        { tail -n 20 "$folder/log" >&2; fail "apt-get ${*} failed"; }
}

unpack() {
    for package in "$1"/cache/archives/*.deb; do dpkg -x "$package" "$2" && rm "$package"; done
}

# Only rustup toolchains include these linkers, even without the target installed.
host=$(rustc -vV | sed -n 's/^host: //p')
linkers=lib/rustlib/$host/bin
sysroot=$(rustc --print sysroot)
[ -f "$sysroot/$linkers/wasm-component-ld" ] && [ -f "$sysroot/$linkers/gcc-ld/wasm-ld" ] ||
    fail "the installed Rust has no wasm linker in $sysroot/$linkers: only rustup's toolchains have one"

step "1/4: fetching Debian's compiler, without installing it (150 MB, about a minute)"
apt "$work/compiler" update
apt "$work/compiler" install --yes --download-only --reinstall --no-install-recommends rustc-web rust-web-src
unpack "$work/compiler" "$home"
driver=$(find "$home/usr/lib" -maxdepth 2 -name 'librustc_driver-*' | head -n 1)
[ -n "$driver" ] || fail "Debian's packages contain no compiler"
driver=$(dirname "$driver")
mkdir -p "$home/bin"
# This wrapper sets the library path for Debian's compiler only, not for cargo or other compilers.
cat >"$home/bin/rustc" <<END
#!/bin/sh
home=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
LD_LIBRARY_PATH="\$home/${driver#"$home/"}\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "\$home/usr/bin/rustc" "\$@"
END
chmod +x "$home/bin/rustc"
"$home/bin/rustc" --version >/dev/null || fail "the unpacked compiler doesn't run"

step "2/4: fetching wasi's libc (a few seconds)"
# Use the archive that the system uses, but its trixie release, because trixie's wasi-libc supports the target.
archive=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb *\(\[.*\] *\)\{0,1\}\([a-z]*:[^ ]*\).*/\2/p' | head -n 1)
key=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -n -e 's/^Signed-By: *\([^ ]*\).*/\1/p' -e 's/^deb .*signed-by=\([^] ]*\).*/\1/p' | head -n 1)
[ -n "$archive" ] || fail "/etc/apt has no Debian archive"
mkdir -p "$work/sources"
printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\n' "$archive" >"$work/sources/trixie.sources"
[ -z "$key" ] || echo "Signed-By: $key" >>"$work/sources/trixie.sources"
trixie="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$work/sources"
# shellcheck disable=SC2086 # the options are words
{ apt "$work/libc" $trixie update; apt "$work/libc" $trixie download wasi-libc; }
unpack "$work/libc" "$work/libc/unpacked"
libraries=$home/usr/lib/rustlib/$target/lib
mkdir -p "$libraries/self-contained"
cp "$work/libc/unpacked/usr/lib/$target"/*.[ao] "$libraries/self-contained/"

step "3/4: compiling the standard library (about a minute)"
# Copy the linkers, so that the private toolchain survives an update of the installed one.
mkdir -p "$home/usr/$linkers"
cp -r "$sysroot/$linkers/." "$home/usr/$linkers/"
mkdir -p "$work/proof/src"
cat >"$work/proof/Cargo.toml" <<'END'
[package]
name = "proof"
version = "0.0.0"
edition = "2024"
[lib]
crate-type = ["cdylib"]
[profile.release]
opt-level = "s"
panic = "abort"
[workspace]
END
# This component needs std, an allocator and the linkers, so a compiler that builds it can build plugins.
cat >"$work/proof/src/lib.rs" <<'END'
#[unsafe(no_mangle)]
pub extern "C" fn proof(count: u32) -> usize {
    println!("{count}");
    (0..count).map(|number| number.to_string()).collect::<String>().len()
}
END
unset RUSTFLAGS RUSTC_WRAPPER
build() {
    (cd "$work/proof" && RUSTC=$home/bin/rustc "$cargo" build --quiet --release --target "$target" --target-dir target "$@")
}
# Plugins are built with LTO, which needs std's bitcode. RUSTC_BOOTSTRAP allows stable cargo to build std.
RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=-Cembed-bitcode=yes build -Zbuild-std=std,panic_abort ||
    fail "the standard library can't be compiled"
cp "$work/proof/target/$target/release/deps"/*.rlib "$libraries/"
# Remove 200 MB of files that are no longer needed.
rm -rf "$home/usr/src" "$home/usr/lib/rustlib/src" "$home/usr/share" "$work/proof/target"

step "4/4: building a test component (a second)"
unset CARGO_ENCODED_RUSTFLAGS
CARGO_PROFILE_RELEASE_LTO=true build || fail "the test component can't be built"
# A component and a core module have the same magic number; the seventh byte distinguishes them.
[ "$(od -An -tx1 -j6 -N1 "$work/proof/target/$target/release/proof.wasm" | tr -d ' ')" = 01 ] ||
    fail "the linker made a core module, not a component"
