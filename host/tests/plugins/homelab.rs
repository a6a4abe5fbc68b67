//! Tests the homelab plugins as real components against fake servers: output, one-line errors, and no leaked secrets.

mod backups;
mod beszel;
mod fake_server;
mod kuma;
mod pbs;
mod status;

use std::time::Duration;

use cordboard_core::types::{Role, Timestamp};
use tempfile::NamedTempFile;

use crate::components::extra;
use crate::test_host::TestHost;
use fake_server::FakeServer;

/// The current time in these tests, unless a test sets another time: 2026-11-21 13:45:36 UTC.
const NOW: Timestamp = Timestamp(1_795_268_736_000);

/// The tested plugin's secret. No answer may contain it.
const SECRET: &str = "d63e505a-e3ec-449a-9bc7-1da610d4ccde";

/// A host with one plugin, and the secret file that the plugin may use.
struct Lab {
    test_host: TestHost,
    _secret: NamedTempFile,
}

impl Lab {
    /// Activates `plugin` with `table` as its configuration, and with a secret named after it.
    async fn new(plugin: &str, table: &str) -> Self {
        let secret = crate::network::secrets::file(SECRET);
        let test_host = TestHost::of(&format!("[secrets]\n{plugin} = {:?}\n{table}", secret.path()));
        test_host.memory.set_now(NOW);
        test_host.plug(plugin, &extra(plugin)).await.unwrap_or_else(|refused| panic!("{refused}"));
        Self { test_host, _secret: secret }
    }

    /// Runs a command line, returns the text in the chat, and checks that it doesn't contain the secret.
    async fn read(&self, line: &str) -> String {
        let text = self.test_host.read(line).await;
        assert!(!text.contains(SECRET) && !text.contains(&SECRET[..18]), "{text}");
        text
    }
}

/// For each plugin: whether it needs a secret, and the error that it shows if its table lacks required keys.
const WANTED: [(&str, bool, &str); 6] = [
    ("pbs", true, "url is missing: set [plugins.pbs.config] url = \"https://pbs.lan:8007\""),
    ("backups", true, "url is missing: set [plugins.backups.config] url = \"https://pbs.lan:8007\""),
    ("beszel", true, "url is missing: set [plugins.beszel.config] url = \"https://beszel.lan\""),
    ("kuma", false, "url is missing: set [plugins.kuma.config] url = \"https://kuma.lan\""),
    ("kuma-metrics", true, "url is missing: set [plugins.kuma-metrics.config] url = \"https://kuma.lan\""),
    ("status", false, "hosts is missing: set [plugins.status.config.hosts] nas = \"https://nas.lan/health\""),
];

#[tokio::test]
async fn each_plugin_explains_its_missing_configuration() {
    for (plugin, has_secret, wanted) in WANTED {
        let why = TestHost::new().refused(plugin, &extra(plugin)).await;
        let secrets = if has_secret { " and secrets = [\"NAME\"]" } else { "" };
        let line = format!("[plugins.{plugin}] in the configuration: http = [\"https://HOST/*\"]{secrets}");
        assert!(why.ends_with(&line), "{plugin}: {why}");

        let secrets = if has_secret { "secrets = [\"a\"]\n" } else { "" };
        let granted = format!("[secrets]\na = \"/a\"\n[plugins.{plugin}]\nhttp = [\"https://host/*\"]\n{secrets}");
        let why = TestHost::of(&granted).refused(plugin, &extra(plugin)).await;
        assert!(why.contains(wanted), "{plugin}: {why}");
    }
}

#[tokio::test]
async fn machines_are_shown_to_admins_and_services_to_members() {
    for (plugin, command, role, table) in [
        ("pbs", "pbs", Role::Admin, "url = \"http://a\"\ntoken = \"a@pbs!b\""),
        ("backups", "backups", Role::Admin, "url = \"http://a\"\ntoken = \"a@pbs!b\""),
        ("beszel", "beszel", Role::Admin, "url = \"http://a\"\nuser = \"a@b\""),
        ("kuma", "kuma", Role::Member, "url = \"http://a\"\npage = \"a\""),
        ("kuma-metrics", "kuma", Role::Member, "url = \"http://a\""),
        ("status", "status", Role::Member, "hosts = { a = \"http://a\" }"),
    ] {
        let granted = format!("[plugins.{plugin}]\nhttp = [\"http://a/*\"]\nsecrets = [\"{plugin}\"]\n");
        let lab = Lab::new(plugin, &format!("{granted}[plugins.{plugin}.config]\n{table}\n")).await;
        let snapshot = lab.test_host.registry.snapshot();
        let spec = &snapshot.command(command).unwrap().spec;
        assert_eq!((spec.min_role, spec.usage.as_str()), (role, format!("/{command}").as_str()), "{plugin}");
    }
}

#[tokio::test]
async fn a_timeout_is_reported_with_the_limit() {
    let hub = FakeServer::start(|_| None).await;
    let table = format!(
        "[plugins.kuma]\nhttp = [\"{0}/*\"]\nhttp_time = \"200ms\"\n[plugins.kuma.config]\nurl = \"{0}\"\npage = \"homelab\"\n",
        hub.url
    );
    let lab = Lab::new("kuma", &table).await;
    let message = format!(
        "Uptime Kuma at {} did not answer in time. Check that it runs; [plugins.kuma] http_time limits how long a call may wait.",
        hub.url
    );
    let answered = tokio::time::timeout(Duration::from_secs(60), lab.read("kuma")).await;
    assert_eq!(answered.expect("the host limits the wait"), message);
}
