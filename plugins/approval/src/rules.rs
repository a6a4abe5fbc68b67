//! The rules that apply to a session, and how they decide on a tool use. Pure: nothing here calls the host.

use cordboard_permission_rules::{Rule, ToolUse, allows, matches};
use cordboard_plugin::{
    Button, Session,
    approval::{Decision, Outcome, Permission},
    language::with_language,
    tr,
};

use crate::{config::Config, rule_list::List, rule_source::Source, saved_rule::SavedRule, suggestion::narrow_rule};

/// The rules that apply to a session, by list, with their sources.
#[derive(Debug, Default)]
pub struct Rules {
    deny: RulesOfList,
    ask: RulesOfList,
    allow: RulesOfList,
}

/// The rules of one list, and the source of each at the same index.
#[derive(Debug, Default)]
struct RulesOfList {
    rules: Vec<Rule>,
    sources: Vec<Source>,
}

impl Rules {
    /// Collects all rules that apply to the session.
    pub fn of_session(session: &Session, config: &Config, saved: &[SavedRule]) -> Self {
        let of_list = |list| {
            let own = saved.iter().filter(|rule| rule.list == list && rule.applies_to(session));
            let configured = config.rules(list, session).map(|(rule, source)| (rule.0.clone(), source));
            let (rules, sources) =
                configured.chain(own.map(|rule| (rule.rule.0.clone(), Source::Saved(rule.clone())))).unzip();
            RulesOfList { rules, sources }
        };
        Self { deny: of_list(List::Deny), ask: of_list(List::Ask), allow: of_list(List::Allow) }
    }

    /// Returns the rules of a list with their sources.
    pub fn of_list(&self, list: List) -> impl Iterator<Item = (&Rule, &Source)> {
        let RulesOfList { rules, sources } = match list {
            List::Deny => &self.deny,
            List::Ask => &self.ask,
            List::Allow => &self.allow,
        };
        rules.iter().zip(sources)
    }

    /// The first list with a matching rule decides, in the order deny, ask, allow. If no rule matches, a user decides.
    /// The agent and the audit log get English texts.
    pub fn decide(&self, permission: &Permission) -> Decision {
        let tool_use = tool_use(permission);
        if let Some(rule) = matches(&self.deny.rules, &tool_use) {
            return Decision::by_rule(
                Outcome::Deny(format!("The rule {rule} denies this use.")),
                &with_language(None, || self.deny.describe(rule)),
            );
        }
        if let Some(rule) = with_language(None, || self.asking_rule(&tool_use)) {
            // Don't offer a button that always allows the use, because a rule that allows it would have no effect.
            return Decision::by_rule(Outcome::Ask, &rule);
        }
        match allows(&self.allow.rules, &tool_use) {
            Some(rule) => Decision::by_rule(Outcome::Allow, &with_language(None, || self.allow.describe(rule))),
            None if narrow_rule(&tool_use).is_some() => {
                Decision { outcome: Outcome::AskWith(vec![always_allow(permission.number)]), rule: None }
            }
            None => Decision::ask(),
        }
    }

    /// /// Describes the rule in the list `ask` that matches the use, if any. Such a rule makes a user decide, even if
    /// another rule allows the use.
    pub fn asking_rule(&self, tool_use: &ToolUse) -> Option<String> {
        matches(&self.ask.rules, tool_use).map(|rule| self.ask.describe(rule))
    }
}

impl RulesOfList {
    /// Returns the text of the rule with its source. If several rules are equal, uses the source of the first one.
    fn describe(&self, rule: &Rule) -> String {
        let index = self.rules.iter().position(|one| one == rule);
        match index.and_then(|index| self.sources.get(index)) {
            Some(source) => format!("{rule} ({})", source.label()),
            None => rule.to_string(),
        }
    }
}

fn always_allow(number: u64) -> Button {
    Button { label: tr!("Always allow…"), command: format!("/permissions always #{number}") }
}

fn tool_use(permission: &Permission) -> ToolUse<'_> {
    ToolUse {
        tool: &permission.tool,
        command: permission.command.as_deref(),
        paths: &permission.paths,
        url: permission.fact("url"),
        folder: &permission.session.folder,
        home: permission.fact("home"),
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::{
        config::parse_text,
        testing::{session, tool_use},
    };

    use super::*;
    use crate::saved_rule::example;

    fn command(text: &str) -> Permission {
        Permission { command: Some(text.to_owned()), ..tool_use("alpha", "Bash") }
    }

    fn rules(json: &str, saved: &[SavedRule]) -> Rules {
        Rules::of_session(&session("alpha"), &parse_text(json).expect("valid input"), saved)
    }

    fn decision(rules: &Rules, permission: &Permission) -> (Outcome, String) {
        let Decision { outcome, rule } = rules.decide(permission);
        (outcome, rule.unwrap_or_default())
    }

    #[test]
    fn deny_decides_before_ask_and_ask_before_allow() {
        let json = r#"{"allow":["Bash"],"ask":["Bash(git push:*)","Bash(rm:*)"],"deny":["Bash(rm:*)"]}"#;
        let rules = rules(json, &[]);
        let allowed = (Outcome::Allow, "Bash (configuration)".to_owned());
        assert_eq!(decision(&rules, &command("git status")), allowed);
        let asked = (Outcome::Ask, "Bash(git push:*) (configuration)".to_owned());
        assert_eq!(decision(&rules, &command("git push -f")), asked);
        let why = Outcome::Deny("The rule Bash(rm:*) denies this use.".to_owned());
        assert_eq!(decision(&rules, &command("cd x && rm -r y")), (why, "Bash(rm:*) (configuration)".to_owned()));
        assert_eq!(decision(&rules, &tool_use("alpha", "WebFetch")), (Outcome::Ask, String::new()));
    }

    #[test]
    fn a_question_has_a_button_if_a_rule_could_allow_it() {
        let Decision { outcome, rule } = Rules::default().decide(&command("git push origin"));
        let button = Button { label: "Always allow…".to_owned(), command: "/permissions always #1".to_owned() };
        assert_eq!((outcome, rule), (Outcome::AskWith(vec![button]), None));
        assert_eq!(Rules::default().decide(&command("make; make install")), Decision::ask());
    }

    #[test]
    fn saved_rules_apply_as_the_configured_ones() {
        let saved = [
            example(1, List::Allow, "Bash(git push:*)", None),
            example(2, List::Allow, "Bash(make:*)", Some("alpha")),
            example(3, List::Allow, "Bash(npm:*)", Some("beta")),
        ];
        let rules = rules(r#"{"allow":["Bash(git status:*)"]}"#, &saved);
        let rule = |text: &str| decision(&rules, &command(text)).1;
        assert_eq!(rule("git push"), "Bash(git push:*) (saved by ada, 2026-11-28)");
        assert_eq!(rule("make test"), "Bash(make:*) (saved for session 'alpha' by ada, 2026-11-28)");
        assert_eq!(rule("npm test"), "", "the rule is for another session");
        assert_eq!(rule("git status && make"), "Bash(make:*) (saved for session 'alpha' by ada, 2026-11-28)");
        assert_eq!(decision(&rules, &command("git status && npm test")), (Outcome::Ask, String::new()));
    }

    #[test]
    fn paths_and_addresses_are_matched() {
        let rules = rules(r#"{"allow":["Edit(src/**)","WebFetch(domain:docs.rs)"],"deny":["Read(~/.ssh/**)"]}"#, &[]);
        let fact = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let edit = Permission { paths: vec!["/sessions/alpha/src/a.rs".into()], ..tool_use("alpha", "Write") };
        assert_eq!(decision(&rules, &edit).0, Outcome::Allow);
        let fetch = Permission { facts: fact("url", "https://docs.rs/x"), ..tool_use("alpha", "WebFetch") };
        assert_eq!(decision(&rules, &fetch).0, Outcome::Allow);
        let paths = vec!["/home/ada/.ssh/id".into()];
        let read = Permission { paths, facts: fact("home", "/home/ada"), ..tool_use("alpha", "Read") };
        assert_eq!(decision(&rules, &read).0, Outcome::Deny("The rule Read(~/.ssh/**) denies this use.".into()));
    }
}
