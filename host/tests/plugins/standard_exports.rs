//! Tests the standard plugins' exports with the default configuration.

use cordboard_core::types::Role;
use cordboard_runtime::{CallOrder, Snapshot};

use crate::components::STANDARD;
use crate::test_host::TestHost;

fn commands(table: &Snapshot) -> Vec<(&str, &str)> {
    table.commands().map(|offer| (offer.spec.name.as_str(), offer.version.name.as_str())).collect()
}

#[tokio::test]
async fn every_standard_plugin_has_its_exports() {
    let host = TestHost::standard().await;
    let table = host.registry.snapshot();
    assert_eq!(
        commands(&table),
        [
            ("access", "access"),
            ("agent", "sessions"),
            ("allow", "approval"),
            ("answer", "approval"),
            ("archive", "sessions"),
            ("commands", "control"),
            ("deny", "approval"),
            ("files", "files"),
            ("fork", "sessions"),
            ("fresh", "sessions"),
            ("get", "files"),
            ("help", "help"),
            ("history", "sessions"),
            ("leave", "sessions"),
            ("mode", "control"),
            ("model", "control"),
            ("new", "sessions"),
            ("now", "control"),
            ("permissions", "approval"),
            ("persona", "persona"),
            ("plugins", "help"),
            ("queue", "control"),
            ("rename", "sessions"),
            ("requests", "approval"),
            ("restore", "sessions"),
            ("retry", "sessions"),
            ("session", "sessions"),
            ("sessions", "sessions"),
            ("start", "sessions"),
            ("stop", "control"),
            ("suspend", "sessions"),
            ("timeout", "timeout"),
            ("usage", "usage"),
        ]
    );
    let personas: Vec<_> = table.personas().map(|choice| choice.name.as_str()).collect();
    assert_eq!(personas, ["brainstorm", "default", "planner", "research"]);
    let modes: Vec<_> = table.modes().map(|choice| choice.name.as_str()).collect();
    assert_eq!(modes, ["normal", "quiet", "smart", "verbose"]);
    for status in table.statuses() {
        assert_eq!((status.health.as_str(), status.note.as_str()), ("ok", ""), "{}", status.name);
        assert_eq!((status.generation, status.digest.len()), (1, 64), "{}", status.name);
    }
    assert_eq!(table.names().collect::<Vec<_>>(), STANDARD);
}

#[tokio::test]
async fn stop_and_now_skip_the_queue_and_two_commands_need_a_role() {
    let host = TestHost::standard().await;
    let table = host.registry.snapshot();
    for offer in table.commands() {
        let (name, spec) = (offer.spec.name.as_str(), &offer.spec);
        assert_eq!(spec.order == CallOrder::AtOnce, ["now", "stop"].contains(&name), "{name}");
        let role = match name {
            "plugins" => Role::Admin,
            "access" => Role::Owner,
            _ => Role::Member,
        };
        assert_eq!(spec.min_role, role, "{name}");
        assert!(spec.usage.starts_with(&format!("/{name}")), "{name}: {}", spec.usage);
        assert!(!spec.summary.is_empty(), "{name}");
    }
}
