//! The page of `/permissions`: the rules that apply to a session. Pure: nothing here calls the host.

use cordboard_permission_rules::Rule;
use cordboard_plugin::{
    Caller, Reply, Session,
    text::{code, escape},
    tr,
};

use crate::{rights::can_remove, rule_list::List, rule_source::Source, rules::Rules, saved_rule::SavedRule};

/// The maximum number of rules that get a button.
const MAX_BUTTONS: usize = 30;

/// The number of buttons per row. Three fit the width of a phone.
const ROW: usize = 3;

pub fn page(session: &Session, rules: &Rules, caller: &Caller) -> Reply {
    let (name, agent) = (code(&session.name), escape(&session.agent));
    let mode = escape(session.fact("permission-mode").unwrap_or("default"));
    let mut parts = vec![tr!("Tool permissions of session {name} (agent {agent}, mode {mode})", name, agent, mode)];
    parts.extend(List::ALL.iter().filter_map(|list| list_text(*list, rules)));
    if parts.len() == 1 {
        parts.push(tr!("No rules: a user decides each time the agent asks for permission."));
    }
    parts.push(how_to_add());
    let removable: Vec<u32> = List::ALL
        .iter()
        .flat_map(|list| rules.of_list(*list))
        .filter_map(|(_, source)| saved(source))
        .filter(|saved| can_remove(caller, saved))
        .map(|saved| saved.number)
        .take(MAX_BUTTONS)
        .collect();
    let button = |number: &u32| (tr!("Remove {number}", number), format!("/permissions remove {number}"));
    removable.chunks(ROW).fold(Reply::text(parts.join("\n\n")), |reply, row| reply.row(row.iter().map(button)))
}

/// Returns the rules of a list, or `None` if it is empty.
fn list_text(list: List, rules: &Rules) -> Option<String> {
    let title = match list {
        List::Deny => tr!("**Deny**"),
        List::Ask => tr!("**Ask**"),
        List::Allow => tr!("**Allow**"),
    };
    let items: Vec<String> = rules.of_list(list).map(|(rule, source)| item(rule, source)).collect();
    (!items.is_empty()).then(|| format!("{title}\n{}", items.join("\n")))
}

fn item(rule: &Rule, source: &Source) -> String {
    let number = saved(source).map_or_else(String::new, |saved| tr!("rule {}", saved.number) + ", ");
    format!("- {} ({number}{})", code(&rule.to_string()), escape(&source.label()))
}

const fn saved(source: &Source) -> Option<&SavedRule> {
    match source {
        Source::Saved(saved) => Some(saved),
        Source::Configuration | Source::Persona(_) | Source::Session(_) => None,
    }
}

fn how_to_add() -> String {
    tr!(
        "Deny comes before ask, and ask before allow. A user decides about everything else.\n\
         To add a rule, use {usage}, for example {example}. {session} limits it to this session.",
        usage = code(&tr!("/permissions allow|ask|deny [session] <rule>")),
        example = code("/permissions allow session Bash(git status:*)"),
        session = code("session")
    )
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::{config::parse_text, testing::session};

    use super::*;
    use crate::{rights::person, saved_rule::example};

    fn buttons(reply: &Reply) -> Vec<Vec<&str>> {
        reply.buttons.iter().map(|row| row.iter().map(|button| button.command.as_str()).collect()).collect()
    }

    #[test]
    fn rules_are_shown_by_list_with_their_sources() {
        let config = parse_text(r#"{"deny":["Bash(rm:*)"],"allow":["Read"]}"#).expect("valid input");
        let saved = [
            example(2, List::Allow, "Bash(git push:*)", None),
            SavedRule { by_id: "console:bob".into(), ..example(5, List::Allow, "Bash(make:*)", Some("alpha")) },
        ];
        let rules = Rules::of_session(&session("alpha"), &config, &saved);
        let shown = page(&session("alpha"), &rules, &person("ada", "owner"));
        let start = "Tool permissions of session `alpha` (agent demo, mode default)\n\n\
                     **Deny**\n- `Bash(rm:*)` (configuration)\n\n\
                     **Allow**\n- `Read` (configuration)\n\
                     - `Bash(git push:*)` (rule 2, saved by ada, 2026-11-28)\n\
                     - `Bash(make:*)` (rule 5, saved for session 'alpha' by ada, 2026-11-28)\n\n\
                     Deny comes before ask";
        assert!(shown.text.starts_with(start), "{}", shown.text);
        assert_eq!(buttons(&shown), [["/permissions remove 2", "/permissions remove 5"]]);
        assert_eq!(buttons(&page(&session("alpha"), &rules, &person("bob", "member"))), [["/permissions remove 5"]]);
    }

    #[test]
    fn a_session_without_rules_asks() {
        let rules = Rules::default();
        let shown = page(&session("alpha"), &rules, &person("ada", "owner"));
        assert!(shown.text.contains("\n\nNo rules: a user decides"), "{}", shown.text);
        assert!(shown.text.ends_with("`session` limits it to this session."), "{}", shown.text);
        assert!(shown.buttons.is_empty());
    }
}
