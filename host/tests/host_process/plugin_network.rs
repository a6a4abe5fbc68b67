//! Tests the network access of plugins with the real binary: secrets from systemd, responses that contain secrets, and
//! proxies in the environment.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::support::{Home, Host, until};

const SECRET: &str = "hunter2/and+more=";

/// A server that records requests. It responds with the request's body in the encoding that the path names.
struct Echo {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let recorded = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let recorded = Arc::clone(&recorded);
                thread::spawn(move || answer(&stream, &recorded));
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(stream: &TcpStream, recorded: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    recorded.lock().unwrap().push(format!("{head}{body}"));
    let response = match head.split(' ').nth(1).unwrap_or_default() {
        "/base64" => STANDARD.encode(format!("me:{body}")),
        "/percent" => body.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"),
        "/hex" => body.bytes().map(|byte| format!("{byte:02x}")).collect(),
        _ => body,
    };
    let answer =
        format!("HTTP/1.1 200 OK\r\nx-echo: {response}\r\ncontent-length: {}\r\n\r\n{response}", response.len());
    // The client may have disconnected.
    let _: std::io::Result<()> = (&*stream).write_all(answer.as_bytes());
}

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
    // Without systemd or with another credentials directory, the error says what to do.
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
fn proxies_of_the_environment_are_ignored() {
    let (echo, proxy) = (Echo::start(), Echo::start());
    let home = Home::with(&format!(
        "[plugins.http_client]\nsecrets = [\"token\"]\ntcp = [\"{0}\"]\nhttp = [\"http://{0}/*\", \"https://{0}/*\"]\n[secrets]\ntoken = \"/nowhere\"\n",
        echo.address
    ));
    home.plug("http_client", "http_client");
    let url = format!("http://{}", proxy.address);
    let names = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let mut variables: Vec<(&str, &str)> = names.iter().map(|&name| (name, url.as_str())).collect();
    variables.extend([("no_proxy", ""), ("NO_PROXY", "")]);
    let mut host = home.start_with(&variables);
    host.say(&format!("/fetch http://{}/x", echo.address));
    host.expect("200 ");
    // The server doesn't speak TLS. If the host used the proxy, the proxy would receive a CONNECT request.
    host.say(&format!("/fetch https://{}/y", echo.address));
    host.expect("TLS");
    let (name, port) = echo.address.split_once(':').unwrap();
    host.say(&format!("/knock {name} {port}"));
    host.expect("connected, sound");
    assert!(echo.requests().iter().any(|request| request.starts_with("GET /x HTTP/1.1\r\n")), "{:?}", echo.requests());
    assert_eq!(proxy.requests(), Vec::<String>::new());
}

/// Returns the contents of all files below a folder, except for compiled plugins.
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

/// Checks that the text doesn't contain the secret in any of the encodings in which it was echoed.
#[track_caller]
fn is_without_secret(what: &str, text: &[u8]) {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD.encode(format!("me:{SECRET}"));
    for form in [SECRET, "hunter2", "and%2Bmore", &hex, &base64, &base64[4..20]] {
        let found = text.windows(form.len()).any(|part| part == form.as_bytes());
        assert!(!found, "{what} has {form}: {}", String::from_utf8_lossy(text));
    }
}

/// Makes the plugin send its secret to the server at `url`, and then try to reveal it in several ways.
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
    assert!(echo.requests().iter().all(|request| request.ends_with(SECRET)), "the server received it each time");
    until("all posts were sent", || host.chat().matches("posted ").count() == 12);
    is_without_secret("the chat", host.chat().as_bytes());
    is_without_secret("the log", host.log().as_bytes());
    is_without_secret("the store", &written(&home.state()));
    is_without_secret("/plugins", home.plugins().to_string().as_bytes());
    drop(host);
    is_without_secret("the store at rest", &written(&home.state()));
}
