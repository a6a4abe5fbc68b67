//! Tests the URL of the Telegram webhook, and the address of its listener.

use super::super::{TakesEffect, load, takes_effect};

fn why(line: &str) -> String {
    load(&format!("[telegram]\n{line}\n")).unwrap_err().to_string()
}

#[test]
fn polling_is_the_default() {
    let telegram = load("").unwrap().telegram;
    assert_eq!(telegram.webhook, None);
    assert_eq!(telegram.webhook_listen.map(|address| address.to_string()).as_deref(), Some("127.0.0.1:8790"));
    for key in ["webhook", "webhook_listen"] {
        assert_eq!(takes_effect("telegram", key), Some(TakesEffect::NextStart));
    }
}

#[test]
fn valid_webhook_urls_keep_their_path() {
    for (url, path) in [
        ("https://bot.example.org/telegram", "/telegram"),
        ("https://bot.example.org:8443/a/b-c_d/", "/a/b-c_d/"),
        ("https://192.0.2.1:88/%20", "/%20"),
        ("https://bücher.example/t", "/t"),
    ] {
        let config = load(&format!("[telegram]\nwebhook = \"{url}\"")).unwrap_or_else(|error| panic!("{error}"));
        let webhook = config.telegram.webhook.unwrap();
        assert_eq!((webhook.as_str(), webhook.path()), (url, path));
    }
}

#[test]
fn an_invalid_webhook_url_is_rejected_with_a_remedy() {
    for (url, remedy) in [
        ("http://bot.example.org/t", "must begin with https://"),
        ("bot.example.org/t", "must begin with https://"),
        ("https://", "must have the name or the IPv4 address"),
        ("https:///t", "must have the name or the IPv4 address"),
        ("https://[::1]/t", "must have the name or the IPv4 address"),
        ("https://bot example.org/t", "must have the name or the IPv4 address"),
        ("https://bot.example.org:8790/t", "(443, 80, 88 or 8443)"),
        ("https://bot.example.org:/t", "(443, 80, 88 or 8443)"),
        ("https://bot.example.org:https/t", "(443, 80, 88 or 8443)"),
        ("https://bot.example.org", "must have a path"),
        ("https://bot.example.org/", "must have a path"),
        ("https://bot.example.org/t?a=b", "without a query"),
        ("https://bot.example.org/t#a", "without a query"),
        ("https://bot.example.org/a b", "plain characters"),
        ("https://bot.example.org/ü", "plain characters"),
    ] {
        let why = why(&format!("webhook = \"{url}\""));
        assert!(why.starts_with("line 2, column 11: 'webhook' in [telegram] must "), "{why}");
        assert!(why.contains(remedy) && why.contains("\"https://bot.example.org/telegram\""), "{url}: {why}");
    }
}

#[test]
fn a_password_in_a_webhook_url_is_not_shown() {
    let why = why("webhook = \"https://ada:hunter22@bot.example.org/t\"");
    assert!(why.contains("must not contain a user name or a password") && !why.contains("hunter22"), "{why}");
}

#[test]
fn the_listener_accepts_only_loopback_addresses() {
    let why = why("webhook_listen = \"0.0.0.0:8790\"");
    assert!(why.contains("'webhook_listen' in [telegram] must be a loopback address with a port"), "{why}");
}
