//! Tests `/ping` with reachable and unreachable hosts.

use super::{Mirror, UnusedPort};
use crate::components::extra;
use crate::test_host::TestHost;

#[tokio::test]
async fn one_or_all_hosts_are_measured() {
    let there = Mirror::start().await.address;
    let nobody = UnusedPort::reserve();
    let silent = format!("127.0.0.1:{}", nobody.port);
    let test_host = TestHost::of(&format!(
        "[plugins.ping]\ntcp = [\"{there}\", \"{silent}\"]\n[plugins.ping.config.hosts]\nnas = \"{there}\"\nold = \"{silent}\"\nnew = \"127.0.0.1:1\""
    ));
    test_host.plug("ping", &extra("ping")).await.unwrap();
    let all = test_host.read("ping").await;
    let lines: Vec<_> = all.lines().collect();
    assert!(lines[0].starts_with("🟢 nas ") && (lines[0].ends_with(" ms") || lines[0].ends_with(" s")), "{all}");
    let line =
        format!("add to [plugins.ping] in the configuration: tcp = [\"{there}\", \"{silent}\", \"127.0.0.1:1\"]");
    assert_eq!(lines[1], format!("🔴 new a connection to 127.0.0.1:1 was not granted; {line}"));
    assert_eq!(lines[2], format!("🔴 old failed to connect to {silent}: connection refused"));
    assert_eq!(test_host.read("ping nas").await.lines().count(), 1);
    assert_eq!(test_host.read("ping x").await, "Unknown host 'x'. Known: nas, new, old.");
}
