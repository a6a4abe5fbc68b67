//! Reads a plugin file before it is compiled: the imports are those that a complete parser finds, and an error is one
//! line that names the remedy.

use cordboard_core::render::is_one_line;
use cordboard_runtime::{PluginError, check_imports, component_imports};
use wasmparser::{Encoding, Parser, Payload};

/// The maximum length of an error, in characters: untrusted text in it is shortened.
const LONGEST_ERROR: usize = 800;

pub fn check(data: &[u8]) {
    let imports = component_imports(data);
    if let Some(expected) = parsed_imports(data) {
        assert_eq!(imports.as_deref(), Ok(&expected[..]));
    }
    match imports {
        Ok(imports) => check_imports(imports.iter().map(String::as_str)).err().iter().for_each(assert_readable),
        Err(error) => assert_readable(&error),
    }
}

/// Returns the imports of a component that `wasmparser` can read completely. Otherwise, returns `None`.
fn parsed_imports(data: &[u8]) -> Option<Vec<String>> {
    // The number of components and modules that are not complete yet, which are nested in each other.
    let (mut depth, mut imports) = (1, Vec::new());
    for payload in Parser::new(0).parse_all(data) {
        let payload = payload.ok()?;
        let is_module = depth == 1 && matches!(payload, Payload::Version { encoding: Encoding::Module, .. });
        // The compiler would skip an unknown section, but components don't have any.
        if is_module || matches!(payload, Payload::UnknownSection { .. }) {
            return None;
        }
        if let Payload::ModuleSection { unchecked_range: range, .. }
        | Payload::ComponentSection { unchecked_range: range, .. } = &payload
        {
            // The parser doesn't report that such a section is truncated.
            if range.end > data.len() {
                return None;
            }
            depth += 1;
        } else if matches!(payload, Payload::End(_)) {
            depth -= 1;
        } else if let Payload::ComponentImportSection(section) = payload
            && depth == 1
        {
            for import in section {
                imports.push(import.ok()?.name.name.to_owned());
            }
        }
    }
    (depth == 0).then_some(imports)
}

fn assert_readable(error: &PluginError) {
    let text = error.to_string();
    assert!(is_one_line(&text) && text.chars().count() <= LONGEST_ERROR, "{text:?}");
    assert!(text.contains([':', ';']), "{text:?} names no remedy");
}
