//! Tests `cordboard logs` with a running host, and with the service of a stopped one.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::support::{ENGLISH, Home, Host};

const LISTEN: &str = "[status]\nlisten = \"127.0.0.1:0\"\n";

fn logs(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.arg("logs").args(arguments).arg("--state").arg(home.state()).envs([ENGLISH]);
    // This machine may have a service.
    command.env("XDG_CONFIG_HOME", home.path("xdg")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn printed(home: &Home, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = logs(home, arguments).output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Starts a host that has logged its status page.
fn with_record(home: &Home) -> Host<'_> {
    let mut host = home.start();
    host.expect_logged("listening for the status page");
    host
}

#[test]
fn recent_records_are_printed_and_selected() {
    let home = Home::with(LISTEN);
    let _host = with_record(&home);
    let all = printed(&home, &[]);
    let line = all.lines().find(|line| line.contains("listening for the status page")).unwrap();
    assert!(line.contains("Z  INFO listening for the status page address=127.0.0.1:"), "{line}");
    assert_eq!(printed(&home, &["--target", "cordboard::status", "-n", "1"]), format!("{line}\n"));
    assert_eq!(printed(&home, &["--target", "cordboard::hub"]), "");
    assert!(!printed(&home, &["--level", "warn"]).contains("listening"));
    assert_eq!(printed(&home, &["-n", "0"]), "");
    let json: Value = serde_json::from_str(&printed(&home, &["--json", "--target", "cordboard::status"])).unwrap();
    assert_eq!((&json["level"], &json["target"]), (&"INFO".into(), &"cordboard::status".into()));
    assert!(json["fields"]["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{json}");
}

#[test]
fn a_followed_log_ends_with_the_host() {
    let home = Home::with(LISTEN);
    let host = with_record(&home);
    let mut follower = logs(&home, &["--follow", "--target", "cordboard::status"]).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("listening for the status page"));
    home.configure("[status]\nlisten = \"127.0.0.1:0\"\nhosts = [\"x.example\"]\n");
    assert!(lines.next().unwrap().contains("listening for the status page"), "the new listener is logged");
    host.kill();
    assert_eq!(lines.next(), None);
    let mut error = String::new();
    follower.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((follower.wait().unwrap().code(), error.as_str()), (Some(3), "cordboard: the host stopped\n"));
}

#[test]
fn a_followed_log_ends_with_its_reader() {
    let home = Home::with(LISTEN);
    let _host = with_record(&home);
    let mut follower = logs(&home, &["-f"]).spawn().unwrap();
    drop(follower.stdout.take());
    home.configure("[status]\nlisten = \"127.0.0.1:0\"\nhosts = [\"x.example\"]\n");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_of_a_stopped_service_comes_from_the_journal() {
    let home = Home::new();
    fs::create_dir(home.path("bin")).unwrap();
    home.script("bin/journalctl", "for argument; do say \"$argument\"; done\n");
    let with_path = |arguments: &[&str]| {
        let output = logs(&home, arguments).env("PATH", home.path("bin")).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, error) = with_path(&[]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(error.starts_with("cordboard: no host is running on "), "{error}");
    fs::create_dir_all(home.path("xdg/systemd/user")).unwrap();
    let unit = home.path("xdg/systemd/user/cordboard.service");
    fs::write(&unit, "ExecStart=/usr/bin/cordboard run --state /elsewhere\n").unwrap();
    assert_eq!(with_path(&[]).0, Some(3), "the service has another state directory");
    fs::write(&unit, format!("ExecStart=/usr/bin/cordboard run --state {}\n", home.state().display())).unwrap();
    let expected = "--no-pager\n--lines=100\n--priority=err\n--user-unit=cordboard.service\n";
    assert_eq!(with_path(&["--level", "error"]), (Some(0), expected.to_owned(), String::new()));
    fs::remove_file(home.path("bin/journalctl")).unwrap();
    let (code, _, error) = with_path(&[]);
    assert_eq!(code, Some(1));
    assert!(error.ends_with("`journalctl --no-pager --lines=100 --user-unit=cordboard.service`\n"), "{error}");
}
