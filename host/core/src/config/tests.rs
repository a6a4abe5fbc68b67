//! Tests that configurations are merged over the defaults, that changes are listed, and that the parser never panics.

use std::time::Duration;

use expect_test::Expect;
use proptest::prelude::*;

use super::*;
use crate::{capability::Capability, types::Role};

mod bots;
mod documented;
mod network_grants;
mod refused;
mod status;
mod takes_effect;
mod voice;
mod webhook;
mod webhook_url;

/// Returns the known keys, including those of bots, which the defaults don't contain.
fn known_with_bots() -> Known {
    let text = "[telegram.x]\ntoken_file = \"t\"\naccess = {}\n";
    merge_over(&mut Config::defaults(), text, PARSED_DEFAULTS.known.clone()).expect("a valid text")
}

/// Asserts that `text` is rejected with the `expected` faults and excerpts.
fn assert_refused(text: &str, expected: Expect) {
    let error = load(text).expect_err("an error was expected");
    expected.assert_eq(&format!("{}\n", error.excerpt()));
}

#[test]
fn an_empty_text_is_the_defaults() {
    let config = load("").expect("an empty text");
    assert_eq!(config, Config::defaults());
    assert_eq!(config.sessions.idle_timeout, Duration::from_secs(600));
    assert_eq!(config.sessions.queue, 20);
    assert_eq!(config.sessions.kept, 100);
    assert_eq!(config.console.drain, Duration::from_secs(600));
    assert_eq!(config.agents.default, "demo");
    assert_eq!(config.telegram.api_url, "https://api.telegram.org");
    assert_eq!(config.access.role_of(0), None);
    let mut laid = load(DEFAULTS).expect("the defaults merged with themselves");
    laid.plugins.restrict_grants_to_built_in();
    assert_eq!(laid, config);
}

#[test]
fn configured_grants_replace_the_built_in_ones() {
    let grants = |text: &str| {
        let plugins = load(text).expect("a valid text").plugins;
        let by_name = plugins.grants_of("help").contains(&Capability::PluginControl);
        (by_name, plugins.built_in_grants_of("help").contains(&Capability::PluginControl))
    };
    assert_eq!(grants(""), (false, true));
    assert_eq!(grants("[plugins.help]\ntime = \"1s\"\n"), (false, true));
    assert_eq!(grants("[plugins.help]\ngrants = []\n"), (false, false));
    assert_eq!(grants("[plugins.help]\ngrants = [\"plugin-control\"]\n"), (true, false));
}

#[test]
fn an_agent_of_kind_acp_inherits_only_the_environment_of_claude() {
    let text = "[agents.open]\nkind = \"acp\"\ncommand = \"opencode\"\nargs = [\"acp\"]\n";
    let agents = load(text).expect("a valid text").agents;
    let (open, claude) = (&agents.by_name["open"], &agents.by_name["claude"]);
    let expected = Agent {
        command: Some("opencode".to_owned()),
        args: vec!["acp".to_owned()],
        pass_env: claude.pass_env.clone(),
        ..Agent::new(AgentKind::Acp)
    };
    assert_eq!(*open, expected);
    assert!(!open.pass_env.is_empty());
}

#[test]
fn tables_are_merged_and_lists_are_replaced() {
    let text = r#"
        [agents.claude]
        model = "opus"
        env.A = "1"
        [agents.second]
        kind = "claude"
        command = "/opt/claude"
        [plugins.sessions]
        grants = ["sessions"]
        time = "5s"
        [plugins.persona.config.personas.default]
        instructions = "Be short."
        [plugins.persona.config.personas.mine]
        description = "Mine"
        [sessions.folders]
        web = "/srv/web"
    "#;
    let config = load(text).expect("a valid text");
    let claude = config.agents.get("claude").expect("the default agent");
    assert_eq!((claude.model.as_deref(), claude.command.as_deref()), (Some("opus"), Some("claude")));
    let second = config.agents.get("second").expect("the new agent");
    assert_eq!(second.command.as_deref(), Some("/opt/claude"));
    assert!(second.pass_env.contains(&"HOME".to_owned()), "a new agent starts from the default agent of its kind");
    assert_eq!(second.model, None, "the operator's changes to the default agent are not inherited");
    assert!(!config.plugins.grants_of("sessions").contains(&Capability::SessionControl), "lists are replaced");
    assert!(config.plugins.built_in_grants_of("sessions").is_empty(), "and those of the built-in version");
    assert!(config.plugins.grants_of("sessions").contains(&Capability::State), "every plugin has some grants");
    assert_eq!(config.plugins.limits_of("sessions").time, Duration::from_secs(5));
    assert_eq!(config.plugins.limits_of("unheard-of"), config.plugins.limits);
    let personas = config.plugins.config_json("persona");
    for part in [
        "\"mine\"",
        "\"planner\"",
        "\"default\":{\"description\":\"A careful colleague: does what you ask and reports what it did\",\"instructions\":\"Be short.\"}",
    ] {
        assert!(personas.contains(part), "{part} in {personas}");
    }
    assert_eq!(config.sessions.folder(&"web".parse().expect("a name")), Some(std::path::Path::new("/srv/web")));
}

#[test]
fn the_policy_table_may_share_its_name_with_a_key() {
    let config = load("[plugins.lifecycle.config]\nat_night = \"keep\"\n").expect("a table");
    assert_eq!(config.plugins.lifecycle, "lifecycle");
    assert_eq!(config.plugins.config_json("lifecycle"), r#"{"at_night":"keep"}"#);
    let config = load("[plugins]\nlifecycle = \"mine\"\n").expect("a name");
    assert_eq!(config.plugins.lifecycle, "mine");
}

#[test]
fn the_highest_role_applies() {
    let config = load("[access]\nowner = 1\nadmins = [1, 2]\nmembers = [2, 3]\n").expect("a valid text");
    let roles = [1, 2, 3, 4].map(|id| config.access.role_of(id));
    assert_eq!(roles, [Some(Role::Owner), Some(Role::Admin), Some(Role::Member), None]);
}

#[test]
fn plugin_configuration_is_passed_as_json() {
    let config =
        load("[plugins.x.config]\nz = 0x1F\na = { d = 2026-01-02, c = [1.5, true, \"t\"] }\n").expect("a valid text");
    assert_eq!(config.plugins.config_json("x"), r#"{"a":{"c":[1.5,true,"t"],"d":"2026-01-02"},"z":31}"#);
    assert_eq!(config.plugins.config_json("y"), "{}");
}

#[test]
fn changed_sections_are_named() {
    let changes = |text: &str| diff(&Config::defaults(), &load(text).expect(text));
    assert!(changes("").is_empty());
    assert!(changes("[sessions]\nidle_timeout = \"600s\"\n").is_empty(), "the same value in another notation");
    let shown = |text: &str| {
        let changes = changes(text);
        format!("{changes}; restart {:?}", changes.restart)
    };
    assert_eq!(shown("[sessions]\nqueue = 3\n[access]\nowner = 1\n"), "access, sessions; restart {}");
    assert_eq!(shown("[plugins]\ncache = \"2GiB\"\n"), "plugins.cache at the next start; restart {\"plugins.cache\"}");
    assert_eq!(
        shown("[telegram]\ntoken_file = \"t\"\n"),
        "telegram, telegram.token_file at the next start; restart {\"telegram.token_file\"}"
    );
    assert_eq!(
        shown("[agents]\ndefault = \"claude\"\n[agents.claude]\nmodel = \"m\"\n"),
        "default agent, agent claude; restart {}"
    );
    // Passing a new variable to an agent doesn't require a restart, because the host keeps a copy of its whole
    // environment.
    assert_eq!(shown("[agents.demo]\npass_env = [\"ODD\"]\n"), "agent demo; restart {}");
    let plugins = changes("[plugins.timeout]\ngrants = []\n[plugins.x.config]\na = 1\n").plugins;
    assert_eq!(plugins["timeout"], PluginChange { grants: true, ..PluginChange::default() });
    assert_eq!(plugins["x"], PluginChange { config: true, ..PluginChange::default() });
    assert_eq!(plugins.len(), 2);
}

proptest! {
    #[test]
    fn any_text_is_loaded_without_panic(text in "(?s).{0,200}") {
        if let Err(error) = load(&text) {
            prop_assert!(!error.excerpt().is_empty());
        }
    }

    #[test]
    fn any_typo_is_loaded_without_panic(at in 0..DEFAULTS.len(), length in 0..40usize, slip in "(?s).{0,6}") {
        let end = (at + length).min(DEFAULTS.len());
        if let (Some(before), Some(after)) = (DEFAULTS.get(..at), DEFAULTS.get(end..)) {
            let _ = load(&format!("{before}{slip}{after}"));
        }
    }

    #[test]
    fn any_toml_fault_has_a_position(lines in proptest::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        if let Err(error) = load(&text) {
            let last = text.matches('\n').count() + 1;
            prop_assert!(error.faults().iter().all(|fault| (1..=last).contains(&fault.line) && fault.column > 0));
        }
    }
}

/// Generates configuration lines, most of which are valid TOML.
fn line() -> impl Strategy<Value = String> {
    let word = "(sessions|plugins|agents|access|telegram|default|queue|config|grants|kind|time|é|\"a b\"|[a-z]{1,3})";
    let value = "(1|-1|0x1F|inf|true|\"10m\"|\"64KiB\"|\"é|\\[\\]|\\[1, \"x\"\\]|\\{ a = 1 \\}|2026-01-02|\"/a\")";
    let regex = |regex: &str| proptest::string::string_regex(regex).expect("a regular expression");
    prop_oneof![
        regex(&format!("\\[{word}(\\.{word}){{0,2}}\\]")),
        regex(&format!("{word}(\\.{word}){{0,2}} = {value}")),
        regex("(?s).{0,12}"),
    ]
}
