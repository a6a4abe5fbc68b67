//! Disables file references in a user's text.

/// Separates the `@` from the path in each file reference that may lead out of the session's folder, as in `@
/// /etc/passwd`. If the text contains `@/path`, some agents, such as claude's adapter, load that file into the context
/// without asking for permission. The protocol offers no way to turn this off. Files inside the folder need no
/// permission.
pub fn disable(text: &str) -> String {
    let mut pieces = text.split('@');
    let mut disabled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        disabled.push('@');
        if leads_outside(piece) {
            disabled.push(' ');
        }
        disabled.push_str(piece);
    }
    disabled
}

/// Returns whether the path at the start of the text may lead out of the folder. A path with spaces is in quotes.
fn leads_outside(text: &str) -> bool {
    let path = match text.strip_prefix(['"', '\'']) {
        Some(quoted) => quoted.split(['"', '\'', '\n']).next(),
        None => text.split(char::is_whitespace).next(),
    };
    path.is_some_and(|path| path.starts_with(['/', '~', '\\']) || path.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_lead_outside_are_separated() {
        for (text, disabled) in [
            ("@/etc/passwd", "@ /etc/passwd"),
            ("read @~/.ssh/id and @\"/a b/c\"", "read @ ~/.ssh/id and @ \"/a b/c\""),
            ("@src/../../x @'a b/../../c'", "@ src/../../x @ 'a b/../../c'"),
            ("@@/x", "@@ /x"),
            ("@src/a.rs, @types/node, ada@example.org, @Test", "@src/a.rs, @types/node, ada@example.org, @Test"),
            ("@ /x ..", "@ /x .."),
            ("", ""),
        ] {
            assert_eq!(disable(text), disabled);
        }
    }
}
