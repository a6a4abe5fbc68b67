//! Checks that the host's code hits each failpoint in exactly one place, so that each row of the chaos test's table
//! stands for one place.

use super::code_scanner::occurrences;
use super::source_files::{product, read};

#[test]
fn each_failpoint_is_hit_in_one_place() {
    let source = read("host/failpoints/src/lib.rs");
    let points = variants(&source);
    assert!(points.len() > 10, "found only {points:?}");
    for point in points {
        let hit = format!("hit(Failpoint::{point})");
        let places: Vec<&str> =
            product().flat_map(|file| occurrences(&file.code, &hit).map(|_| file.path.as_str())).collect();
        assert_eq!(places.len(), 1, "{point} is hit in {places:?}");
    }
}

/// Returns the names of the variants of `Failpoint`.
fn variants(source: &str) -> Vec<&str> {
    let body = source.split("pub enum Failpoint {").nth(1).and_then(|rest| rest.split("\n}").next());
    let lines = body.expect("the enum is defined").lines().map(str::trim);
    lines.filter(|line| !line.starts_with("///")).filter_map(|line| line.strip_suffix(',')).collect()
}

#[test]
fn variants_are_found() {
    assert_eq!(variants("/// A.\npub enum Failpoint {\n    /// Read, but.\n    One,\n    Two,\n}\n"), ["One", "Two"]);
}
