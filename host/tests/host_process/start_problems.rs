//! Tests the messages about problems at startup, including problems that don't prevent it.

use std::os::unix::fs::PermissionsExt;

use super::support::Home;

/// Returns the error and the exit code of a host that doesn't start.
fn refused(home: &Home) -> (String, Option<i32>) {
    let mut host = home.start();
    let code = host.wait().code();
    (host.rest().1, code)
}

#[test]
fn a_bad_configuration_names_its_line() {
    let home = Home::new();
    home.write_config("[sessions]\nidle_timeot = \"5m\"\n");
    let (log, code) = refused(&home);
    assert_eq!(code, Some(2), "{log}");
    for part in ["idle_timeot", "idle_timeout", "2"] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn files_writable_by_others_are_refused_by_name() {
    for folder in ["plugins", "state"] {
        let home = Home::new();
        std::fs::set_permissions(home.path(folder), std::fs::Permissions::from_mode(0o777)).unwrap();
        let (log, code) = refused(&home);
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(&home.path(folder).display().to_string()), "{log}");
    }
}

#[test]
fn a_plugin_folder_may_be_created_later() {
    let home = Home::new();
    std::fs::remove_dir(home.path("plugins")).unwrap();
    let mut host = home.start();
    let said = host.expect_logged("the plugin folder does not exist");
    assert!(said.contains(&home.path("plugins").display().to_string()), "{said}");
    host.ask("/new a", "Session 'a' created.");
    std::fs::create_dir(home.path("plugins")).unwrap();
    home.plug("echo", "echo");
    host.expect("Plugin 'echo' is active: generation 1, ");
    host.say("/echo hi");
    host.expect("v1: hi\n");
}
