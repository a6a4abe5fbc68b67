//! Tests the address of the status page, and who may have access to it.

use super::super::{Area, Config, diff, load};

fn status(lines: &str) -> Config {
    load(&format!("[status]\n{lines}")).unwrap_or_else(|error| panic!("{error}"))
}

fn why(lines: &str) -> String {
    load(&format!("[status]\n{lines}")).unwrap_err().to_string()
}

#[test]
fn the_status_page_is_off_by_default() {
    let status = load("").unwrap().status;
    assert_eq!((status.listen, status.token_file.clone(), status.users.len()), (None, None, 0));
    assert_eq!(status.user_header(), "tailscale-user-login");
}

#[test]
fn other_addresses_than_loopback_need_a_token() {
    for good in ["127.0.0.1:8788", "[::1]:0"] {
        assert!(status(&format!("listen = \"{good}\"")).status.listen.is_some(), "{good}");
    }
    for open in ["0.0.0.0:8788", "[::]:8788", "192.168.1.2:80"] {
        assert!(why(&format!("listen = \"{open}\"")).contains("set token_file, or use a loopback address"), "{open}");
        status(&format!("listen = \"{open}\"\ntoken_file = \"t\""));
        let forgeable = why(&format!("listen = \"{open}\"\ntoken_file = \"t\"\nusers = [\"ada\"]"));
        assert!(forgeable.contains("must be a loopback address if users is set"), "{forgeable}");
    }
    for bad in ["127.0.0.1", "localhost:8788", ":8788", ""] {
        assert!(load(&format!("[status]\nlisten = \"{bad}\"")).is_err(), "{bad}");
    }
}

#[test]
fn a_user_header_needs_users() {
    assert!(why("user_header = \"X-User\"").contains("needs users"));
    assert!(why("user_header = \"not a header\"\nusers = [\"ada\"]").contains("must be the name of a header"));
    let status = status("user_header = \"X-User\"\nusers = [\"ada\"]").status;
    assert_eq!((status.user_header(), status.users.contains("ada")), ("x-user", true));
}

#[test]
fn hosts_are_names_without_scheme_and_port() {
    assert!(status("hosts = [\"Box.Example.com\"]").status.hosts.contains("box.example.com"));
    for bad in ["https://box.example.com", "box.example.com:443", "", "a b"] {
        assert!(load(&format!("[status]\nhosts = [\"{bad}\"]")).is_err(), "{bad}");
    }
}

#[test]
fn changes_apply_at_once() {
    let changes = diff(&load("").unwrap(), &status("listen = \"127.0.0.1:1\""));
    assert_eq!(changes.areas.into_iter().collect::<Vec<_>>(), [Area::Status]);
    assert!(changes.restart.is_empty());
}
