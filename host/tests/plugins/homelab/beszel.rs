//! Tests `/beszel` against a fake Beszel hub.

use super::{
    Lab, SECRET,
    fake_server::{FakeResponse, FakeServer, RecordedRequest, good},
};
use crate::network::UnusedPort;

/// The token that the Beszel hub returns after a login.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.c3RhbmQtaW4.x";

const SYSTEMS: &str = "GET /api/collections/systems/records?perPage=200&sort=name&fields=name,status,info,updated";

const LOGIN: &str = "POST /api/collections/users/auth-with-password";

fn table(url: &str) -> String {
    format!(
        "[plugins.beszel]\nhttp = [\"{url}/api/*\", \"POST {url}/api/collections/users/auth-with-password\"]\nsecrets = [\"beszel\"]\n\
         [plugins.beszel.config]\nurl = \"{url}\"\nuser = \"chat@home.lan\"\n"
    )
}

fn hub(request: &RecordedRequest) -> FakeResponse {
    match request.line.as_str() {
        LOGIN if request.body.contains("\"identity\":\"chat@home.lan\"") && request.body.contains(SECRET) => {
            good(include_str!("../../../../plugins/beszel/tests/data/login.json"))
        }
        LOGIN => Some((400, include_str!("../../../../plugins/beszel/tests/data/login-refused.json").to_owned())),
        // The Beszel hub hides systems that the user may not see, instead of refusing the request.
        SYSTEMS if request.authorization != TOKEN => {
            good(r#"{"items":[],"page":1,"perPage":200,"totalItems":0,"totalPages":0}"#)
        }
        SYSTEMS => good(include_str!("../../../../plugins/beszel/tests/data/systems.json")),
        _ => Some((404, r#"{"data":{},"message":"The requested resource wasn't found.","status":404}"#.to_owned())),
    }
}

#[tokio::test]
async fn the_systems_are_shown_after_a_login() {
    let beszel = FakeServer::start(hub).await;
    let lab = Lab::new("beszel", &table(&beszel.url)).await;
    let shown = "5 systems, 1 down:\n\
                🟡 nas CPU 12%, memory 63%, disk 72%, tank 93%, 54 °C, 2 failed services, up 12 d\n\
                🟢 pve1 CPU <1%, memory 31%, disk 40%, up 1 d\n\
                🔴 pve2 has been down for 3 h\n\
                ⚪ lab has been paused for 20 d\n\
                ⚪ new has been pending for 5 min";
    assert_eq!(lab.read("beszel").await, shown);
    assert_eq!(beszel.lines(), [LOGIN, SYSTEMS]);
}

#[tokio::test]
async fn errors_are_one_line() {
    let refused =
        "Beszel refused the login (400: Failed to authenticate). Check user and its secret in [plugins.beszel.config].";
    let odd_login = "Beszel at URL returned an unexpected response for /api/collections/users/auth-with-password: `token` is missing. Supported: a Beszel hub, 0.5 to 0.18.";
    let other = "Beszel at URL has no /api/collections/users/auth-with-password (404). Check url in [plugins.beszel.config], and that the server is \
                 a Beszel hub, 0.5 to 0.18.";
    for (status, body, shown) in [
        (400, include_str!("../../../../plugins/beszel/tests/data/login-refused.json"), refused),
        (200, r#"{"record":{}}"#, odd_login),
        (404, "<html>", other),
    ] {
        let beszel = FakeServer::responding(status, body).await;
        let lab = Lab::new("beszel", &table(&beszel.url)).await;
        assert_eq!(lab.read("beszel").await, shown.replace("URL", &beszel.url));
    }
    let odd = |request: &RecordedRequest| match request.line.as_str() {
        SYSTEMS => good(r#"{"items":[{"name":"nas","status":"up","info":{"cpu":"low"}}]}"#),
        _ => hub(request),
    };
    let beszel = FakeServer::start(odd).await;
    let shown = Lab::new("beszel", &table(&beszel.url)).await.read("beszel").await;
    assert!(
        shown.ends_with(": `items[0].info.cpu` is not a number but \"low\". Supported: a Beszel hub, 0.5 to 0.18."),
        "{shown}"
    );

    let nobody = UnusedPort::reserve();
    let url = format!("http://127.0.0.1:{}", nobody.port);
    let shown = Lab::new("beszel", &table(&url)).await.read("beszel").await;
    assert!(shown.starts_with(&format!("Beszel at {url} can't be reached: ")), "{shown}");
}

#[tokio::test]
async fn the_login_needs_its_own_grant() {
    let beszel = FakeServer::start(hub).await;
    let reading =
        table(&beszel.url).replace(&format!(", \"POST {}/api/collections/users/auth-with-password\"", beszel.url), "");
    let shown = Lab::new("beszel", &reading).await.read("beszel").await;
    let begin = format!("POST {}/api/collections/users/auth-with-password was not granted; add to ", beszel.url);
    assert!(shown.starts_with(&begin), "{shown}");
    assert!(beszel.lines().is_empty(), "nothing was sent");
}
