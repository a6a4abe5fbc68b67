//! Tests the commands that set up and check a host: `init`, `import`, `completions`, `man`, `service install` and
//! `doctor`, and the log settings that a host reads at its start.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::{pty::Pty, support::Home};

const TOKEN: &str = "123456789:AbC-dEf_ghijklmnop";

const CONVERSATION: &str = "0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";

/// Returns a command that runs the binary with only `PATH` and `HOME` set.
fn cordboard(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(arguments).env_clear().env("PATH", path).env("HOME", home.path("home")).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn stdout_of_success(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Creates a homelab bot folder that contains a valid and a broken session, and returns its path.
fn write_bot_folder(home: &Home) -> PathBuf {
    let session = home.path("bot/sessions/web");
    fs::create_dir_all(session.join(".claude/projects/x")).unwrap();
    fs::write(session.join(format!(".claude/projects/x/{CONVERSATION}.jsonl")), "{\"cwd\":\"/x\"}\n").unwrap();
    let metadata =
        r#"{"name": "web", "persona": "planner", "idle_timeout": 30, "last_active": "2026-10-01T12:00:00Z"}"#;
    fs::write(session.join("metadata.json"), metadata).unwrap();
    fs::create_dir_all(home.path("bot/sessions/broken")).unwrap();
    fs::write(home.path("bot/sessions/broken/metadata.json"), "{").unwrap();
    home.path("bot")
}

#[test]
fn sessions_of_the_homelab_bot_are_imported_once() {
    let home = Home::new();
    let agent_home = home.path("claude").display().to_string();
    home.configure(&format!("[agents.claude]\nenv = {{ CLAUDE_CONFIG_DIR = {agent_home:?} }}\n"));
    let bot = write_bot_folder(&home).display().to_string();
    let import = |more: &[&str]| home.run(&[&["import", "homelab", &bot], more].concat());
    let outcomes = |output: &Output| -> Vec<String> {
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.iter()
            .map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
            .collect()
    };

    let planned = import(&["--dry-run", "--json"]);
    assert_eq!(planned.status.code(), Some(1), "one file is invalid");
    assert_eq!(outcomes(&planned), ["broken invalid", "web new"]);
    assert_eq!(home.sessions(), serde_json::json!([]));

    let done = import(&[]);
    assert_eq!(done.status.code(), Some(1));
    let table = text(&done.stdout);
    assert!(table.starts_with("NAME    OUTCOME   PERSONA  TIMEOUT  ACTIVE"), "{table}");
    assert!(table.contains("metadata.json: it is not valid JSON"), "{table}");
    assert!(
        text(&done.stderr).contains("1 of 2 sessions weren't imported: each one's note says why"),
        "{}",
        text(&done.stderr)
    );
    let sessions = home.sessions();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
    let web = &sessions[0];
    assert_eq!((&web["name"], &web["persona"], &web["agent"]), (&"web".into(), &"planner".into(), &"claude".into()));
    assert_eq!((&web["idle_timeout_s"], &web["phase"]), (&1800.into(), &"suspended".into()));
    let projects = fs::read_dir(home.path("claude/projects")).unwrap().next().unwrap().unwrap().path();
    assert!(projects.join(format!("{CONVERSATION}.jsonl")).is_file(), "the agent finds the transcript");

    fs::remove_dir_all(home.path("bot/sessions/broken")).unwrap();
    let again = import(&["--json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(outcomes(&again), ["web exists"]);
    assert_eq!(home.sessions(), sessions);
}

#[test]
fn an_import_needs_a_stopped_host_and_a_dry_run_does_not() {
    let home = Home::new();
    let bot = write_bot_folder(&home).display().to_string();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    let refused = home.run(&["import", "homelab", &bot]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("another host uses it (pid "), "{}", text(&refused.stderr));
    let planned = home.run(&["import", "homelab", &bot, "--dry-run"]);
    assert!(text(&planned.stdout).contains("web     new"), "{}", text(&planned.stdout));
    let other = home.run(&["import", "homelab", &bot, "--dry-run", "--agent", "demo"]);
    assert!(text(&other.stderr).contains("no agent 'demo' of kind \"claude\""), "{}", text(&other.stderr));
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn init_writes_a_configuration_that_check_accepts() {
    let home = Home::new();
    let token = home.path("my.token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let config = home.path("new/config.toml");
    let [token, config_text] = [&token, &config].map(|path| path.display().to_string());
    let init = ["init", "--config", &config_text, "--agent", "demo", "--token-file", &token, "--owner", "7", "--yes"];
    let printed = stdout_of_success(&cordboard(&home, &init).output().unwrap());
    assert!(printed.contains(&format!("Wrote the configuration to {config_text}.\n")), "{printed}");
    assert_eq!((mode(&config), mode(&home.path("new"))), (0o600, 0o700));
    let state = home.state().display().to_string();
    let check = cordboard(&home, &["check", "--config", &config_text, "--state", &state]).output().unwrap();
    let checked = stdout_of_success(&check);
    assert!(checked.contains(&format!("token          ok  {token}\n")), "{checked}");
    assert!(!checked.contains("access         none"), "{checked}");

    let before = fs::read(&config).unwrap();
    let again = cordboard(&home, &init).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("already exists: edit it, or write another file"), "{}", text(&again.stderr));
    assert_eq!(fs::read(&config).unwrap(), before);
}

#[test]
fn init_without_a_terminal_needs_yes() {
    let home = Home::new();
    let refused = cordboard(&home, &["init"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("without a terminal: use --yes"), "{}", text(&refused.stderr));
    assert!(!home.path("home/.config").exists());
    let unknown = cordboard(&home, &["init", "--agent", "cursor", "--yes"]).output().unwrap();
    assert!(text(&unknown.stderr).contains("cordboard init supports claude, opencode"), "{}", text(&unknown.stderr));
    assert!(!home.path("home/.config").exists());
}

#[test]
fn init_asks_at_a_terminal_and_hides_the_token() {
    let home = Home::new();
    let mut shown = String::new();
    let mut pty = Pty::open(cordboard(&home, &["init"]).env("PATH", "/nonexistent"));
    shown += &pty.wait("Agent for new sessions [demo]: ");
    pty.press("cursor\n");
    shown += &pty.wait("Choose one of claude, ");
    shown += &pty.wait("Agent for new sessions [demo]: ");
    pty.press("claude\n");
    shown += &pty.wait("Enter for no bot): ");
    pty.press("no token\n");
    shown += &pty.wait("That isn't a token.");
    shown += &pty.wait("Enter for no bot): ");
    pty.press(&format!("é\u{7f}{TOKEN}\n"));
    shown += &pty.wait("instead): ");
    pty.press("@ada\n");
    shown += &pty.wait("Enter a number, such as");
    shown += &pty.wait("instead): ");
    pty.press("\n");
    shown += &pty.wait("own plugins [");
    pty.press("\n");
    shown += &pty.wait("cordboard run\r\n");
    pty.ended();
    assert!(!shown.contains(TOKEN) && !shown.contains("no token\r"), "{shown}");
    assert!(shown.contains("The program `claude` is not in PATH.") && shown.contains("one-time code"), "{shown}");
    let folder = home.path("home/.config/cordboard");
    assert_eq!(fs::read_to_string(folder.join("telegram.token")).unwrap(), format!("{TOKEN}\n"));
    assert_eq!(mode(&folder.join("telegram.token")), 0o600);
    assert!(folder.join("plugins").is_dir());
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    assert!(
        config.contains("\ntoken_file = \"telegram.token\"\n") && config.contains("\ndefault = \"claude\"\n"),
        "{config}"
    );
}

#[test]
fn init_that_is_stopped_writes_nothing_and_restores_the_terminal() {
    let home = Home::new();
    // The shell keeps running after the command, to show that the terminal echoes again.
    let script = format!("{} init --agent demo; echo \"exit $?\"; read line", env!("CARGO_BIN_EXE_cordboard"));
    let mut pty = Pty::open(Command::new("/bin/sh").args(["-c", &script]).env("HOME", home.path("home")));
    pty.wait("Enter for no bot): ");
    pty.press("\u{3}");
    pty.wait("nothing was written");
    pty.wait("exit 1\r\n");
    pty.press("shown\n");
    pty.wait("shown");
    pty.ended();
    assert!(!home.path("home/.config").exists());
}

#[test]
fn bash_completes_subcommands_and_options() {
    let home = Home::new();
    let script = stdout_of_success(&cordboard(&home, &["completions", "bash"]).output().unwrap());
    fs::write(home.path("completions.bash"), script).unwrap();
    let complete = |words: &str, current: usize| {
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={current}; _cordboard cordboard \"${{COMP_WORDS[{current}]}}\" \
             \"${{COMP_WORDS[{}]}}\"; echo \"${{COMPREPLY[@]}}\"",
            home.path("completions.bash").display(),
            current - 1,
        );
        stdout_of_success(&Command::new("bash").args(["--norc", "-c", &line]).output().unwrap())
    };
    assert_eq!(complete("cordboard sess", 1).trim(), "sessions");
    assert!(complete("cordboard import homelab --dry", 3).contains("--dry-run"));
}

/// Writes a configuration with a bot, and returns its path.
fn configure_bot(home: &Home) -> String {
    fs::write(home.path("telegram.token"), TOKEN).unwrap();
    fs::set_permissions(home.path("telegram.token"), fs::Permissions::from_mode(0o600)).unwrap();
    home.configure("[telegram]\ntoken_file = \"telegram.token\"\n[sessions]\nroots = [\"/srv\"]\n");
    home.path("config.toml").display().to_string()
}

#[test]
fn user_service_is_written_once() {
    let home = Home::new();
    let config = configure_bot(&home);
    let install = || cordboard(&home, &["service", "install", "--user", "--config", &config]).output().unwrap();
    let printed = stdout_of_success(&install());
    let unit = home.path("home/.config/systemd/user/cordboard.service");
    assert!(printed.starts_with(&format!("Wrote {}.\n", unit.display())), "{printed}");
    assert!(printed.contains("  systemctl --user enable --now cordboard\n"), "{printed}");
    let written = fs::read_to_string(&unit).unwrap();
    let token = home.path("telegram.token").display().to_string();
    assert!(written.contains(&format!("LoadCredential=telegram.token:{token}\n")), "{written}");
    assert!(written.contains("WatchdogSec=") && written.contains("Delegate=yes\n"), "{written}");
    assert!(stdout_of_success(&install()).contains("cordboard.service is up to date.\n"));
    fs::write(&unit, "[Service]\nExecStart=/bin/true\n").unwrap();
    let refused = install();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("wasn't written by `cordboard service install`"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(fs::read_to_string(&unit).unwrap(), "[Service]\nExecStart=/bin/true\n");
    fs::write(&unit, b"# caf\xe9\n").unwrap();
    assert_eq!(install().status.code(), Some(1));
    assert_eq!(fs::read(&unit).unwrap(), b"# caf\xe9\n", "a unit that isn't UTF-8 is kept, too");
}

#[test]
fn a_service_needs_a_bot_and_an_existing_user() {
    let home = Home::new();
    let config = home.path("config.toml").display().to_string();
    let refused = |arguments: &[&str]| {
        let output =
            cordboard(&home, &[&["service", "install", "--config", &config], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    assert!(refused(&["--user"]).contains("a service needs a Telegram bot"));
    configure_bot(&home);
    assert!(refused(&["--run-as", "no-such-user"]).contains("there is no such user"));
    assert!(refused(&["--dry-run"]).contains("name one with --run-as, or use --user"));
}

#[test]
fn a_unit_lists_each_folder_once_and_on_one_line() {
    let home = Home::new();
    let config = configure_bot(&home);
    home.configure("[telegram]\ntoken_file = \"telegram.token\"\n[sessions]\nroots = [\"/srv\", \"/root\"]\n");
    let install = |state: &str| {
        let arguments = ["service", "install", "--run-as", "root", "--dry-run", "--config", &config, "--state", state];
        cordboard(&home, &arguments).output().unwrap()
    };
    let unit = stdout_of_success(&install("/srv"));
    for folder in ["/root", "/srv"] {
        assert_eq!(unit.matches(&format!("ReadWritePaths=-{folder}\n")).count(), 1, "{unit}");
    }
    let refused = install("/srv/a\nExecStartPre=/bin/x");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(text(&refused.stderr).contains("control character"), "{}", text(&refused.stderr));
}

#[test]
fn systemd_accepts_the_units() {
    let home = Home::new();
    let config = configure_bot(&home);
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: systemd-analyze isn't installed");
        return;
    }
    for scope in [["--run-as", "root"].as_slice(), &["--user"]] {
        let arguments = [&["service", "install", "--dry-run", "--config", &config], scope].concat();
        let unit = stdout_of_success(&cordboard(&home, &arguments).output().unwrap());
        let file = home.path("cordboard.service");
        fs::write(&file, unit).unwrap();
        let analyze = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&file).output().unwrap();
        let verified = analyze(&["verify", "--man=no"]);
        assert_eq!((text(&verified.stderr).as_str(), verified.status.success()), ("", true));
        if scope == ["--run-as", "root"] {
            // The threshold is ten times the score.
            let security = analyze(&["security", "--offline=yes", "--no-pager", "--threshold=30"]);
            assert!(security.status.success(), "{}", text(&security.stdout));
        }
    }
}

#[test]
fn doctor_reports_problems_of_the_machine_and_their_remedies() {
    let home = Home::new();
    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o700)).unwrap();
    let printed = home.printed(&["doctor"]);
    for row in [
        "agent          ok  demo\n",
        "permissions    ok  ",
        "disk           ok  ",
        "clock          ",
        "host           stopped  ",
    ] {
        assert!(printed.contains(row), "{row}: {printed}");
    }

    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o755)).unwrap();
    let script = home.script("claude", "exit 3\n").display().to_string();
    home.configure(&format!("[agents]\ndefault = \"claude\"\n[agents.claude]\ncommand = {script:?}\n"));
    let database = fs::File::create(home.state().join("cordboard.db-wal")).unwrap();
    database.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(7200)).unwrap();
    let output = home.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let (printed, problems) = (text(&output.stdout), text(&output.stderr));
    assert!(
        printed.contains("advice: other users can read the state directory") && printed.contains("chmod 700"),
        "{printed}"
    );
    assert!(problems.contains("--version`: the program failed") && problems.contains("set the clock"), "{problems}");
}

#[test]
fn doctor_fails_if_the_host_does_not_respond() {
    let home = Home::new();
    let listener = std::os::unix::net::UnixListener::bind(home.state().join("control.sock")).unwrap();
    // Closes the connection without a response.
    let host = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let output = home.run(&["doctor"]);
    host.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("failed to query the running host"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("host           not responding  "), "{}", text(&output.stdout));
}

#[test]
fn check_reports_the_problems_of_all_agents() {
    let home = Home::new();
    let agent = |name: &str| format!("[agents.{name}]\nkind = \"plain\"\ncommand = \"/bin/sh\"\nsandbox = \"bwrap\"\n");
    let default = "[agents]\ndefault = \"z\"\n[agents.z]\nkind = \"plain\"\ncommand = \"/nonexistent\"\n";
    home.configure(&[default, &agent("a"), &agent("b")].concat());
    // Without PATH, no bubblewrap is found.
    let output = home.command(&["check"]).env("PATH", "/nonexistent").output().unwrap();
    let problems = text(&output.stderr);
    for problem in ["[agents.a]: failed to ", "[agents.b]: failed to ", "[agents] default = \"z\": failed to "] {
        assert!(problems.contains(problem), "{problem}: {problems}");
    }
}

#[test]
fn printed_commands_quote_their_paths() {
    let home = Home::new();
    let config = home.path("a b/config.toml").display().to_string();
    let printed = stdout_of_success(&cordboard(&home, &["init", "--config", &config, "--yes"]).output().unwrap());
    assert!(printed.contains(&format!("  cordboard check --config '{config}'\n")), "{printed}");
    let state = home.path("my state").display().to_string();
    fs::rename(home.state(), &state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let output = cordboard(&home, &["doctor", "--state", &state]).output().unwrap();
    assert!(text(&output.stdout).contains(&format!("run `chmod 700 '{state}'`")), "{}", text(&output.stdout));
}

#[test]
fn doctor_checks_the_machine_even_if_the_configuration_is_invalid() {
    let home = Home::new();
    home.write_config("[sesions]\n");
    let output = home.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("sesions") && text(&output.stdout).contains("disk  "), "{output:?}");
}

#[test]
fn log_levels_change_while_the_host_runs() {
    let home = Home::with("[log]\nformat = \"json\"\n[log.levels]\ncordboard = \"error\"\n");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    home.configure("[log.levels]\ncordboard = \"info\"\n");
    // The format changes only at the next start.
    host.expect("These configuration keys take effect at the next start: log.format.\n");
    let logged = host.expect_logged("configuration changed");
    let record: serde_json::Value = serde_json::from_str(logged.lines().last().unwrap()).unwrap();
    assert_eq!((&record["level"], &record["fields"]["message"]), (&"INFO".into(), &"configuration changed".into()));
    assert!(!logged.contains("session created") && record["timestamp"].is_string(), "{logged}");
    assert_eq!(host.end().1, Some(0));
}
