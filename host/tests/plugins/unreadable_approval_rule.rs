//! Tests the approval extension point with the standard plugin.

use cordboard_core::{
    session::{Decision, DecisionOutcome},
    types::{Permission, ToolUse},
};
use cordboard_runtime::PluginState as _;

use crate::{
    sample_sessions::{record, session},
    test_host::TestHost,
};

#[tokio::test]
async fn a_user_decides_while_a_saved_rule_is_unreadable() {
    let host = TestHost::standard().await;
    let alpha = session("alpha", &host.caller);
    host.memory.add(record("alpha", &host.caller));
    let decide = async || {
        let tool_use = ToolUse {
            tool: "Bash".to_owned(),
            input: "{}".to_owned(),
            command: Some("make test".to_owned()),
            paths: Vec::new(),
            url: None,
            home: None,
        };
        let permission = Permission { number: Some(1), tool_use };
        host.registry.decide(&host.host_api, "approval", &alpha, &permission).await.unwrap()
    };
    let saved = "allow Bash(make:*) in session 'alpha'";
    host.memory.bind(&host.caller, &host.place, &alpha.record.name);
    assert_eq!(host.read("permissions allow session Bash(make:*)").await, format!("Saved as rule 1: {saved}."));
    assert_eq!(decide().await.outcome, DecisionOutcome::Allow);

    host.memory.set("approval", "rule/0002", Some(b"{".to_vec()), 1 << 20).await.unwrap();
    let Decision { outcome, rule } = decide().await;
    assert!(matches!(outcome, DecisionOutcome::Ask(_)), "{outcome:?}");
    assert_eq!(rule.as_deref(), Some("* (the rules can't be read; see the log)"));
    let page = host.read("permissions").await;
    assert!(page.contains("The saved rule 2 can't be read: "), "{page}");
    assert!(page.contains("Use /permissions remove 2 to remove it."), "{page}");
    host.read("permissions remove 2").await;
    assert_eq!(decide().await.outcome, DecisionOutcome::Allow);
}
