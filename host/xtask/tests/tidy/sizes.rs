//! Checks the sizes of files and functions, excluding tests. Don't split a file just to pass this check: split it where
//! one concept ends and another begins.

use super::Findings;
use super::code_scanner::without_tests;
use super::function_scanner;
use super::source_files::{File, product};

const MEDIAN_FILE: usize = 130;
/// At most a tenth of the files may have more lines than this. [`LONG_FUNCTION`] is the corresponding limit for
/// functions.
const LONG_FILE: usize = 300;
const LONG_FUNCTION: usize = 30;
const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;
const LONGEST_MAIN: usize = 60;
const MOST_PARAMETERS: usize = 5;

/// Methods of external traits, whose parameters we can't choose.
const FOREIGN: [&str; 1] = ["verify_server_cert"];

/// The tables of translated texts, which are data and grow with every text.
const TABLES: &str = "/german.rs";

fn code_files() -> impl Iterator<Item = &'static File> {
    product().filter(|file| !file.path.ends_with(TABLES))
}

fn lines(file: &File) -> usize {
    without_tests(&file.text).trim_end().lines().count()
}

#[test]
fn no_file_is_too_long() {
    let mut findings = Findings::default();
    for file in code_files() {
        let most = if file.path.ends_with("/main.rs") { LONGEST_MAIN } else { LONGEST_FILE };
        let lines = lines(file);
        if lines > most {
            let rule = format!("{lines} lines; the limit is {most}");
            findings.add(file, most, rule, "move a part with its own purpose into a separate module");
        }
    }
    findings.none();
}

#[test]
fn most_files_are_short() {
    let mut findings = Findings::default();
    let mut sizes: Vec<(usize, &str)> = code_files().map(|file| (lines(file), file.path.as_str())).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2].0;
    if median > MEDIAN_FILE {
        let rule = format!("the median file has {median} lines; the limit is {MEDIAN_FILE}");
        findings.add_overall(rule, "split the files that hold more than one idea");
    }
    tail(&mut findings, "files", LONG_FILE, &sizes);
    findings.none();
}

#[test]
fn functions_are_short_with_few_parameters() {
    let mut findings = Findings::default();
    for file in product() {
        for function in function_scanner::of(&file.code) {
            let name = &function.name;
            if function.lines > LONGEST_FUNCTION {
                let rule = format!("`{name}` has {} lines; the limit is {LONGEST_FUNCTION}", function.lines);
                findings.add(file, function.line, rule, "extract its steps into functions");
            }
            if function.parameters > MOST_PARAMETERS && !FOREIGN.contains(&name.as_str()) {
                let rule = format!("`{name}` takes {} parameters; the limit is {MOST_PARAMETERS}", function.parameters);
                findings.add(file, function.line, rule, "group the parameters that belong together into a type");
            }
        }
    }
    findings.none();
}

#[test]
fn most_functions_are_short() {
    let mut findings = Findings::default();
    let mut sizes: Vec<(usize, String)> = Vec::new();
    for file in product() {
        let found = function_scanner::of(&file.code).into_iter();
        sizes.extend(found.map(|f| (f.lines, format!("{}:{} {}", file.path, f.line, f.name))));
    }
    sizes.sort_unstable();
    assert!(sizes.len() > 500, "only {} functions were found", sizes.len());
    let named: Vec<_> = sizes.iter().map(|(lines, name)| (*lines, name.as_str())).collect();
    tail(&mut findings, "functions", LONG_FUNCTION, &named);
    findings.none();
}

/// Checks that at most a tenth of the items in `sizes`, which is sorted, have more than `long` lines.
fn tail(findings: &mut Findings, what: &str, long: usize, sizes: &[(usize, &str)]) {
    let longer: Vec<String> =
        sizes.iter().rev().filter(|(lines, _)| *lines > long).map(|(lines, name)| format!("{lines} {name}")).collect();
    if longer.len() * 10 > sizes.len() {
        let count = longer.len();
        let longest = longer.join("\n    ");
        let rule = format!(
            "{count} of {} {what} have more than {long} lines; at most a tenth may:\n    {longest}",
            sizes.len()
        );
        findings.add_overall(rule, format!("shorten the {what} that hold more than one idea"));
    }
}

#[test]
fn too_many_long_items_are_listed_with_a_remedy() {
    let mut findings = Findings::default();
    tail(&mut findings, "files", 300, &[(1, "a.rs"), (301, "b.rs"), (400, "c.rs")]);
    let expected = "2 of 3 files have more than 300 lines; at most a tenth may:\n    400 c.rs\n    301 b.rs\n    shorten the files that hold more than one idea";
    assert_eq!(findings.0, [expected]);
}
