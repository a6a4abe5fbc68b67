//! Tests the command line's help texts, error messages and tables.

use super::host::{CORDBOARD, Home, QUICK};

#[test]
fn every_help_text_has_examples() {
    let home = Home::new("");
    for args in
        [&["--help"][..], &["run", "--help"], &["check", "--help"], &["sessions", "--help"], &["plugins", "--help"]]
    {
        let ended = home.once(args);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{args:?}");
        let example = format!("Examples:\n  cordboard {}", if args.len() == 2 { args[0] } else { "run" });
        assert!(ended.out.contains(&example), "{args:?}: {}", ended.out);
    }
}

#[test]
fn an_unknown_argument_is_refused_with_the_nearest() {
    let home = Home::new("");
    for (args, error) in [
        (&["sesions"][..], "a similar subcommand exists: 'sessions'"),
        (&["run", "--plugin", "x"], "a similar argument exists: '--plugins'"),
        (&["run", "--chat", "irc"], "possible values: console, telegram"),
        (&[], "Usage: cordboard"),
    ] {
        let ended = home.once(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.err.contains(error), "{args:?}: {}", ended.err);
    }
}

#[test]
fn an_invalid_log_filter_is_named_and_ignored() {
    let home = Home::new("");
    let run = ["run", "--chat", "console", "--state", &home.path("state").display().to_string()];
    let output = home
        .cordboard(&run)
        .env("CORDBOARD_LOG", "cordboard=loud")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(errors.contains("ignored CORDBOARD_LOG: use filters such as debug"), "{errors}");
    assert!(errors.contains("'cordboard=loud' is neither a level nor TARGET=LEVEL"), "{errors}");
}

#[test]
fn too_few_open_files_are_named_with_the_remedy() {
    let home = Home::new("");
    let cases =
        [("12", "run"), ("63", "run"), ("12", "sessions"), ("16", "sessions"), ("16", "plugins"), ("16", "check")];
    for (limit, subcommand) in cases {
        let mut command = home.program("sh");
        command.args(["-c", "ulimit -n $1; shift; exec \"$@\"", "sh", limit, CORDBOARD, subcommand]);
        let output = command.args(home.places()).stdin(std::process::Stdio::null()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let shown =
            format!("cordboard: failed to start: the open-file limit is {limit}, and Cordboard needs at least 64");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.starts_with(&shown) && errors.contains("; raise the open-file limit"), "{errors}");
    }
}

#[test]
fn tables_are_printed_with_and_without_a_host() {
    let home = Home::new(QUICK);
    let names = |ended: super::host::Ended| {
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
        let rows: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(home.ask("sessions", &["--json"])), [""; 0]);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    assert_eq!(names(home.ask("sessions", &["--json"])), ["a"]);
    assert!(names(home.ask("plugins", &["--json"])).contains(&"sessions".to_owned()));
    assert_eq!(host.end().code, Some(0));
    assert_eq!(names(home.ask("sessions", &["--json"])), ["a"]);
    assert!(names(home.ask("plugins", &["--json"])).contains(&"sessions".to_owned()));
}

#[test]
fn a_missing_state_directory_lists_no_sessions() {
    let home = Home::new("");
    let nowhere = home.path("nowhere").display().to_string();
    let ended = home.once(&["sessions", "--state", &nowhere]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!home.path("nowhere").exists(), "reading creates nothing");
}
