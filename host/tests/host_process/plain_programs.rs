//! Tests agents of kind `plain` with real programs: bash, Python and sqlite3. If Python or sqlite3 isn't installed, the
//! corresponding test prints a line and passes.

use super::support::{CREATED, Home, STATE_LOST};

/// Returns a home whose default agent is a plain program. `keys` adds keys to the agent's table.
fn home(command: &str, args: &str, keys: &str) -> Home {
    let home = Home::new();
    configure(&home, command, args, keys);
    home
}

fn configure(home: &Home, command: &str, args: &str, keys: &str) {
    home.configure(&format!(
        "[agents]\ndefault = \"plain\"\n[agents.plain]\nkind = \"plain\"\ncommand = \"{command}\"\nargs = [{args}]\n{keys}\n"
    ));
}

fn is_missing(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_missing = !std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if is_missing {
        eprintln!("skipped: {program} is not installed");
    }
    is_missing
}

#[test]
fn silence_ends_the_answer_of_a_shell_without_a_prompt() {
    let home = home("bash", "", "silence = \"500ms\"");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("echo hi; printf unfinished", "```\nhi\nunfinished\n```");
    host.ask("x=1", "Done.");
    host.ask("echo $x", "```\n1\n```");
    // The shell isn't interactive, so SIGINT also terminates the shell.
    host.say("while :; do echo tick; sleep 0.1; done");
    host.expect("tick\ntick\n");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.await_phase("a", "suspended");
    host.say("echo $x");
    host.expect(STATE_LOST);
    host.expect("Done.\n");
}

#[test]
fn late_output_is_a_message_of_its_own() {
    let home = home("bash", "\"--norc\", \"--noediting\", \"-i\"", "prompt = 'sh> $'\nenv = { PS1 = \"sh> \" }");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("(sleep 0.5 && echo late &)", "Done.");
    host.reads("```\nlate\n```");
    // Exit code 0 isn't reported as a failure.
    host.ask("echo bye; exit", "```\nbye\nexit\n```");
    host.await_phase("a", "suspended");
    host.ask("echo new", &format!("{STATE_LOST}\n```\nnew\n```"));
    host.await_phase("a", "idle");
    assert_eq!(host.end(), (String::new(), Some(0)), "the line `exit` of the shell is not shown");
}

#[test]
fn python_keeps_its_state_through_an_interrupt() {
    if is_missing("python3") {
        return;
    }
    let home = home("python3", "\"-i\", \"-u\"", r"prompt = '(>>>|\.\.\.) $'");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("x = 41", "Done.");
    host.ask("x + 1", "```\n42\n```");
    host.ask("print('unfinished', end='')", "```\nunfinished\n```");
    host.say("1 / 0");
    host.expect("ZeroDivisionError: division by zero\n```\n");
    host.say("import time; time.sleep(1000)");
    host.await_phase("a", "busy");
    host.say("/stop");
    host.expect_all(&["Stopped.\n", "KeyboardInterrupt\n```\n"]);
    host.await_phase("a", "idle");
    host.say("x");
    host.expect("```\n41\n```\n");
}

#[test]
fn sqlite_answers_statements_and_shows_errors() {
    if is_missing("sqlite3") {
        return;
    }
    let home = home("sqlite3", "\"-interactive\"", r"prompt = '(sqlite|   \.\.\.)> $'");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("create table t (x);", "Done.");
    host.ask("insert into t values (1), (2); select sum(x) from t;", "```\n3\n```");
    host.say("select missing;");
    host.expect("no such column: missing");
}

#[test]
fn a_changed_prompt_restarts_the_program_before_the_next_message() {
    let args = "\"--norc\", \"--noediting\", \"-i\"";
    let home = home("bash", args, "prompt = 'sh> $'\nenv = { PS1 = \"sh> \" }");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("x=1", "Done.");
    configure(&home, "bash", args, "prompt = 'bash> $'\nenv = { PS1 = \"bash> \" }");
    host.expect_logged("configuration changed");
    host.ask("echo ${x-nothing}", &format!("{STATE_LOST}\n```\nnothing\n```"));
}

#[test]
fn check_finds_a_plain_program() {
    let home = home("bash", "", "");
    assert!(home.printed(&["check"]).contains("agent          ok  plain\n"));
    configure(&home, "no-such-program", "", "");
    let output = home.run(&["check"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("agent          missing  plain\n"));
    configure(&home, "bash", "", "prompt = '('");
    let output = home.run(&["check"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("'prompt' in [agents.plain] must be a regular expression"), "{error}");
}
