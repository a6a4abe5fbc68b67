//! Parses the arguments of `/permissions`. Pure: nothing here calls the host.

use crate::{
    answer_arguments::{Target, first_word, split_target},
    rule_list::List,
};

#[derive(Debug, PartialEq, Eq)]
pub enum Arguments<'t> {
    Show,
    Save {
        list: List,
        scope: Scope,
        rule: &'t str,
    },
    Remove(u32),
    /// Sets the permission mode. `None` restores the configured mode.
    Mode(Option<&'t str>),
    /// Suggests a rule for the request with this number.
    Suggest(u64),
    /// Saves the rule that was suggested for the request, and allows the request. `seen` is the rule that the pressed
    /// button's command contains; a typed command may omit it.
    SaveSuggested {
        request: u64,
        scope: Scope,
        seen: Option<&'t str>,
    },
    Invalid,
}

/// The sessions to which a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The active session.
    Session,
    All,
}

impl Scope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::All => "all",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Session, Self::All].into_iter().find(|scope| scope.as_str().eq_ignore_ascii_case(word))
    }
}

pub fn parse(text: &str) -> Arguments<'_> {
    let (first, rest) = first_word(text);
    match (List::parse(first), first.to_ascii_lowercase().as_str(), rest) {
        (None, "", _) => Arguments::Show,
        (Some(_), _, "") => Arguments::Invalid,
        (Some(list), _, rest) => save(list, rest),
        (None, "remove", rest) => number(rest).map_or(Arguments::Invalid, Arguments::Remove),
        (None, "always", rest) => suggested(rest),
        (None, "mode", rest) => Arguments::Mode(Some(rest.trim_end_matches('.')).filter(|mode| !mode.is_empty())),
        (None, _, _) => Arguments::Invalid,
    }
}

fn save(list: List, rest: &str) -> Arguments<'_> {
    let (first, behind) = first_word(rest);
    match (Scope::parse(first), behind) {
        (Some(_), "") => Arguments::Invalid,
        (Some(scope), rule) => Arguments::Save { list, scope, rule },
        (None, _) => Arguments::Save { list, scope: Scope::All, rule: rest.trim() },
    }
}

/// Parses the number of a rule, such as `3` or `#3`. Some keyboards add a period after it.
fn number(text: &str) -> Option<u32> {
    text.trim().trim_start_matches('#').trim_end_matches('.').parse().ok()
}

fn suggested(rest: &str) -> Arguments<'_> {
    let (Target::Number(request), rest) = split_target(rest) else { return Arguments::Invalid };
    let (word, rule) = first_word(rest);
    match (word, Scope::parse(word)) {
        ("", _) => Arguments::Suggest(request),
        (_, Some(scope)) => Arguments::SaveSuggested { request, scope, seen: (!rule.is_empty()).then_some(rule) },
        (_, None) => Arguments::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_all_sessions_or_the_active_one() {
        let save = |list, scope, rule| Arguments::Save { list, scope, rule };
        assert_eq!(parse("allow Bash(git  push:*)"), save(List::Allow, Scope::All, "Bash(git  push:*)"));
        assert_eq!(parse("Deny Session Bash(rm:*)"), save(List::Deny, Scope::Session, "Bash(rm:*)"));
        assert_eq!(parse(" ask all WebFetch "), save(List::Ask, Scope::All, "WebFetch"));
        assert_eq!(
            ["allow", "allow session", "ask all", "permit Bash"].map(parse),
            [Arguments::Invalid, Arguments::Invalid, Arguments::Invalid, Arguments::Invalid]
        );
    }

    #[test]
    fn a_suggestion_is_for_a_numbered_request() {
        let save = |scope, seen| Arguments::SaveSuggested { request: 3, scope, seen };
        assert_eq!(parse("always #3"), Arguments::Suggest(3));
        assert_eq!(parse("always #3 all"), save(Scope::All, None));
        assert_eq!(parse("always #3 session Bash(ls -l:*)"), save(Scope::Session, Some("Bash(ls -l:*)")));
        for invalid in ["always", "always 3", "always beta#3", "always #3 now"] {
            assert_eq!(parse(invalid), Arguments::Invalid, "{invalid}");
        }
    }

    #[test]
    fn a_rule_is_removed_by_its_number() {
        assert_eq!(
            [parse(""), parse("remove 12"), parse("Remove #3.")],
            [Arguments::Show, Arguments::Remove(12), Arguments::Remove(3)]
        );
        assert_eq!([parse("remove"), parse("remove Bash")], [Arguments::Invalid, Arguments::Invalid]);
    }
}
