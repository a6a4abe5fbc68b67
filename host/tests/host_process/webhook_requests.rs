//! Tests webhook requests: only authenticated ones reach the plugin.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::support::{Home, Host, HttpClient, extra};

mod load;

const SECRET: &str = "It's a Secret to Everybody";

const PUSH: &str = r#"{"ref":"refs/heads/main","commits":[{"message":"Mend it"}],"repository":{"full_name":"ada/board"},"sender":{"login":"ada"}}"#;

/// Returns a home that has a webhook server on a free port, a secret file, and the given configuration lines.
fn home(lines: &str) -> Home {
    let home = Home::new();
    let file = home.path("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let file = file.display();
    home.configure(&format!(
        "[webhook]\nlisten = \"127.0.0.1:0\"\nbody = \"1KiB\"\n[secrets]\nours = \"{file}\"\n{lines}"
    ));
    home
}

fn webhook_client(host: &mut Host<'_>) -> HttpClient {
    HttpClient::of(host, "listening for webhook requests")
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[test]
fn only_a_signed_push_is_posted_to_the_chat() {
    let home = home("[plugins.github]\ngrants = [\"chat\"]\n[plugins.github.webhook]\nhmac = \"ours\"\n");
    home.plug_bytes("github", &extra("github"));
    let mut host = home.start();
    let client = webhook_client(&mut host);
    host.say("/github here");
    host.expect("GitHub's events are posted here.");
    let signed = signature(PUSH);
    let head = [("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "1"), ("X-Hub-Signature-256", signed.as_str())];
    let wrong = signature("another body");
    let bad = [("X-GitHub-Event", "push"), ("X-Hub-Signature-256", wrong.as_str())];
    assert_eq!(client.ask("POST /hooks/github", &bad, PUSH).0, 401);
    assert_eq!(client.ask("POST /hooks/github", &[("X-GitHub-Event", "push")], PUSH).0, 401);
    let log = host.expect_logged("rejecting requests");
    assert!(log.contains("its token or signature is missing or wrong"), "{log}");
    assert_eq!(client.ask("POST /hooks/github", &head, PUSH), (200, "posted\n".to_owned()));
    host.expect("**ada** pushed 1 commit to `main` of **ada/board**:");
    host.expect("Mend it");
    assert_eq!(client.ask("POST /hooks/github", &head, PUSH), (200, "this delivery was already reported\n".to_owned()));
    assert_eq!(host.chat().matches("pushed 1 commit").count(), 1);
    assert!(!host.log().contains("Everybody"), "{}", host.log());
}

#[test]
fn request_errors_are_explained_in_one_line() {
    let home = home("[plugins.webhook_echo.webhook]\ntoken = \"ours\"\n");
    home.plug("webhook_echo", "webhook_echo");
    home.plug("open", "webhook_echo");
    home.plug("echo", "echo");
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let bearer = format!("Bearer {SECRET}");
    let good = [("Authorization", bearer.as_str())];
    for nobody in ["/", "/hooks/", "/hooks/nobody", "/hooks/echo", "/webhook_echo"] {
        assert_eq!(client.ask(&format!("GET {nobody}"), &good, "").0, 404, "{nobody}");
    }
    assert_eq!(client.ask("TRACE /hooks/webhook_echo", &good, "").0, 405);
    assert_eq!(client.ask("POST /hooks/webhook_echo", &[("Authorization", "Bearer wrong")], "x").0, 401);
    let (status, text) = client.ask("POST /hooks/webhook_echo", &good, &"x".repeat(1025));
    assert_eq!((status, text.as_str()), (413, "the body has more than 1024 bytes\n"));
    let chunked = format!(
        "POST /hooks/webhook_echo HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n{}\r\n0\r\n\r\n",
        "x".repeat(2048)
    );
    assert!(client.send(chunked.as_bytes()).starts_with("HTTP/1.1 413 "));
    let many: Vec<_> = (0..70).map(|_| ("X-Many", "x")).collect();
    assert_eq!(client.ask("GET /hooks/webhook_echo", &many, "").0, 431);
    let (status, text) = client.ask("POST /hooks/open", &good, "x");
    assert_eq!(status, 403, "{text}");
    let log = host.expect_logged("[plugins.open.webhook]");
    assert!(log.contains("hmac = ") && log.contains("[secrets]"), "{log}");
}

#[test]
fn a_plugin_without_webhook_auth_names_the_line_to_add() {
    let home = home("");
    home.plug("receiver", "webhook_echo");
    let line =
        "no authentication is configured: add [plugins.receiver.webhook] with hmac = \"NAME\" or token = \"NAME\"";
    let checked = home.run(&["check", "--plugins", home.path("plugins").to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let (listed, why) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(listed.contains("plugin         no webhook auth  receiver\n") && why.contains(line), "{listed}{why}");
    let mut host = home.start();
    let client = webhook_client(&mut host);
    for headers in [&[][..], &[("Authorization", "Bearer "), ("X-Hub-Signature-256", "sha256=")]] {
        assert_eq!(client.ask("POST /hooks/receiver", headers, "x").0, 403);
    }
    host.say("/plugins");
    let shown = host.expect("`views` ok");
    assert!(
        shown.contains("`receiver` no webhook auth - ") && shown.contains("add [plugins.receiver.webhook] with hmac"),
        "{shown}"
    );
    let text = fs::read_to_string(home.path("config.toml")).unwrap();
    home.write_config(&format!("{text}\n[plugins.receiver.webhook]\ntoken = \"ours\"\n"));
    host.expect_logged("version activated");
    host.say("/plugins");
    let shown = host.expect("`views` ok");
    assert!(shown.contains("`receiver` ok - ") && !shown.contains("webhook"), "{shown}");
    assert!(home.run(&["check", "--plugins", home.path("plugins").to_str().unwrap()]).status.success());
}

#[test]
fn a_plugin_sees_no_credentials_and_its_errors_stay_local() {
    let home = home("[plugins.webhook_echo.webhook]\ntoken = \"ours\"\nheader = \"X-Gitlab-Token\"\n");
    home.plug("webhook_echo", "webhook_echo");
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let good = [("X-Gitlab-Token", SECRET), ("Authorization", "Basic abc"), ("Cookie", "a=b"), ("X-Kind", "push")];
    let (status, body) = client.ask("PUT /hooks/webhook_echo/a%20b?c=d&e", &good, "the body");
    assert_eq!(status, 200);
    assert_eq!(body, "PUT /a%20b ?c=d&e\nhost: x\nx-kind: push\ncontent-length: 8\nthe body\n");
    for path in ["trap", "sorry", "odd", "big"] {
        let (status, body) = client.ask(&format!("GET /hooks/webhook_echo/{path}"), &good, "");
        assert_eq!((status, body.as_str()), (500, "'webhook_echo' failed to answer; see the host's log\n"), "{path}");
        host.expect_logged("failed to answer a request");
    }
    assert!(host.log().contains("use 200 to 599"), "{}", host.log());
    // Idle connections don't block other clients.
    let silent: Vec<_> = (0..8).map(|_| client.connect()).collect();
    assert_eq!(client.ask("GET /hooks/webhook_echo", &good, "").0, 200);
    drop(silent);
    home.write_config(&fs::read_to_string(home.path("config.toml")).unwrap().replace("\ntoken = \"ours\"", ""));
    host.expect_logged("configuration changed");
    assert_eq!(client.ask("GET /hooks/webhook_echo", &good, "").0, 403);
}

#[test]
fn an_address_in_use_prevents_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::with(&format!("[webhook]\nlisten = \"{address}\"\n"));
    let mut host = home.start();
    assert_eq!(host.wait().code(), Some(1));
    let (_, log) = host.rest();
    assert!(log.contains(&format!("failed to listen for webhook requests on {address}")), "{log}");
    assert!(log.contains("[webhook] listen"), "{log}");
}
