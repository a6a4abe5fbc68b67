//! Identifies the format of a plugin file before the file is compiled. [`imports`] returns the imports of a component;
//! for another format, its error names the format and the remedy. This module doesn't validate the component; the
//! compiler does that.

use wasmparser::{BinaryReader, ComponentImportSectionReader};

use super::error::PluginError;

/// The first bytes of every WebAssembly file.
const MAGIC: &[u8] = b"\0asm";

/// Returns the import names of a component. Rejects other formats, truncated files and trailing bytes after the last
/// section; the compiler detects all other damage.
pub fn imports(wasm: &[u8]) -> Result<Vec<String>, PluginError> {
    check_header(wasm)?;
    let (mut imports, mut reader) = (Vec::new(), BinaryReader::new(wasm, 0));
    let mut whole = HEADER;
    match (read(&mut reader, &mut imports, &mut whole), &wasm[whole..]) {
        // A section has at least two bytes, so a single byte was appended, or the rest of its section is missing.
        (_, rest @ ([_] | [FIRST_UNKNOWN..=u8::MAX, ..])) => {
            Err(PluginError::Trailing { at: whole, extra: rest.len() })
        }
        (Err(error), _) if error.message() == END_OF_FILE => Err(PluginError::CutOff { bytes: wasm.len() }),
        (Ok(()) | Err(_), _) => Ok(imports),
    }
}

/// The error message that `wasmparser` returns for missing bytes.
const END_OF_FILE: &str = "unexpected end-of-file";

const HEADER: usize = 8;

/// The id of the import section.
const IMPORTS: u8 = 10;

/// The first section id beyond those that components use.
const FIRST_UNKNOWN: u8 = 12;

/// Reads the import sections and skips the content of all others, which may be megabytes long. Sets `whole` to the end
/// of the last complete section, and stops at bytes that are not a section.
fn read(reader: &mut BinaryReader<'_>, imports: &mut Vec<String>, whole: &mut usize) -> wasmparser::Result<()> {
    reader.read_bytes(HEADER)?;
    while !reader.eof() {
        let section = reader.read_u8()?;
        if section >= FIRST_UNKNOWN {
            break;
        }
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(size as usize)?;
        *whole = reader.original_position();
        if section == IMPORTS {
            let section = ComponentImportSectionReader::new(BinaryReader::new(content, 0))?;
            imports.extend(section.into_iter().map_while(Result::ok).map(|import| import.name.name.to_owned()));
        }
    }
    Ok(())
}

fn check_header(wasm: &[u8]) -> Result<(), PluginError> {
    let Some(rest) = wasm.strip_prefix(MAGIC) else {
        // A file of fewer than four bytes may be a truncated component.
        let is_truncated = !wasm.is_empty() && MAGIC.starts_with(wasm);
        return Err(if is_truncated {
            PluginError::CutOff { bytes: wasm.len() }
        } else {
            PluginError::NotWasm(describe_other_format(wasm))
        });
    };
    // The version and the layer follow, with two bytes each. The layer is 0 for a core module and 1 for a component.
    match rest.get(..4) {
        Some([0x0d, 0x00, 0x01, 0x00]) => Ok(()),
        Some([_, _, 0x00, 0x00]) => Err(PluginError::CoreModule),
        Some(_) => Err(PluginError::NotWasm(
            "it has a WebAssembly format that this version of Cordboard does not know; build it for wasm32-wasip2",
        )),
        None => Err(PluginError::CutOff { bytes: wasm.len() }),
    }
}

/// Returns the format of a file that is not WebAssembly, and the remedy.
fn describe_other_format(bytes: &[u8]) -> &'static str {
    let starts_with = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        "it is empty; copy it again"
    } else if starts_with(b"\x1f\x8b")
        || starts_with(b"PK\x03\x04")
        || starts_with(b"\xfd7zXZ")
        || starts_with(b"\x28\xb5\x2f\xfd")
    {
        "it is a compressed file or an archive; unpack it first"
    } else if starts_with(b"\x7fELF") {
        "it is a native program or library; build it for wasm32-wasip2"
    } else {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).trim_start().to_ascii_lowercase();
        if head.starts_with("<!doctype") || head.starts_with("<html") {
            "it is an HTML page, perhaps from a failed download; download the file itself"
        } else if head.starts_with("version https://git-lfs") {
            "it is a Git LFS pointer; run `git lfs pull`, and copy the file again"
        } else if head.starts_with("(component") || head.starts_with("(module") {
            "it is in the WebAssembly text format; assemble it with `wasm-tools parse`"
        } else if !head.contains(['\0', char::REPLACEMENT_CHARACTER]) {
            "it is a text file; copy the built component itself"
        } else {
            "it does not start like a component; copy the built component itself"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_other_than_components_are_identified() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b"\x1f\x8b\x08\0\0", "it is a compressed file or an archive"),
            (b"PK\x03\x04rest", "it is a compressed file or an archive"),
            (b"\x7fELF\x02\x01", "it is a native program"),
            (b"\n  <!DOCTYPE html><html>", "it is an HTML page"),
            (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
            (b"(component)", "it is in the WebAssembly text format"),
            (b"#!/bin/sh\n", "it is a text file"),
            (b"\xff\xfe\0\0", "it does not start like a component"),
            (b"\0asm\x0d\0\x02\0", "it has a WebAssembly format that this version of Cordboard does not know"),
        ] {
            let why = imports(bytes).expect_err("it is not a component").to_string();
            assert!(why.starts_with(&format!("it is not a WebAssembly component: {expected}")), "{bytes:?}: {why}");
        }
        assert_eq!(imports(b"\0asm\x01\0\0\0"), Err(PluginError::CoreModule));
    }

    #[test]
    fn a_truncated_component_is_recognized() {
        /// The number of sections: a module, a type and an import section.
        const SECTIONS: usize = 3;
        let whole =
            wat::parse_str(r#"(component (core module (func (export "f"))) (import "a:b/c@0.1.0" (instance)))"#);
        let whole = whole.expect("the text is valid");
        assert_eq!(imports(&whole).expect("it is complete"), ["a:b/c@0.1.0"]);
        let cut =
            (1..whole.len()).filter(|&length| imports(&whole[..length]) == Err(PluginError::CutOff { bytes: length }));
        // A cut between two sections can't be detected.
        let sections: Vec<_> = (HEADER..whole.len()).filter(|&length| imports(&whole[..length]).is_ok()).collect();
        // A cut after a section's first byte looks like an appended byte.
        let one_more =
            sections.iter().filter(|&&at| imports(&whole[..=at]) == Err(PluginError::Trailing { at, extra: 1 }));
        assert_eq!((sections.len(), one_more.count()), (SECTIONS, SECTIONS));
        assert_eq!(cut.count(), whole.len() - 1 - 2 * SECTIONS);
    }

    #[test]
    fn bytes_after_a_component_are_named() {
        let whole = wat::parse_str("(component)").expect("the text is valid");
        for extra in [&b"\n"[..], b"\0", b"\xff", b"hello", b"\xff\0"] {
            let why = imports(&[&whole, extra].concat()).expect_err("it is not a component").to_string();
            let count = if extra.len() == 1 { "1 byte".to_owned() } else { format!("{} bytes", extra.len()) };
            let expected = format!("its last section ends at byte 8, and the rest ({count}) is not a section");
            assert!(why.contains(&expected), "{extra:?}: {why}");
        }
    }
}
