//! Uses rules to decide whether an agent may use a tool. `/permissions` shows and changes the rules, and sets the
//! permission mode. `/requests` lists the agents' open questions, and `/answer`, `/allow` and `/deny` answer them. The
//! host checks whether a question accepts an answer. The rules of a session stay valid after a rename.

mod answer_arguments;
mod config;
mod german;
mod open_requests_page;
mod permissions_arguments;
mod permissions_command;
mod permissions_page;
mod rights;
mod rule_error;
mod rule_list;
mod rule_source;
mod rules;
mod saved_rule;
mod selection;
mod store;
mod suggestion;

use cordboard_plugin::{
    Approval, Call, Command, Hook, Reply,
    approval::{Decision, Outcome, Permission},
    command::Spec,
    config::parse,
    context, hook, log, requests, text, tr,
};

use answer_arguments::{Answer, Target};
use selection::Step;

fn commands() -> Vec<Spec> {
    let spec = |name, summary: String, usage: String| Spec::new(name, &summary, &usage);
    vec![
        spec("requests", tr!("List the questions of agents"), tr!("/requests [#number|name#number]")),
        spec("answer", tr!("Answer a question of an agent"), tr!("/answer [#number|name#number] <choice>… [text]")),
        spec("allow", tr!("Allow an agent's request"), tr!("/allow [#number] [session]")),
        spec("deny", tr!("Deny an agent's request"), tr!("/deny [#number] [why]")),
        spec("permissions", tr!("Show or change the rules about tools"), permissions_command::permissions_usage()),
    ]
}

struct ApprovalRules;

impl Approval for ApprovalRules {
    /// Decides on a tool use according to the session's rules. If a rule can't be read, a user decides about every use,
    /// because that rule might deny it.
    fn decide(permission: Permission) -> Decision {
        match store::rules_of(&permission.session) {
            Ok(rules) => rules.decide(&permission),
            Err(why) => {
                log::error(&why);
                Decision::by_rule(Outcome::Ask, "* (the rules can't be read; see the log)")
            }
        }
    }
}

impl Hook for ApprovalRules {
    /// Moves the rules of a renamed session to its new name.
    fn on_event(event: hook::Event) {
        let Some((from, session)) = renamed_from(&event).zip(event.session) else { return };
        if let Err(why) = store::rename_session(&from, &session.name) {
            log::error(&format!("failed to rename the rules of session '{from}': {why}"));
        }
    }
}

/// Returns the previous name of a session, if the event is about a rename.
fn renamed_from(event: &hook::Event) -> Option<String> {
    let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
    data["from"].as_str().filter(|_| event.kind == "renamed").map(str::to_owned)
}

impl Command for ApprovalRules {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<config::Config>()?;
        Ok(commands())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let (target, rest) = answer_arguments::split_target(&call.text);
        match (call.command.as_str(), rest) {
            ("permissions", _) => permissions_command::run(&call.text),
            ("requests", "") if target == Target::Only => Ok(Reply::text(open_list())),
            ("requests", "") => whole_question(target),
            ("requests", _) => Ok(usage("requests")),
            ("answer", "") if target == Target::Only => Ok(answer_usage()),
            ("answer", words) => answer_or_choose(&Named::find(target)?, words),
            ("allow", "") => Named::find(target)?.answer(&Answer::of("allow")),
            // Some keyboards add a period after the last word.
            ("allow", word) if word.trim_end_matches('.').eq_ignore_ascii_case("session") => {
                Named::find(target)?.answer(&Answer::of("session"))
            }
            ("allow", _) => Ok(usage("allow")),
            (_, why) => {
                let text = answer_arguments::text(why);
                Named::find(target)?.answer(&Answer { text, ..Answer::of("deny") })
            }
        }
    }
}

fn open_list() -> String {
    let active = context::active_session().map(|session| session.name);
    open_requests_page::page(&requests::open(), active.as_deref(), context::now())
}

fn answer_usage() -> Reply {
    let usage = usage("answer");
    Reply { text: format!("{}\n\n{}", usage.text, open_list()), ..usage }
}

/// Shows the whole text of a request. The message that contains the buttons may show only part of it.
fn whole_question(target: Target) -> Result<Reply, String> {
    let (session, number) = target.resolve()?;
    let open = requests::open();
    let found = answer_arguments::find(&open, &session, number).map(|open| {
        let active = context::active_session().map(|session| session.name);
        open_requests_page::whole(open, active.as_deref(), context::now())
    });
    Ok(found.unwrap_or_else(|| Reply::plain(&open_requests_page::not_open(&session, number))))
}

impl Target {
    /// Returns the name of the session, and the number of the request if the command names one. Fails if the command
    /// doesn't name a session and no session is active.
    fn resolve(self) -> Result<(String, Option<u64>), String> {
        Ok(match self {
            Self::Only => (context::session()?.name, None),
            Self::Number(number) => (context::session()?.name, Some(number)),
            Self::OfSession(session, number) => (session, Some(number)),
        })
    }
}

/// The request that a command names.
struct Named {
    session: String,
    number: Option<u64>,
    /// The open request, or `None` unless exactly one matches.
    open: Option<requests::Request>,
}

impl Named {
    fn find(target: Target) -> Result<Self, String> {
        let (session, number) = target.resolve()?;
        let open = answer_arguments::find(&requests::open(), &session, number).cloned();
        Ok(Self { session, number, open })
    }

    /// Answers the request. If no request matches, the host refuses the answer with an error that says why.
    fn answer(&self, answer: &Answer) -> Result<Reply, String> {
        // Name the request by its number, because the agent may ask another question in the meantime.
        let number = self.number.or_else(|| self.open.as_ref().map(|open| open.number));
        requests::answer(&self.session, number, &answer.choices, answer.text.as_deref())?;
        self.open.as_ref().filter(|open| open.multiple).map_or(Ok(()), selection::forget)?;
        Ok(Reply::plain(&answer.report(self.open.as_ref())))
    }
}

/// Answers a request, or chooses one of several options.
fn answer_or_choose(named: &Named, words: &str) -> Result<Reply, String> {
    let step = named.open.as_ref().and_then(|open| Some((open, selection::parse(open, words)?)));
    match step {
        Some((open, Step::Toggle(id))) => Ok(selection::page(open, &selection::toggle(open, &id)?)),
        Some((open, Step::Done)) => named.answer(&Answer { choices: selection::chosen(open), text: None }),
        None => named.answer(&answer_arguments::parse(named.open.as_ref(), words)),
    }
}

fn usage(command: &str) -> Reply {
    let spec = commands().into_iter().find(|spec| spec.name == command);
    Reply::plain(&text::usage(&spec.map_or_else(String::new, |spec| spec.usage)))
}

cordboard_plugin::export!(ApprovalRules: command, approval, hook; german::GERMAN);
