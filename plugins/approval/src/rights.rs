//! The caller's rights to change rules. Pure: nothing here calls the host.

use cordboard_plugin::{Caller, Session};

use crate::saved_rule::SavedRule;

/// Returns whether the caller may change all rules.
pub fn is_admin(caller: &Caller) -> bool {
    matches!(caller.role.as_str(), "admin" | "owner")
}

/// Returns whether the caller may save rules for the session.
pub fn can_save_for(caller: &Caller, session: &Session) -> bool {
    is_admin(caller) || session.owner == caller.id
}

/// Returns whether the caller may remove the rule. Members may remove only the rules that they saved for a session, so
/// they can't remove an admin's deny rule for their own session.
pub fn can_remove(caller: &Caller, rule: &SavedRule) -> bool {
    is_admin(caller) || (rule.session.is_some() && rule.by_id == caller.id)
}

/// Returns a person at the console, for tests.
#[cfg(test)]
pub fn person(name: &str, role: &str) -> Caller {
    Caller { id: format!("console:{name}"), name: name.to_owned(), role: role.to_owned() }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;
    use crate::{rule_list::List, saved_rule::example};

    #[test]
    fn a_member_saves_rules_only_for_own_sessions() {
        let alpha = Session { owner: "console:bob".to_owned(), ..session("alpha") };
        let saves = |name, role| can_save_for(&person(name, role), &alpha);
        assert_eq!([saves("bob", "member"), saves("eve", "member"), saves("ada", "admin")], [true, false, true]);
    }

    #[test]
    fn a_member_removes_only_own_rules_of_sessions() {
        let rules = [Some("alpha"), None].map(|session| example(1, List::Deny, "Bash", session));
        let removes = |name, role| [0, 1].map(|index| can_remove(&person(name, role), &rules[index]));
        assert_eq!(removes("ada", "member"), [true, false]);
        assert_eq!(removes("eve", "member"), [false, false]);
        assert_eq!(removes("bob", "admin"), [true, true]);
    }
}
