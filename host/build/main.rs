//! Embeds the standard plugins from `target/plugins/` and the files of a new plugin project, and sets linker options.
//! Doesn't build the plugins: `cargo xtask build` does that first. A host without standard plugins logs an error when
//! it starts.

mod link;
mod project_template;

use std::{env, fmt::Write as _, fs, io, path::Path};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    project_template::embed()?;
    link::pack_relocations();
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets this variable")).join("../target/plugins");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut components: Vec<_> = match fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    components.retain(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    components.sort();
    if components.is_empty() {
        println!("cargo::warning=no standard plugins in target/plugins: run cargo xtask build");
    }
    let mut statics = String::new();
    let mut list = String::new();
    for path in components {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.canonicalize()?;
        let name = path.file_stem().expect("a file with an extension has a stem").to_string_lossy();
        let wasm = fs::read(&path)?;
        let digest = Sha256::digest(&wasm).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string never fails");
            hex
        });
        let item = format!("WASM_{}", name.to_uppercase().replace('-', "_"));
        // Put the plugins in their own section, so that startup doesn't load their pages along with other data.
        writeln!(
            statics,
            "#[expect(unsafe_code, reason = \"the linker has no other content for this section\")]
#[unsafe(link_section = \".plugins\")]
static {item}: [u8; {}] = *include_bytes!({path:?});",
            wasm.len()
        )
        .expect("writing to a string never fails");
        writeln!(list, "    StandardPlugin {{ name: {name:?}, digest: {digest:?}, wasm: &{item} }},")
            .expect("writing to a string never fails");
    }
    let code = format!("{statics}static EMBEDDED: &[StandardPlugin] = &[\n{list}];\n");
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets this variable")).join("standard.rs"), code)
}
