//! The rule that "Always allow…" suggests for an open request. Pure: nothing here calls the host.

use cordboard_permission_rules::{Rule, ToolUse, suggest};
use cordboard_plugin::{
    Reply, Session,
    requests::Request,
    text::{code, escape},
    tr,
};

use crate::{permissions_arguments::Scope, rules::Rules};

#[derive(Debug, PartialEq, Eq)]
pub enum Suggestion {
    Rule(Rule),
    /// No rule would be both narrow and safe.
    Nothing,
    /// A rule that allows the use would have no effect, because this `ask` rule takes precedence.
    AskedFirst(String),
    /// The request isn't about the use of a tool.
    NoTool,
}

impl Suggestion {
    pub fn of(request: &Request, session: &Session, rules: &Rules) -> Self {
        let paths: Vec<String> = facts(request, "path").map(str::to_owned).collect();
        let Some(tool) = facts(request, "tool").next().filter(|_| request.kind == "permission") else {
            return Self::NoTool;
        };
        let tool_use = ToolUse {
            tool,
            command: facts(request, "command").next(),
            paths: &paths,
            url: facts(request, "url").next(),
            folder: &session.folder,
            home: facts(request, "home").next(),
        };
        if let Some(rule) = rules.asking_rule(&tool_use) {
            return Self::AskedFirst(rule);
        }
        narrow_rule(&tool_use).map_or(Self::Nothing, Self::Rule)
    }

    /// Builds the page that shows the suggestion. A button's command contains the rule, so that pressing it saves the
    /// rule that the page shows, even if the suggestion has changed since.
    pub fn page(&self, request: &Request, all_sessions: AllSessions) -> Reply {
        let number = request.number;
        let title = format!("#{number} {}", escape(&request.title));
        let once = tr!("Use {} to allow it once.", code(&format!("/allow #{number}")));
        let add = code(&tr!("/permissions allow session <rule>"));
        match self {
            Self::Rule(rule) => {
                let what = tr!("From now on, this rule would allow it without asking:");
                let text = format!("{title}\n\n{what}\n{}", code(&rule.to_string()));
                let command = |scope: Scope| format!("/permissions always #{number} {} {rule}", scope.as_str());
                let reply = Reply::text(text).button(tr!("Always allow, this session"), command(Scope::Session));
                match all_sessions {
                    AllSessions::Offered => reply.button(tr!("Always allow, all sessions"), command(Scope::All)),
                    AllSessions::Hidden => reply,
                }
            }
            Self::Nothing => {
                let why = tr!("No narrow rule allows this, for example because it consists of several commands.");
                let more = tr!("To allow more, write a rule yourself: {add}", add);
                Reply::text(format!("{title}\n\n{why}\n{once} {more}"))
            }
            Self::AskedFirst(rule) => {
                let rule = escape(rule);
                let why = tr!("A rule asks before each use, so a rule that allows it has no effect: {rule}", rule);
                Reply::text(format!("{title}\n\n{why}\n{once}"))
            }
            Self::NoTool => {
                let why = tr!("This question isn't about the use of a tool, so no rule can answer it.");
                Reply::text(format!("{title}\n\n{why}"))
            }
        }
    }
}

/// Returns a narrow rule that allows the use, if there is a safe one.
pub fn narrow_rule(tool_use: &ToolUse) -> Option<Rule> {
    // A rule for a folder outside the session's folder could include the home folder, so it isn't suggested if the home
    // folder is unknown.
    suggest(tool_use).filter(|rule| tool_use.home.is_some() || !rule.to_string().contains("(//"))
}

/// Controls whether the page offers a rule for all sessions, which only admins can save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllSessions {
    Offered,
    Hidden,
}

fn facts<'r>(request: &'r Request, name: &'r str) -> impl Iterator<Item = &'r str> {
    request.facts.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::{
        config::parse_text,
        testing::{permission, session},
    };

    use super::*;

    fn request(facts: &[(&str, &str)]) -> Request {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { facts, ..permission("alpha", 3) }
    }

    fn suggestion(facts: &[(&str, &str)]) -> Suggestion {
        Suggestion::of(&request(facts), &session("alpha"), &Rules::default())
    }

    fn rule(text: &str) -> Suggestion {
        Suggestion::Rule(text.parse().expect("a valid rule"))
    }

    #[test]
    fn the_facts_of_a_request_give_a_narrow_rule() {
        assert_eq!(suggestion(&[("tool", "Bash"), ("command", "git push origin")]), rule("Bash(git push:*)"));
        assert_eq!(suggestion(&[("tool", "WebFetch"), ("url", "https://docs.rs/x")]), rule("WebFetch(domain:docs.rs)"));
        assert_eq!(suggestion(&[("tool", "Write"), ("path", "/sessions/alpha/src/a.rs")]), rule("Edit(src/**)"));
        assert_eq!(suggestion(&[("tool", "Bash"), ("command", "make; rm x")]), Suggestion::Nothing);
        assert_eq!(suggestion(&[]), Suggestion::NoTool);
    }

    #[test]
    fn a_folder_outside_is_suggested_if_the_home_is_known() {
        let (tool, path) = (("tool", "Edit"), ("path", "/home/ada/notes/a.md"));
        assert_eq!(suggestion(&[tool, path]), Suggestion::Nothing);
        assert_eq!(suggestion(&[tool, path, ("home", "/home/ada")]), rule("Edit(//home/ada/notes/**)"));
    }

    #[test]
    fn nothing_is_suggested_if_a_rule_asks_first() {
        let config = parse_text(r#"{"ask":["Bash(git push:*)"]}"#).expect("valid input");
        let rules = Rules::of_session(&session("alpha"), &config, &[]);
        let open = request(&[("tool", "Bash"), ("command", "git push origin")]);
        let asked = Suggestion::of(&open, &session("alpha"), &rules);
        assert_eq!(asked, Suggestion::AskedFirst("Bash(git push:*) (configuration)".to_owned()));
        let page = asked.page(&open, AllSessions::Offered);
        assert!(page.buttons.is_empty() && page.text.ends_with("\nUse `/allow #3` to allow it once."), "{}", page.text);
    }

    #[test]
    fn the_buttons_contain_the_rule() {
        let page = |all| rule("Bash(git push:*)").page(&request(&[]), all);
        let commands = |reply: Reply| -> Vec<String> {
            reply.buttons.into_iter().flatten().map(|button| button.command).collect()
        };
        let session = "/permissions always #3 session Bash(git push:*)";
        assert_eq!(commands(page(AllSessions::Hidden)), [session]);
        assert_eq!(commands(page(AllSessions::Offered)), [session, "/permissions always #3 all Bash(git push:*)"]);
        assert!(page(AllSessions::Hidden).text.starts_with("#3 Bash: ls\n\n"));
    }
}
