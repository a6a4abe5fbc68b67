//! Tests `/kuma` in the `kuma` and `kuma-metrics` plugins against a fake server that replays responses recorded from a
//! real Uptime Kuma.

use cordboard_core::types::Timestamp;

use super::{
    Lab, SECRET,
    fake_server::{FakeResponse, FakeServer, RecordedRequest, good},
};
use crate::network::UnusedPort;

/// The time at which Uptime Kuma's responses were recorded: 2026-11-21 13:46:51 UTC.
const RECORDED: Timestamp = Timestamp(1_795_268_811_000);

fn page(url: &str) -> String {
    format!(
        "[plugins.kuma]\nhttp = [\"{url}/api/status-page/*\"]\n[plugins.kuma.config]\nurl = \"{url}\"\npage = \"homelab\"\n"
    )
}

fn metrics(url: &str) -> String {
    format!(
        "[plugins.kuma-metrics]\nhttp = [\"{url}/metrics\"]\nsecrets = [\"kuma-metrics\"]\n[plugins.kuma-metrics.config]\nurl = \"{url}\"\n\
         secret = \"kuma-metrics\"\n"
    )
}

fn server(request: &RecordedRequest) -> FakeResponse {
    match request.line.as_str() {
        "GET /api/status-page/homelab" => good(include_str!("../../../../plugins/kuma/tests/data/page.json")),
        "GET /api/status-page/heartbeat/homelab" => {
            good(include_str!("../../../../plugins/kuma/tests/data/beats.json"))
        }
        "GET /metrics" if request.authorization == basic() => {
            good(include_str!("../../../../plugins/kuma-metrics/tests/data/metrics.txt"))
        }
        "GET /metrics" => Some((401, String::new())),
        _ => Some((404, include_str!("../../../../plugins/kuma/tests/data/page-unknown.json").to_owned())),
    }
}

/// Returns the `Authorization` header value that `curl -u :SECRET` sends.
fn basic() -> String {
    let encoded = "OmQ2M2U1MDVhLWUzZWMtNDQ5YS05YmM3LTFkYTYxMGQ0Y2NkZQ==";
    assert_eq!(SECRET, "d63e505a-e3ec-449a-9bc7-1da610d4ccde", "encode it again");
    format!("Basic {encoded}")
}

#[tokio::test]
async fn a_status_page_is_shown() {
    let kuma = FakeServer::start(server).await;
    let lab = Lab::new("kuma", &page(&kuma.url)).await;
    lab.test_host.memory.set_now(RECORDED);
    let shown = "Homelab, 6 monitors: 3 up, 2 down, 1 in maintenance\n\
                ⚠️ Fibre is cut\n\
                🔧 Disks are swapped\n\
                \n\
                Services\n\
                🟢 NAS, 2 ms, 24 h uptime 100%\n\
                🔴 Git \"forge\" \\ one, down, 24 h uptime 0%\n\
                ⚪ Media, in maintenance, 24 h uptime 100%\n\
                🟢 Lab, 7 ms, 24 h uptime 100%\n\
                \n\
                Network\n\
                🟢 SSH, 0 ms, 24 h uptime 100%\n\
                🔴 Printer, down, 24 h uptime 0%";
    assert_eq!(lab.read("kuma").await, shown);
    let requests = kuma.requests.lock().unwrap().clone();
    assert!(requests.iter().all(|request| request.authorization.is_empty()), "a status page needs no login");
}

#[tokio::test]
async fn the_metrics_are_shown() {
    let kuma = FakeServer::start(server).await;
    let shown = Lab::new("kuma-metrics", &metrics(&kuma.url)).await.read("kuma").await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!((lines[0], lines.len()), ("6 monitors: 3 up, 2 down, 1 in maintenance", 7), "{shown}");
    assert_eq!(
        (lines[1], lines[3]),
        ("🟢 NAS, 2 ms, 24 h uptime 100%", "🔴 Git \"forge\" \\ one, down, 24 h uptime 0%")
    );
}

#[tokio::test]
async fn errors_are_one_line() {
    let kuma = FakeServer::responding(401, "").await;
    let shown =
        "Uptime Kuma refused the login (401). Check the API key that `secret` names in [plugins.kuma-metrics.config].";
    assert_eq!(Lab::new("kuma-metrics", &metrics(&kuma.url)).await.read("kuma").await, shown);

    let kuma = FakeServer::start(server).await;
    let other = page(&kuma.url).replace("page = \"homelab\"", "page = \"other\"");
    let shown = format!(
        "Uptime Kuma at {} has no /api/status-page/other (404: Status Page Not Found). Check url and page in [plugins.kuma.config], and \
         that the server is Uptime Kuma 1.23 to 2.",
        kuma.url
    );
    assert_eq!(Lab::new("kuma", &other).await.read("kuma").await, shown);

    let html = FakeServer::responding(200, "<!DOCTYPE html><html>").await;
    let shown = Lab::new("kuma", &page(&html.url)).await.read("kuma").await;
    assert!(
        shown.contains("returned something other than JSON for /api/status-page/homelab: '<!DOCTYPE html><html>'."),
        "{shown}"
    );
    let shown = Lab::new("kuma-metrics", &metrics(&html.url)).await.read("kuma").await;
    assert!(
        shown.ends_with(
            "returned an unexpected response for /metrics: `monitor_status` is missing. Supported: Uptime Kuma 1.23 to 2."
        ),
        "{shown}"
    );

    let odd = FakeServer::responding(200, r#"{"config":{"title":"a"},"publicGroupList":{}}"#).await;
    let shown = Lab::new("kuma", &page(&odd.url)).await.read("kuma").await;
    assert!(shown.ends_with("`publicGroupList` is not a list but {}. Supported: Uptime Kuma 1.23 to 2."), "{shown}");

    let nobody = UnusedPort::reserve();
    let url = format!("http://127.0.0.1:{}", nobody.port);
    let shown = Lab::new("kuma", &page(&url)).await.read("kuma").await;
    assert!(shown.starts_with(&format!("Uptime Kuma at {url} can't be reached: ")), "{shown}");
}
