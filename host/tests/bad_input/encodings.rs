//! Tests files that an editor has saved with a byte order mark, with CRLF line breaks, or as UTF-16.

use std::{fs, os::unix::fs::PermissionsExt};

use super::host::{Home, QUICK};

const UTF_16: &str = "it is UTF-16, as some Windows editors write it: save it as UTF-8";

fn little_endian(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big_endian_without_mark(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Replaces the configuration with these bytes.
fn configure(home: &Home, bytes: &[u8]) {
    fs::write(home.path("new"), bytes).unwrap();
    fs::rename(home.path("new"), home.path("config.toml")).unwrap();
}

#[test]
fn a_configuration_with_a_mark_and_crlf_is_used() {
    let with = |minutes| {
        let table = format!("\u{feff}[sessions]\nidle_timeout = \"{minutes}m\"\n{QUICK}");
        table.replace('\n', "\r\n").into_bytes()
    };
    let home = Home::new("");
    configure(&home, &with(7));
    assert_eq!(home.ask("check", &[]).code, Some(0));
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("/timeout", "Idle timeout: 7 minutes");
    configure(&home, &with(8));
    host.log("configuration changed");
    host.ask_until("/timeout", "Idle timeout: 8 minutes");
    host.exchange("hello", "You said: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn a_utf_16_configuration_is_named_and_changes_nothing() {
    let home = Home::new(QUICK);
    let path = home.path("config.toml").display().to_string();
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    for bytes in [little_endian("[sessions]\nqueue = 1\n"), big_endian_without_mark("[sessions]\nqueue = 1\n")] {
        configure(&home, &bytes);
        host.hear(&format!(
            "The new configuration can't be used, and the previous one stays active:\n{path} cannot be used: {UTF_16}"
        ));
        let ended = home.ask("check", &[]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains(&path) && ended.err.contains(UTF_16), "{}", ended.err);
        home.configure(QUICK);
        host.hear("The configuration is valid again and active.");
    }
    host.exchange("hello", "You said: hello");
    assert_eq!(host.end().code, Some(0));
}

#[test]
fn the_encoding_of_a_token_and_a_secret_is_named() {
    let home = Home::new("");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(home.path(name), bytes).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    let key = home.path("key").display().to_string();
    home.configure(&format!("[telegram]\ntoken_file = \"token\"\n[secrets]\nkey = {key:?}\n"));
    write("token", "\u{feff}42:AbC-dEf_ghijklmnop\r\n".as_bytes());
    write("key", "\u{feff}swordfish\r\n".as_bytes());
    let ended = home.ask("check", &[]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    write("token", &little_endian("42:AbC-dEf_ghijklmnop"));
    write("key", &big_endian_without_mark("swordfish"));
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    for place in [&home.path("token").display().to_string(), &key] {
        let line = ended.err.lines().find(|line| line.contains(place.as_str()));
        assert!(line.is_some_and(|line| line.contains(UTF_16)), "{place}: {}", ended.err);
    }
}
