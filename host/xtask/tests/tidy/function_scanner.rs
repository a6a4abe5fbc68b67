//! Finds the functions in a file, and their line numbers, lengths and parameter counts.

use super::code_scanner::{line_of, occurrences};

pub struct Function {
    pub name: String,
    /// The 1-based line number of `fn`.
    pub line: usize,
    /// The number of lines from `fn` to the last brace.
    pub lines: usize,
    /// The number of parameters, including `self`.
    pub parameters: usize,
}

/// Returns the functions that have a body. `code` must not contain comments or literals.
pub fn of(code: &str) -> Vec<Function> {
    occurrences(code, "fn").filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let name: String = code[at + 2..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // Skip function pointers, which have no name, and functions in macros whose name is a macro variable.
    if name.is_empty() || !code[at + 2..].starts_with(' ') {
        return None;
    }
    let list = at + opening(&code[at..])?;
    let after = list + closing(&code[list..])?;
    let body = after + body(&code[after..])?;
    let end = body + closing(&code[body..])?;
    let line = line_of(code, at);
    Some(Function { name, line, lines: line_of(code, end) - line + 1, parameters: count(&code[list + 1..after - 1]) })
}

/// Returns the offset of the parenthesis that opens the parameter list. Ignores parentheses between `<` and `>`, which
/// belong to bounds.
fn opening(code: &str) -> Option<usize> {
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in code.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            '(' if depth == 0 => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

/// Returns the offset just past the bracket that matches the first one.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Returns the offset of the brace that opens the body. Returns `None` if a semicolon ends the declaration.
fn body(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn count(parameters: &str) -> usize {
    let mut depth = 0;
    let mut before = ' ';
    let mut parts = vec![String::new()];
    for c in parameters.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if before != '-' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if c != ',' {
            parts.last_mut().expect("there is always one").push(c);
        }
        before = c;
    }
    parts.iter().filter(|part| !part.trim().is_empty()).count()
}

#[test]
fn functions_are_measured() {
    let code = "
fn short() {}
pub async fn long<F: Fn(u8) -> u8>(
    &self,
    f: F,
    map: HashMap<u8, [u8; 4]>,
) -> Result<(), [u8; 2]> {
    if a { b }
}
trait T { fn none(&self, x: u8); }
type P = fn(u8, u8);
";
    let found: Vec<_> = of(code).into_iter().map(|f| (f.name, f.line, f.lines, f.parameters)).collect();
    assert_eq!(found, [("short".to_owned(), 2, 1, 0), ("long".to_owned(), 3, 7, 3)]);
}
