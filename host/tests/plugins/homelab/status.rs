//! Tests `/status` with hosts that are healthy, unhealthy, silent, unreachable or off-limits to the plugin.

use std::{
    net::TcpListener,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{Lab, fake_server::FakeServer};
use crate::network::UnusedPort;

#[tokio::test]
async fn each_host_is_shown_with_the_worst_first() {
    let well = FakeServer::responding(200, "all is fine").await;
    let login = FakeServer::responding(401, "").await;
    let ill = FakeServer::responding(503, "").await;
    let silent = FakeServer::start(|_| None).await;
    let nobody = UnusedPort::reserve();
    let closed = format!("http://127.0.0.1:{}", nobody.port);
    let other = FakeServer::responding(200, "").await;
    let table = format!(
        "[plugins.status]\nhttp = [\"{0}/*\", \"{1}/*\", \"{2}/*\", \"{3}/*\", \"{4}/*\"]\n[plugins.status.config]\nwait = \"4s\"\n\
         [plugins.status.config.hosts]\nnas = \"{0}/health\"\npve = \"{1}\"\ngit = \"{2}\"\ncam = \"{3}\"\nlab = \"{4}\"\ntv = \"{5}\"\n\
         dns = {{ url = \"{0}\", contains = \"ready\" }}\nweb = {{ url = \"{1}\", expect = 401 }}\n",
        well.url, login.url, ill.url, silent.url, closed, other.url
    );
    let lab = Lab::new("status", &table).await;
    let shown = lab.read("status").await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0], "3 of 8 hosts ok:", "{shown}");
    assert_eq!(lines[1], "🔴 cam does not answer: no response within 4.0 s");
    assert!(lines[2].starts_with("🔴 lab does not answer: failed to connect to 127.0.0.1:"), "{shown}");
    assert_eq!(lines[3], "🟡 dns answers 200, but the body lacks ready");
    assert_eq!(lines[4], "🟡 git answers 503");
    let asks = format!(
        "⚪ tv was not queried: GET {}/ was not granted; add to [plugins.status] in the configuration: http = [",
        other.url
    );
    assert!(lines[5].starts_with(&asks) && lines[5].ends_with(&format!("\"{}/\"]", other.url)), "{shown}");
    assert_eq!(lines[6..], ["🟢 nas answers 200", "🟢 pve answers, but requires a login (401)", "🟢 web answers 401"]);
    let mut requests = well.lines();
    requests.sort();
    assert_eq!(requests, ["GET /", "GET /health"]);
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn all_healthy_hosts_are_summarized() {
    let well = FakeServer::responding(204, "").await;
    let lab = Lab::new(
        "status",
        &format!("[plugins.status]\nhttp = [\"{0}/*\"]\n[plugins.status.config.hosts]\nnas = \"{0}\"\n", well.url),
    )
    .await;
    assert_eq!(lab.read("status").await, "1 host, all ok.\n🟢 nas answers 204");
    assert_eq!(lab.test_host.call("status").await.unwrap().buttons[0][0].command, "/status");
}

/// Starts servers that respond only after `together` of them have received a request. Returns their URLs and a counter
/// of received requests.
fn servers_that_wait_for_each_other(count: usize, together: usize) -> (Vec<String>, Arc<AtomicUsize>) {
    use std::io::{Read, Write};
    let (all, received) = (Arc::new(Barrier::new(together)), Arc::<AtomicUsize>::default());
    let urls = (0..count).map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (all, received) = (Arc::clone(&all), Arc::clone(&received));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _asked = stream.read(&mut [0; 4096]).unwrap();
            received.fetch_add(1, Ordering::Relaxed);
            all.wait();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        });
        url
    });
    (urls.collect(), received)
}

#[tokio::test]
async fn all_hosts_are_queried_concurrently() {
    // The plugin sends at most 8 requests at once, so 16 hosts take two rounds. If it sent one at a time, the first
    // request would time out.
    let (urls, received) = servers_that_wait_for_each_other(16, 8);
    let grants: Vec<_> = urls.iter().map(|url| format!("{url}/*")).collect();
    let hosts: Vec<_> = urls.iter().enumerate().map(|(number, url)| format!("h{number:02} = \"{url}\"\n")).collect();
    let table = format!(
        "[plugins.status]\nhttp_time = \"60s\"\nhttp = {grants:?}\n[plugins.status.config]\nwait = \"30s\"\n[plugins.status.config.hosts]\n{}",
        hosts.concat()
    );
    let shown = Lab::new("status", &table).await.read("status").await;
    let expected: String = (0..16).map(|number| format!("\n🟢 h{number:02} answers 204")).collect();
    assert_eq!(shown, format!("16 hosts, all ok.{expected}"));
    assert_eq!(received.load(Ordering::Relaxed), 16);
}
