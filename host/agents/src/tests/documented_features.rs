//! Tests that the README's feature table agrees with the code.

use cordboard_core::config::{AgentFeature, AgentKind, Support};

/// Returns the label of a feature's row in the README's table.
const fn row(feature: AgentFeature) -> &'static str {
    match feature {
        AgentFeature::PermissionRequests => "permission requests",
        AgentFeature::Resume => "resume after the process has ended",
        AgentFeature::Steering => "`[sessions] busy = \"steer\"`",
        AgentFeature::AgentCommands => "`//command`",
        AgentFeature::Models => "`/model`",
        AgentFeature::Files => "message attachments",
        AgentFeature::PermissionModes => "`/permissions mode`",
        AgentFeature::Personas => "persona",
        AgentFeature::Cost => "cost, tokens",
        AgentFeature::Terminal => "`cordboard attach`, `adopt`",
    }
}

#[test]
fn the_documented_features_are_those_of_the_kinds() {
    let readme = include_str!("../../README.md");
    let cells = |label: &str| {
        let line = readme.lines().find(|line| line.starts_with(&format!("| {label} |")));
        let line = line.unwrap_or_else(|| panic!("the table has no row {label}"));
        line.trim_matches('|').split(" | ").skip(1).map(str::trim).collect::<Vec<_>>()
    };
    let kinds = readme.lines().find(|line| line.starts_with("| | `claude`")).expect("a table");
    let kinds: Vec<&str> = kinds.split('`').skip(1).step_by(2).collect();
    assert_eq!(kinds, AgentKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    for feature in AgentFeature::ALL {
        let cells = cells(row(feature));
        assert_eq!(cells.len(), kinds.len(), "{feature:?}");
        for (kind, cell) in AgentKind::ALL.iter().zip(cells) {
            let begins = match kind.support(feature) {
                Support::Yes => "yes",
                Support::IfOffered => "if the agent ",
                Support::No => "no",
            };
            assert!(cell.starts_with(begins), "{kind:?} {feature:?}: {cell:?} has to begin with {begins:?}");
        }
    }
}
