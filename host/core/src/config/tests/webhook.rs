//! Tests the address of the webhook listener and the authentication of requests.

use super::super::{Area, WebhookAuth, diff, load};

const SECRETS: &str = "[secrets]\ngithub = \"/etc/cordboard/github\"\n";

fn proofs(lines: &str) -> WebhookAuth {
    let config = load(&format!("{SECRETS}[plugins.a.webhook]\n{lines}")).unwrap_or_else(|error| panic!("{error}"));
    config.plugins.webhook_auth_of("a")
}

fn why(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

#[test]
fn the_webhook_server_is_off_by_default() {
    let config = load("").unwrap();
    assert_eq!((config.webhook.listen, config.webhook.body), (None, 1 << 20));
    assert_eq!(config.plugins.webhook_auth_of("github"), WebhookAuth::default());
    assert_eq!(proofs(""), WebhookAuth::default());
}

#[test]
fn only_loopback_addresses_are_accepted() {
    for good in ["127.0.0.1:8787", "127.0.0.2:0", "[::1]:8787"] {
        assert!(load(&format!("[webhook]\nlisten = \"{good}\"")).unwrap().webhook.listen.is_some(), "{good}");
    }
    for bad in
        ["0.0.0.0:8787", "[::]:8787", "192.168.1.2:80", "127.0.0.1", "localhost:8787", ":8787", "[::ffff:127.0.0.1]:80"]
    {
        let why = why(&format!("[webhook]\nlisten = \"{bad}\""));
        assert!(why.contains("must be a loopback address with a port"), "{why}");
    }
}

#[test]
fn a_proof_names_a_secret() {
    let wanted = WebhookAuth { hmac: Some("github".to_owned()), header: Some("x-signature".to_owned()), token: None };
    assert_eq!(proofs("hmac = \"github\"\nheader = \"X-Signature\""), wanted);
    assert_eq!(proofs("token = \"github\"").token.as_deref(), Some("github"));
    let why = why("[plugins.a.webhook]\nhmac = \"It's a Secret to Everybody\"");
    assert!(why.starts_with("line 2, column 8: 'hmac' in [plugins.a.webhook] must be the name of a secret"), "{why}");
    assert!(!why.contains("Everybody"), "{why}");
}

#[test]
fn a_misspelt_key_is_reported_with_the_right_one() {
    let why = why("[plugins.a.webhook]\nhmca = \"github\"");
    assert_eq!(why, "line 2, column 1: unknown key 'hmca' in [plugins.a.webhook]; did you mean 'hmac'?");
}

#[test]
fn changes_except_the_address_apply_at_once() {
    let (old, new) =
        (load(SECRETS).unwrap(), load(&format!("{SECRETS}[plugins.a.webhook]\nhmac = \"github\"")).unwrap());
    let changes = diff(&old, &new);
    assert!(changes.plugins["a"].webhook && changes.restart.is_empty(), "{changes:?}");
    let old = load(&format!("{SECRETS}[plugins.a.webhook]\nhmac = \"github\"")).unwrap();
    let moved = SECRETS.replace("= \"", "= \"/moved");
    let new = load(&format!("{moved}[plugins.a.webhook]\nhmac = \"github\"")).unwrap();
    assert!(diff(&old, &new).plugins["a"].webhook, "the file of its secret changed");
    let new = load("[webhook]\nlisten = \"127.0.0.1:1\"\nbody = \"2MiB\"").unwrap();
    let changes = diff(&load("").unwrap(), &new);
    assert_eq!(changes.areas.into_iter().collect::<Vec<_>>(), [Area::Webhook]);
    assert_eq!(changes.restart.into_iter().collect::<Vec<_>>(), ["webhook.listen"]);
}
