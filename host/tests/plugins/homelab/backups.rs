//! Tests `/backups` against a fake Proxmox Backup Server.

use super::{
    Lab, SECRET,
    fake_server::{FakeResponse, FakeServer, RecordedRequest, good},
};
use crate::network::UnusedPort;

fn table(url: &str) -> String {
    format!(
        "[plugins.backups]\nhttp = [\"{url}/api2/json/*\"]\nsecrets = [\"backups\"]\n[plugins.backups.config]\nurl = \"{url}\"\n\
         token = \"chat@pbs!cordboard\"\nsecret = \"backups\"\n"
    )
}

fn server(request: &RecordedRequest) -> FakeResponse {
    if request.authorization != format!("PBSAPIToken chat@pbs!cordboard:{SECRET}") {
        return Some((401, "authentication failed - invalid credentials".to_owned()));
    }
    match request.line.as_str() {
        "GET /api2/json/status/datastore-usage" => {
            good(include_str!("../../../../plugins/backups/tests/data/usage.json"))
        }
        "GET /api2/json/admin/datastore/main/namespace" => {
            good(include_str!("../../../../plugins/backups/tests/data/namespaces.json"))
        }
        "GET /api2/json/admin/datastore/main/groups" => {
            good(include_str!("../../../../plugins/backups/tests/data/groups.json"))
        }
        "GET /api2/json/admin/datastore/main/groups?ns=lab" => {
            good(include_str!("../../../../plugins/backups/tests/data/groups-lab.json"))
        }
        "GET /api2/json/admin/datastore/offsite/namespace" => good(r#"{"data":[{"ns":""}]}"#),
        "GET /api2/json/admin/datastore/offsite/groups" => {
            good(include_str!("../../../../plugins/backups/tests/data/groups-offsite.json"))
        }
        _ => Some((404, "Path not found.".to_owned())),
    }
}

#[tokio::test]
async fn the_newest_backup_of_each_guest_is_shown() {
    let pbs = FakeServer::start(server).await;
    let guests = "warn_after = \"2d\"\nignore = [\"vm/900\"]\n[plugins.backups.config.guests]\n\"host/nas\" = { warn_after = \"1d\" }\n\
                  \"vm/103\" = { name = \"git\" }\n";
    let lab = Lab::new("backups", &(table(&pbs.url) + guests)).await;
    let shown = "2 of 5 guests without a recent backup:\n\
                🔴 vm/103 (git) has no backup\n\
                🟡 host/nas 3d ago, older than 1 d, 52 backups in main\n\
                🟢 ct/102 1d ago, 4 backups in offsite\n\
                🟢 lab:vm/101 2h ago, 3 backups in main\n\
                🟢 vm/101 (nextcloud) 3h ago, 14 backups in main";
    assert_eq!(lab.read("backups").await, shown);
    assert_eq!(pbs.lines().len(), 6, "an unmounted datastore is not queried");
}

#[tokio::test]
async fn errors_are_one_line_after_the_partial_result() {
    let pbs = FakeServer::responding(401, "").await;
    let lab = Lab::new("backups", &table(&pbs.url)).await;
    let shown =
        "Proxmox Backup Server refused the login (401). Check token and its secret in [plugins.backups.config].";
    assert_eq!(lab.read("backups").await, shown);

    let half = |request: &RecordedRequest| match request.line.as_str() {
        "GET /api2/json/admin/datastore/offsite/groups" => good(r#"{"data":[{"backup-type":"vm"}]}"#),
        _ => server(request),
    };
    let pbs = FakeServer::start(half).await;
    let shown = Lab::new("backups", &table(&pbs.url)).await.read("backups").await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!((lines[0], lines.len()), ("3 of 5 guests without a recent backup:", 7), "{shown}");
    let last = format!(
        "⚠️ Datastore offsite: Proxmox Backup Server at {} returned an unexpected response for /api2/json/admin/datastore/offsite/groups: \
         `data[0].backup-id` is missing. Supported: Proxmox Backup Server 2.2 to 4.",
        pbs.url
    );
    assert_eq!(lines[6], last);

    let old = |request: &RecordedRequest| match request.line.as_str() {
        "GET /api2/json/status/datastore-usage" => good(r#"{"data":[{"store":"main"}]}"#),
        _ => Some((404, "Path '/api2/json/admin/datastore/main/namespace' not found.".to_owned())),
    };
    let pbs = FakeServer::start(old).await;
    let shown = Lab::new("backups", &table(&pbs.url)).await.read("backups").await;
    assert!(shown.starts_with("⚠️ Datastore main: Proxmox Backup Server at ") && shown.lines().count() == 1, "{shown}");
    assert!(shown.ends_with("and that the server is Proxmox Backup Server 2.2 to 4."), "{shown}");

    let nobody = UnusedPort::reserve();
    let url = format!("http://127.0.0.1:{}", nobody.port);
    let shown = Lab::new("backups", &table(&url)).await.read("backups").await;
    assert!(shown.starts_with(&format!("Proxmox Backup Server at {url} can't be reached: ")), "{shown}");
}
