//! Tests plugin secrets with the real binary: secrets from systemd, and responses that contain secrets.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    echo_server::Echo,
    support::{Home, Host, until},
};

const SECRET: &str = "hunter2/and+more=";

/// Returns a home with a plugin that sends its secret and posts the response. The secret comes from `source`.
fn home(source: &str, echo: &Echo) -> Home {
    let home = Home::with(&format!(
        "[secrets]\ntoken = {source}\n[plugins.leaks_secret]\ngrants = [\"chat\"]\nsecrets = [\"token\"]\nhttp = [\"* http://{}/*\"]\n\
         [plugins]\nprobation = \"0s\"\n",
        echo.address
    ));
    home.plug("leaks_secret", "leaks_secret");
    home
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_systemd_credential_is_a_secret() {
    let echo = Echo::start();
    let home = home("{ credential = \"api\" }", &echo);
    fs::create_dir(home.path("credentials")).unwrap();
    private(&home.path("credentials/api"), &format!("{SECRET}\n"));
    let folder = home.path("credentials");
    let mut host = home.start_with(&[("CREDENTIALS_DIRECTORY", folder.to_str().unwrap())]);
    host.say(&format!("/leaks_secret http://{}/x", echo.address));
    host.expect("said ");
    let requests = echo.requests().join("\n").to_lowercase();
    assert!(
        requests.contains(&format!("authorization: bearer {SECRET}\r\n")) && requests.ends_with(SECRET),
        "{requests}"
    );
    drop(host);
    // Without systemd, or with the wrong credentials directory, the log explains the failure.
    for (variables, why) in [
        (&[][..], "start the host with systemd and LoadCredential="),
        (&[("CREDENTIALS_DIRECTORY", "/nowhere")], "failed to read /nowhere/api"),
    ] {
        let mut host = home.start_with(variables);
        host.say(&format!("/leaks_secret http://{}/x", echo.address));
        host.expect("the secret 'token' cannot be read: see the log");
        assert!(host.expect_logged("failed to read a secret").contains(why), "{}", host.log());
    }
    assert_eq!(echo.requests().len(), 1);
}

#[test]
fn systemd_credentials_in_a_session_are_not_sent() {
    let home = Home::with("");
    let folder = home.path("state/sessions/a/credentials");
    let mut host = home.start_with(&[("CREDENTIALS_DIRECTORY", folder.to_str().unwrap())]);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    fs::create_dir(&folder).unwrap();
    private(&folder.join("api"), SECRET);
    host.ask("/get credentials/api", "The host can't read 'credentials/api': it belongs to Cordboard itself.");
    host.ask("/files credentials", "The host can't read 'credentials': it belongs to Cordboard itself.");
}

/// Returns the contents of all files below a folder, excluding compiled plugins.
fn written(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            all.extend(written(&path));
        } else if kind.is_file() && path.extension().is_none_or(|extension| extension != "cwasm") {
            all.extend(fs::read(path).unwrap());
        }
    }
    all
}

/// Checks that the text doesn't contain the secret in any encoding that the server echoes.
#[track_caller]
fn is_without_secret(what: &str, text: &[u8]) {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD.encode(format!("me:{SECRET}"));
    for form in [SECRET, "hunter2", "and%2Bmore", &hex, &base64, &base64[4..20]] {
        let found = text.windows(form.len()).any(|part| part == form.as_bytes());
        assert!(!found, "{what} contains {form}: {}", String::from_utf8_lossy(text));
    }
}

/// Makes the plugin send its secret to the server at `url`, and then try to leak the secret in several ways.
fn leak_everywhere(host: &mut Host<'_>, url: &str) {
    host.say(&format!("/leaks_secret {url}"));
    host.expect("said ");
    host.say("/recall");
    host.expect("x-echo=");
    host.say(&format!("/sorry {url}"));
    host.expect("sorry ");
    host.say(&format!("/fall {url}"));
    host.expect("/fall failed: plugin 'leaks_secret' ");
    host.expect_logged("fell ");
}

#[test]
fn an_echoed_secret_is_neither_shown_nor_stored() {
    let echo = Echo::start();
    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("token");
    private(&file, SECRET);
    let home = home(&format!("{file:?}"), &echo);
    let mut host = home.start();
    for form in ["plain", "base64", "percent", "hex"] {
        leak_everywhere(&mut host, &format!("http://{}/{form}", echo.address));
    }
    assert_eq!(echo.requests().len(), 12);
    assert!(echo.requests().iter().all(|request| request.ends_with(SECRET)), "the server always received the secret");
    until("all posts were sent", || host.chat().matches("posted ").count() == 12);
    is_without_secret("the chat", host.chat().as_bytes());
    is_without_secret("the log", host.log().as_bytes());
    is_without_secret("the store", &written(&home.state()));
    is_without_secret("/plugins", home.plugins().to_string().as_bytes());
    drop(host);
    is_without_secret("the store at rest", &written(&home.state()));
}
