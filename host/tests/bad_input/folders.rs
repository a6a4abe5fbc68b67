//! Tests unusable files and folders: plugins, configurations and state directories that are missing, read-only, in use,
//! of the wrong type, owned or writable by other users, or written by a newer version.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown, symlink},
    process::Stdio,
};

use super::host::{Home, Host, QUICK, compiled, plugin, wait_until};

#[test]
fn a_named_plugin_folder_may_be_created_later() {
    let home = Home::new("");
    fs::remove_dir(home.path("plugins")).unwrap();
    let folder = home.path("plugins").display().to_string();
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains(&format!("the plugin folder {folder} does not exist: create it")), "{}", ended.err);

    let mut host = home.run();
    host.log("the plugin folder does not exist; its plugins are activated once it exists");
    host.exchange("/echo hello", "Unknown command /echo.");
    let new_folder = home.path("new_folder");
    fs::create_dir(&new_folder).unwrap();
    fs::set_permissions(&new_folder, Permissions::from_mode(0o700)).unwrap();
    fs::write(new_folder.join("echo.wasm"), plugin("echo")).unwrap();
    fs::rename(&new_folder, &folder).unwrap();
    host.hear("Plugin 'echo' is active");
    assert_eq!(host.end().code, Some(0));
}

/// The path of a Unix socket is limited to 107 bytes.
#[test]
fn a_state_path_may_exceed_the_socket_path_limit() {
    let home = Home::new(QUICK);
    let state = home.path("deep").join("below".repeat(20)).join("state");
    fs::create_dir_all(&state).unwrap();
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    symlink(compiled(), state.join("cache")).unwrap();
    let state = state.display().to_string();
    let places = ["--config".to_owned(), home.path("config.toml").display().to_string(), "--state".to_owned(), state];
    let mut host = Host::start(home.cordboard(&["run", "--chat", "console"]).args(&places));
    host.exchange("/new a", "Session 'a' created.");
    let listed = home.cordboard(&["sessions", "--json"]).args(&places).output().unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    // Only a running host knows the pid, so the command must have received this list through the host's socket.
    assert!(rows[0]["pid"].is_number(), "{rows}");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_missing_configured_plugin_folder_is_named() {
    let home = Home::new("[plugins]\nfolder = \"mine\"\n");
    let (config, state) = (home.path("config.toml").display().to_string(), home.path("state").display().to_string());
    let ended = home.once(&["check", "--config", &config, "--state", &state]);
    assert_eq!(ended.code, Some(1));
    let folder = home.path("mine").display().to_string();
    assert!(ended.err.contains(&format!("the plugin folder {folder} does not exist")), "{}", ended.err);
}

#[test]
fn a_plugin_folder_writable_by_others_is_refused() {
    let home = Home::new("");
    let folder = home.path("plugins").display().to_string();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let error = format!(
        "cordboard: failed to use {folder}: others may write to it, and could change plugins or grants; run `chmod go-w {folder}`\n"
    );
    for subcommand in ["run", "check"] {
        let ended = home.ask(subcommand, &[]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(1), error.as_str()), "{subcommand}");
    }
}

#[test]
fn a_plugin_folder_that_becomes_writable_is_ignored() {
    let home = Home::new(QUICK);
    fs::write(home.path("plugins/echo.wasm"), plugin("echo")).unwrap();
    let mut host = home.run();
    host.exchange("/echo hello", "v1: hello");
    let folder = home.path("plugins").display().to_string();
    let why = format!(
        "failed to use {folder}: others may write to it, and could change plugins or grants; run `chmod go-w {folder}`"
    );
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    host.hear(&format!("The plugin folder can't be used: {why}. The active plugin versions keep running."));
    host.exchange("/plugins", "`plugin folder` unusable (");
    host.hear(&why);
    let checked = home.ask("check", &[]);
    assert_eq!((checked.code, checked.err), (Some(1), format!("cordboard: {why}\n")));
    let listed = home.ask("plugins", &[]);
    assert!(listed.out.contains("plugin folder") && listed.out.contains("chmod go-w"), "{}", listed.out);
    // Until the permissions are corrected, neither a changed file nor `/plugins reload` activates the new version.
    fs::write(home.path("plugins/echo.wasm"), plugin("echo_v2")).unwrap();
    host.exchange("/plugins reload echo", &format!("Cordboard {why}."));
    host.exchange("/echo hello", "v1: hello");
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    host.hear("The plugin folder can be used again.");
    host.hear("Plugin 'echo' is active: generation 2, ");
    host.exchange("/echo hello", "v2: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_grant_for_an_ignored_folder_applies_once_it_is_fixed() {
    let home = Home::new(QUICK);
    fs::write(home.path("plugins/needs_approval.wasm"), plugin("needs_approval")).unwrap();
    let mut host = home.run();
    host.hear("[Refuse] /plugins refuse needs_approval ");
    fs::set_permissions(home.path("plugins"), Permissions::from_mode(0o777)).unwrap();
    host.hear("The plugin folder can't be used: ");
    home.configure(&format!("{QUICK}[plugins.needs_approval]\ngrants = [\"session-control\"]\n"));
    host.log("configuration changed");
    fs::set_permissions(home.path("plugins"), Permissions::from_mode(0o700)).unwrap();
    host.hear("The plugin folder can be used again.");
    host.hear("Plugin 'needs_approval' is active: generation 1, ");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_configuration_writable_by_others_is_refused() {
    let home = Home::new("");
    let path = home.path("config.toml").display().to_string();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let error = format!(
        "cordboard: failed to use {path}: others may write to it, and could change plugins or grants; run `chmod go-w {path}`\n"
    );
    for (subcommand, code) in [("run", 2), ("check", 1)] {
        let ended = home.ask(subcommand, &[]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(code), error.as_str()), "{subcommand}");
    }
}

#[test]
fn a_plugin_file_writable_by_others_is_refused() {
    let home = Home::new(QUICK);
    let file = home.path("plugins/echo.wasm");
    fs::write(&file, plugin("echo")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let path = file.display().to_string();
    let why = format!(
        "its file cannot be used: others may write to it, and could change plugins or grants; run `chmod go-w {path}`"
    );
    let ended = home.ask("check", &[]);
    assert_eq!((ended.code, ended.err), (Some(1), format!("cordboard: plugin 'echo': {why}\n")));

    let mut host = home.run();
    host.hear(&format!("Plugin 'echo' was rejected: {why}."));
    host.exchange("/echo hello", "Unknown command /echo.");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    host.hear("Plugin 'echo' is active: generation 1, ");
    fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
    host.hear("its file cannot be used: its group may write to it");
    host.hear("Generation 1 stays active.");
    assert_eq!(host.end().code, Some(0));
}

/// The names of plugins whose files aren't regular files, each with the reason that the host gives.
const ODD_FILES: [(&str, &str); 6] = [
    ("device", "it is a device, not a regular file: replace it with a regular file, or remove it"),
    ("folder", "it is a folder, not a regular file: replace it with a regular file, or remove it"),
    ("loop", "it is a circular link through loop.wasm: replace it with a regular file, or remove it"),
    ("lost", "it is a link to nowhere, which does not exist: put the file there, or remove the link"),
    ("pipe", "it is a pipe, not a regular file: replace it with a regular file, or remove it"),
    ("socket", "it is a socket, not a regular file: replace it with a regular file, or remove it"),
];

/// Creates the files listed in [`ODD_FILES`].
fn make_odd_files(home: &Home) {
    let at = |name: &str| home.path(&format!("plugins/{name}.wasm"));
    symlink("/dev/zero", at("device")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("loop.wasm", at("loop")).unwrap();
    symlink("nowhere", at("lost")).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
    // The socket file remains after the listener is dropped.
    drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
}

/// Waits until the host lists every plugin in [`ODD_FILES`] with its reason.
fn wait_for_reasons(home: &Home) {
    let shown = |rows: &serde_json::Value, (name, why): (&str, &str)| {
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
        row.is_some_and(|row| row["note"].as_str().unwrap().contains(why))
    };
    wait_until("each file is listed with its reason", || {
        let rows = serde_json::from_str(&home.ask("plugins", &["--json"]).out).unwrap();
        ODD_FILES.into_iter().all(|one| shown(&rows, one))
    });
}

#[test]
fn odd_files_at_the_start_are_named_and_block_nothing() {
    let home = Home::new(QUICK);
    make_odd_files(&home);
    fs::write(home.path("plugins/echo.wasm"), plugin("echo")).unwrap();
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    for (name, why) in ODD_FILES {
        let shown = format!("plugin '{name}': its file cannot be used: {why}");
        assert!(ended.err.contains(&shown), "{shown}: {}", ended.err);
    }
    let mut host = home.run();
    host.exchange("/echo hello", "v1: hello");
    wait_for_reasons(&home);
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn odd_files_at_run_time_are_named_and_block_nothing() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    make_odd_files(&home);
    wait_for_reasons(&home);
    fs::write(home.path("plugins/echo.wasm"), plugin("echo")).unwrap();
    host.hear("Plugin 'echo' is active: generation 1, ");
    host.exchange("/echo hello", "v1: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_dangling_link_is_refused_and_deactivates_nothing() {
    let home = Home::new(QUICK);
    symlink(home.path("elsewhere.wasm"), home.path("plugins/echo.wasm")).unwrap();
    let why = format!(
        "its file cannot be used: it is a link to {}, which does not exist: put the file there, or remove the link",
        home.path("elsewhere.wasm").display()
    );
    let ended = home.ask("check", &[]);
    assert_eq!((ended.code, ended.err), (Some(1), format!("cordboard: plugin 'echo': {why}\n")));
    let mut host = home.run();
    host.hear(&format!("Plugin 'echo' was rejected: {why}."));
    fs::write(home.path("elsewhere.wasm"), plugin("echo")).unwrap();
    host.hear("Plugin 'echo' is active: generation 1, ");
    fs::remove_file(home.path("elsewhere.wasm")).unwrap();
    host.hear(&why);
    host.hear("Generation 1 stays active.");
    host.exchange("/echo hello", "v1: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_file_as_plugin_folder_is_refused() {
    let home = Home::new(QUICK);
    fs::remove_dir(home.path("plugins")).unwrap();
    fs::write(home.path("plugins"), plugin("echo")).unwrap();
    let folder = home.path("plugins").display().to_string();
    let ended = home.ask("check", &[]);
    let error =
        format!("cordboard: the plugin folder {folder} is a file: set it to the folder that contains the file\n");
    assert_eq!((ended.code, ended.err), (Some(1), error));
    let mut host = home.run();
    host.log("the plugin folder is a file, so no plugin is loaded from it");
    host.exchange("/new a", "Session 'a' created.");
    let ended = host.end();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.err.contains("does not exist"), "{}", ended.err);
}

#[test]
fn check_names_a_missing_token_and_invalid_plugin_files() {
    let home = Home::new("[telegram]\ntoken_file = \"bot.token\"\n");
    fs::write(home.path("plugins/My Plugin.wasm"), plugin("echo")).unwrap();
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    let token = home.path("bot.token").display().to_string();
    for part in [
        &format!("failed to read the token file {token}: No such file"),
        "plugin 'My Plugin': 'My Plugin' is not a plugin name",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert!(ended.out.contains(&format!("token          invalid  {token}\n")), "{}", ended.out);
}

/// Runs a host that must refuse to start with this state directory, and returns the error.
fn refused(home: &Home, state: &str) -> String {
    let (config, plugins) = (home.path("config.toml"), home.path("plugins"));
    let mut command = home.cordboard(&["run", "--chat", "console", "--state", state]);
    let ended = Host::start(command.arg("--config").arg(config).arg("--plugins").arg(plugins)).end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
    ended.err.trim_end().to_owned()
}

#[test]
fn an_unwritable_state_directory_is_refused() {
    let home = Home::new("");
    // Not even root can create a folder in `/proc`.
    let error = refused(&home, "/proc/cordboard");
    assert!(error.starts_with("cordboard: failed to use state directory /proc/cordboard: user '"), "{error}");
    assert!(error.contains("cannot write to it ("), "{error}");
    assert!(error.ends_with("; change its owner, or choose another directory with --state"), "{error}");
    let file = home.path("file").display().to_string();
    fs::write(&file, "").unwrap();
    let error = refused(&home, &file);
    assert!(error.contains(&format!("{file}: ")) && error.contains("(it is not a directory)"), "{error}");
}

#[test]
fn check_names_an_unwritable_state_directory() {
    let home = Home::new("");
    let ended = home.once(&["check", "--state", "/proc/cordboard"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("/proc/cordboard/cache, cannot be created: "), "{}", ended.err);
    assert!(ended.err.contains("use another state directory with --state"), "{}", ended.err);
}

#[test]
fn a_state_directory_writable_by_others_is_refused() {
    let home = Home::new("");
    let state = home.path("state").display().to_string();
    fs::set_permissions(&state, Permissions::from_mode(0o770)).unwrap();
    assert_eq!(
        refused(&home, &state),
        format!(
            "cordboard: failed to use state directory {state}: other users may write to it (mode 770); run `chmod go-w {state}`"
        )
    );
}

#[test]
fn a_state_directory_of_another_user_is_refused() {
    let home = Home::new("");
    let state = home.path("state");
    if chown(&state, Some(12345), None).is_err() {
        eprintln!("skipped: only root can change the owner of a folder");
        return;
    }
    let state = state.display().to_string();
    let error = refused(&home, &state);
    assert!(error.contains("it belongs to another user (uid 12345); run `chown -R 0 "), "{error}");
}

#[test]
fn a_state_directory_in_use_is_refused_with_the_pid_of_its_host() {
    let home = Home::new(QUICK);
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    let state = home.path("state").display().to_string();
    let error = refused(&home, &state);
    assert_eq!(
        error,
        format!(
            "cordboard: failed to use state directory {state}: another host uses it (pid {}); stop that host, or choose another directory with --state",
            host.pid()
        )
    );
    host.exchange("unharmed", "You said: unharmed");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_state_directory_of_a_newer_version_is_refused() {
    let home = Home::new("");
    assert_eq!(home.talk(&["/new a"]).code, Some(0));
    let database = home.path("state/cordboard.db");
    let set = |version: i64| {
        rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    let known: i64 = rusqlite::Connection::open(&database)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    set(999);
    let state = home.path("state").display().to_string();
    assert_eq!(
        refused(&home, &state),
        format!(
            "cordboard: failed to use state directory {state}: it was written by a newer Cordboard (schema 999; this version supports up to {known}); \
             install the newer version, or choose another directory with --state"
        )
    );
    let ended = home.ask("sessions", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("it was written by a newer Cordboard"), "{}", ended.err);
    set(known);
    let ended = home.talk(&["/session a"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Switched to session 'a'.\n"), "{}", ended.err);
}

#[test]
fn a_state_directory_is_required_without_a_home() {
    let home = Home::new("");
    let output =
        home.cordboard(&["run", "--chat", "console"]).env_remove("HOME").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("neither XDG_STATE_HOME nor HOME is set; name a directory with --state"), "{error}");
}
