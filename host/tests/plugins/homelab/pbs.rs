//! Tests `/pbs` against a fake Proxmox Backup Server.

use super::{
    Lab, SECRET,
    fake_server::{FakeResponse, FakeServer, RecordedRequest, good},
};
use crate::network::UnusedPort;

fn table(url: &str) -> String {
    format!(
        "[plugins.pbs]\nhttp = [\"{url}/api2/json/*\"]\nsecrets = [\"pbs\"]\n[plugins.pbs.config]\nurl = \"{url}\"\ntoken = \"chat@pbs!cordboard\"\n"
    )
}

/// Imitates a Proxmox Backup Server that accepts only the token that contains [`SECRET`].
fn server(request: &RecordedRequest) -> FakeResponse {
    if request.authorization != format!("PBSAPIToken chat@pbs!cordboard:{SECRET}") {
        return Some((401, "authentication failed - invalid credentials".to_owned()));
    }
    match request.line.as_str() {
        "GET /api2/json/status/datastore-usage" => good(include_str!("../../../../plugins/pbs/tests/data/usage.json")),
        "GET /api2/json/nodes/localhost/tasks?limit=500&since=1794663936" => {
            good(include_str!("../../../../plugins/pbs/tests/data/tasks.json"))
        }
        _ => Some((404, "Path not found.".to_owned())),
    }
}

#[tokio::test]
async fn datastores_and_jobs_are_shown() {
    let pbs = FakeServer::start(server).await;
    let lab = Lab::new("pbs", &table(&pbs.url)).await;
    let host = pbs.url.trim_start_matches("http://");
    let shown = format!(
        "Datastores of {host}\n\
         🟢 main ▓▓▓▓▓▓░░░░ 61%, 4.9 TB of 8.0 TB, deduplicated 12.4 to 1, full in 150 d\n\
         🟡 archive ▓▓▓▓▓▓▓▓▓░ 93%, 1.9 TB of 2.0 TB, full in 5 d, 3 bad chunks (verify the datastore)\n\
         🟢 cold ▓░░░░░░░░░ 10%, 100 GB of 1.0 TB\n\
         ⚪ usb is not mounted\n\
         🔴 broken datastore 'broken' is in offline maintenance mode: new disks\n\
         ⚪ theirs is not visible to this token: give the token and its user the role DatastoreAudit\n\
         \n\
         Jobs of the last 7 days\n\
         🟡 Backup: 3h ago, 2 runs, 1 failed\n\
         🔴 Verify: running for 10 min, failed 1d ago, 2 runs, 1 failed\n\
         🟢 Prune: 1d ago, 1 run\n\
         🟡 Garbage collection: 1d ago with warnings, 1 run\n\
         🔴 Sync: failed 1d ago, 1 run, 1 failed\n\
         ❌ Backup main:ct/102 1d ago: backup ended but finished flag is not set.\n\
         ❌ Sync offsite:main:archive::s-77 1d ago: it ended without a message\n\
         ❌ Verify main:v-1a2b 1d ago: verification failed - please check the log for details"
    );
    assert_eq!(lab.read("pbs").await, shown);
    let reply = lab.test_host.call("pbs").await.unwrap();
    assert_eq!(reply.buttons[0][0].command, "/pbs");
}

#[tokio::test]
async fn errors_are_one_line() {
    let known = "Proxmox Backup Server 2.2 to 4.";
    let path = "/api2/json/status/datastore-usage";
    let check = format!("Check url in [plugins.pbs.config], and that the server is {known}");
    let odd = |what: &str| format!("at URL returned an unexpected response for {path}: {what}. Supported: {known}");
    let refused = "authentication failed - invalid credentials";
    for (status, body, shown) in [
        (
            401,
            refused,
            format!("refused the login (401: {refused}). Check token and its secret in [plugins.pbs.config]."),
        ),
        (404, "<html>nginx</html>", format!("at URL has no {path} (404). {check}")),
        (
            200,
            "<!doctype html>",
            format!("at URL returned something other than JSON for {path}: '<!doctype html>'. {check}"),
        ),
        (200, r#"{"data":[{"name":"main"}]}"#, odd("`data[0].store` is missing")),
        (200, r#"{"success":1}"#, odd("`data` is missing")),
    ] {
        let pbs = FakeServer::responding(status, body).await;
        let lab = Lab::new("pbs", &table(&pbs.url)).await;
        assert_eq!(lab.read("pbs").await, format!("Proxmox Backup Server {}", shown.replace("URL", &pbs.url)));
        assert_eq!(pbs.lines(), [format!("GET {path}")]);
    }
}

#[tokio::test]
async fn unreachable_and_not_granted_are_distinguished() {
    let nobody = UnusedPort::reserve();
    let url = format!("http://127.0.0.1:{}", nobody.port);
    let shown = Lab::new("pbs", &table(&url)).await.read("pbs").await;
    let begin = format!("Proxmox Backup Server at {url} can't be reached: failed to connect to ");
    assert!(shown.starts_with(&begin), "{shown}");
    assert!(
        shown.ends_with(": connection refused. Check that it runs and that `url` in [plugins.pbs.config] is correct."),
        "{shown}"
    );

    let other = table(&url).replace(&format!("http = [\"{url}/api2/json/*\"]"), "http = [\"https://pbs.lan/*\"]");
    let shown = Lab::new("pbs", &other).await.read("pbs").await;
    let line = format!(
        "add to [plugins.pbs] in the configuration: http = [\"https://pbs.lan/*\", \"{url}/api2/json/status/datastore-usage\"]"
    );
    assert!(shown.ends_with(&line), "{shown}");

    let other = table(&url) + "secret = \"other\"\n";
    let shown = Lab::new("pbs", &other).await.read("pbs").await;
    let why =
        r#"the secret "other" was not granted; add to [plugins.pbs] in the configuration: secrets = ["pbs", "other"]"#;
    assert_eq!(shown, format!("{why}. The key `secret` sets its name in [plugins.pbs.config]."));
}

#[tokio::test]
async fn an_echoed_secret_is_scrubbed() {
    let pbs = FakeServer::start(|request| Some((500, format!("unknown token {}", request.authorization)))).await;
    let lab = Lab::new("pbs", &table(&pbs.url)).await;
    let shown = lab.read("pbs").await;
    assert!(
        shown.starts_with(&format!("Proxmox Backup Server at {} failed (500: unknown token PBSAPIToken", pbs.url)),
        "{shown}"
    );
    assert!(pbs.requests.lock().unwrap()[0].authorization.ends_with(SECRET), "the server received the secret");
}
