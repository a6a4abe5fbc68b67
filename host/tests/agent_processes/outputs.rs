//! Tests running programs to completion and collecting their output.

use std::time::Duration;

use cordboard_agents::process::{OutputError, OutputLimits, collect_output};

use super::{LIMIT, shell, support::is_running};

const LIMITS: OutputLimits = OutputLimits { time: LIMIT, bytes: 1000 };

async fn output(script: &str, limits: OutputLimits) -> Result<String, OutputError> {
    collect_output(shell(script), limits).await.map(|output| String::from_utf8(output).unwrap())
}

async fn error(script: &str) -> String {
    output(script, LIMITS).await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_output_of_a_program_is_collected() {
    // A program that reads its input sees end of file.
    let text = output("cat; echo loading >&2; printf ' one\\n\\ntwo'", LIMITS).await.unwrap();
    assert_eq!(text, " one\n\ntwo\n");
    assert_eq!(output("true", LIMITS).await.unwrap(), "");
}

#[tokio::test]
async fn a_failure_names_the_status_and_the_last_line() {
    let why = error("echo text; echo loading >&2; echo 'no model' >&2; exit 3").await;
    assert_eq!(why, "the program failed (exit code 3): no model");
    assert_eq!(error("exit 1").await, "the program failed (exit code 1)");
    assert_eq!(error("kill -9 $$").await, "the program failed (killed by SIGKILL)");
    let mut missing = shell("");
    missing.program = "no-such-program".into();
    let why = collect_output(missing, LIMITS).await.unwrap_err().to_string();
    let expected =
        "failed to start 'no-such-program': it was not found in PATH; install it, or set its full path in `command`";
    assert_eq!(why, expected);
}

#[tokio::test]
async fn a_program_that_prints_too_much_is_killed() {
    let expected = "the program printed more than 1000B and was killed";
    assert_eq!(error("yes").await, expected, "many lines");
    assert_eq!(error("head -c 2000 /dev/zero").await, expected, "one line");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_with_its_descendants() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!(
        "trap '' TERM; sleep 1005 & echo $! > {0}; setsid sleep 1005 & echo $! >> {0}; echo text; wait",
        pids.display()
    );
    let limits = OutputLimits { time: Duration::from_secs(2), bytes: 1000 };
    let why = output(&script, limits).await.unwrap_err().to_string();
    assert_eq!(why, "the program took longer than 2s and was killed");
    let pids = std::fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    assert!(!pids.lines().any(is_running), "{pids}");
}
