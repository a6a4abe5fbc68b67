//! Tests who has access to the status page, and that a changed configuration restarts only its listener.

use std::{
    fs::{self, Permissions},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
};

use super::{
    super::support::{Home, until},
    Events, LISTEN, status_client,
};

const TOKEN: &str = "3f0c9a61b7d24e58";

fn write_token(home: &Home, token: &str) {
    let file = home.path("status-token");
    fs::write(&file, format!("{token}\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn requests_for_foreign_host_names_are_refused() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    for path in ["/", "/events", "/metrics", "/status.js", "/unknown"] {
        let answer = client.get(path, &[("host", "evil.example")]);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("[status] hosts"), "{}", answer.body);
    }
    assert_eq!(client.get("/", &[("host", "localhost")]).status, 200);
    host.expect_logged("rejecting requests to the status page");
    let shown = Events::open(&client, "/events").next().unwrap();
    let logged = &shown["host"]["log"][0];
    assert!(logged["level"] == "warning" && logged["text"].as_str().unwrap().contains("rejecting"), "{logged}");
    let config = format!("{LISTEN}users = [\"ada@example.com\"]\nhosts = [\"box.example.com\"]\n");
    home.configure(&config);
    let client = status_client(&mut host);
    let proxied = [("host", "box.example.com"), ("tailscale-user-login", "ada@example.com")];
    assert_eq!(client.get("/", &proxied).status, 200);
    assert_eq!(client.get("/", &proxied[..1]).status, 403);
}

#[test]
fn a_token_opens_the_page_and_can_be_replaced() {
    let home = Home::with(&format!("{LISTEN}token_file = \"status-token\"\n"));
    write_token(&home, TOKEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    for path in ["/", "/events", "/metrics", "/status.js", "/sessions/a", "/unknown"] {
        let answer = client.get(path, &[]);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{path}");
    }
    let refused = client.get("/", &[("accept", "text/html")]);
    assert!(refused.status == 401 && refused.body.contains("<a href=\"/\">"), "{}", refused.body);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(client.get("/metrics", &[("authorization", &bearer)]).status, 200);
    let link = client.get(&format!("/sessions/a?token={TOKEN}"), &[]);
    assert_eq!((link.status, link.header("location")), (303, "/sessions/a"));
    let cookie = link.header("set-cookie").split(';').next().unwrap();
    assert!(link.header("set-cookie").contains("HttpOnly; SameSite=Strict"), "{}", link.head);
    assert_eq!(client.get("/", &[("cookie", cookie)]).status, 200);
    write_token(&home, "another-0123456789");
    assert_eq!(client.get("/", &[("cookie", cookie)]).status, 401);
    assert_eq!(client.get("/metrics", &[("authorization", &bearer)]).status, 401);
    assert_eq!(client.get("/metrics", &[("authorization", "Bearer another-0123456789")]).status, 200);
    write_token(&home, "too-short");
    let answer = client.get("/", &[("authorization", "Bearer too-short")]);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (500, "the token of the status page can't be read; see the host's log\n")
    );
    host.expect_logged("at least 16 characters");
    fs::remove_file(home.path("status-token")).unwrap();
    assert_eq!(client.get("/", &[]).status, 500);
    assert!(!host.log().contains(TOKEN), "{}", host.log());
}

#[test]
fn check_reports_an_unusable_token() {
    let home = Home::with(&format!("{LISTEN}token_file = \"status-token\"\n"));
    write_token(&home, TOKEN);
    assert!(home.printed(&["check"]).contains("\nstatus token   ok  "));
    write_token(&home, "too-short");
    for problem in ["at least 16 characters", "No such file"] {
        let checked = home.run(&["check"]);
        let why = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert_eq!(checked.status.code(), Some(1), "{why}");
        assert!(why.contains("[status] token_file: ") && why.contains(problem), "{why}");
        // The file exists only for the first check.
        let _: std::io::Result<()> = fs::remove_file(home.path("status-token"));
    }
}

#[test]
fn a_new_address_applies_at_once_and_ends_open_pages() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let old = status_client(&mut host);
    let mut events = Events::open(&old, "/events");
    events.next().unwrap();
    write_token(&home, TOKEN);
    home.configure(&format!("{LISTEN}token_file = \"status-token\"\n"));
    let new = status_client(&mut host);
    while events.next().is_some() {}
    assert_eq!(new.get("/", &[]).status, 401);
    if old.address != new.address {
        assert!(TcpStream::connect(&old.address).is_err());
    }
    home.configure("");
    until("the listener is closed", || TcpStream::connect(&new.address).is_err());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    home.configure(&format!("[status]\nlisten = \"{address}\"\n"));
    host.expect(&format!("The status page is off: can't listen on {address}: "));
    drop(taken);
    home.configure("[status]\nlisten = \"127.0.0.1:0\"\n");
    assert_eq!(status_client(&mut host).get("/", &[]).status, 200);
}

#[test]
fn an_address_in_use_prevents_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::with(&format!("[status]\nlisten = \"{address}\"\n"));
    let mut host = home.start();
    assert_eq!(host.wait().code(), Some(1));
    let (_, log) = host.rest();
    assert!(log.contains(&format!("failed to open the status page: can't listen on {address}: ")), "{log}");
    assert!(log.contains("[status] listen"), "{log}");
}
