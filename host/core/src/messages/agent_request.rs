//! The messages about the questions that agents ask users.

use std::{path::Path, time::Duration};

use tr::tr;

use super::{plain, quote, session_notice::quote_folder};
use crate::{
    config::format_duration,
    types::{AgentRequest, AskReason, OpenRequest, OptionText, Reply, RequestOption, SessionName},
};

/// Returns the message that shows an agent's question to users. Each button's command contains the question's number,
/// so that users can also type the command.
pub(super) fn asked(
    session: &SessionName,
    folder: &Path,
    number: u64,
    request: &AgentRequest,
    reason: Option<&AskReason>,
) -> Reply {
    let folder = quote_folder(folder);
    let asks = match request.kind {
        "permission" => tr!("Session '{session}' in {folder} asks for permission", session, folder),
        "plan" => tr!("Session '{session}' in {folder} asks you to approve its plan", session, folder),
        _ => tr!("Session '{session}' in {folder} asks", session, folder),
    };
    let whole = format!("/requests {session}#{number}");
    // This note comes before the question, because an agent's plan could end in an unclosed code block.
    let part = if request.is_shortened() { tr!(" (shortened; {whole} shows more)", whole) } else { String::new() };
    let head = plain(&format!("{asks}{part}:"));
    let reason = reason.map(|reason| format!("\n\n{}", plain(&reason_text(reason)).text)).unwrap_or_default();
    let text = Reply::text(format!("{}\n\n{}{reason}", head.text, request.shown_text()));
    let button = |reply: Reply, option: &RequestOption| match option.text {
        // The approval plugin stores the chosen options, and marks their buttons.
        OptionText::No | OptionText::Optional if request.multiple => {
            reply.button(&format!("☐ {}", option.label), &format!("/answer #{number} toggle {}", option.id))
        }
        OptionText::No | OptionText::Optional | OptionText::Required => {
            reply.button(&option.label, &format!("/answer #{number} {}", option.id))
        }
    };
    let reply = request.options.iter().fold(text, button);
    if request.is_shortened() { reply.button(&tr!("Show more"), &whole) } else { reply }
}

fn reason_text(reason: &AskReason) -> String {
    match reason {
        AskReason::Rule(rule) => tr!("The rule {} requires your decision.", quote(rule)),
        AskReason::PluginFailed => tr!("The approval plugin failed, so its rules were not checked. See the log."),
        AskReason::InputTooLarge => {
            tr!("The input is too large for the approval plugin, so its rules were not checked.")
        }
        AskReason::NotOffered => tr!("The approval plugin allows this, but the agent doesn't offer that answer."),
    }
}

pub(super) fn expired(session: &SessionName, title: &str, after: Duration) -> String {
    let (title, after) = (quote(title), format_duration(after));
    tr!(
        "The agent of session '{session}' got no answer within {after}, and continues without one. It asked: {title}",
        session,
        after,
        title
    )
}

/// Returns the last line of a question that accepts several answers.
#[must_use]
pub fn choose_several() -> String {
    tr!("Choose one or more, and press Done, or type their numbers, as in `/answer 1 2`.")
}

/// Returns the line that says which rules the option [`RequestOption::ALLOW_FOR_SESSION`] adds.
#[must_use]
pub fn would_allow(rules: &str) -> String {
    tr!("For this session it would allow: {rules}", rules)
}

/// Returns the description of a rule that allows access to a folder.
#[must_use]
pub fn rule_for_folder(folder: &str) -> String {
    tr!("the folder {folder}", folder)
}

/// Returns the description of a rule that changes the permission mode.
#[must_use]
pub fn rule_for_mode(mode: &str) -> String {
    tr!("everything in the permission mode {mode}", mode)
}

/// Returns the text in place of a plan that the agent didn't send.
#[must_use]
pub fn no_plan() -> String {
    tr!("The agent sent no plan with this request; look for it in the answer above.")
}

/// Returns the line that lists the prompts that the approval of a plan allows.
#[must_use]
pub fn plan_also_allows(prompts: &str) -> String {
    tr!("Approving the plan also allows: {prompts}", prompts)
}

/// The labels of the answers to agents' questions.
pub mod labels {
    use tr::tr;

    #[must_use]
    pub fn allow_once() -> String {
        tr!("Allow once")
    }

    #[must_use]
    pub fn always_allow() -> String {
        tr!("Always allow")
    }

    #[must_use]
    pub fn always_deny() -> String {
        tr!("Always deny")
    }

    #[must_use]
    pub fn allow_for_session() -> String {
        tr!("Allow for this session")
    }

    #[must_use]
    pub fn deny() -> String {
        tr!("Deny")
    }

    #[must_use]
    pub fn deny_with_reason() -> String {
        tr!("Deny and say why")
    }

    #[must_use]
    pub fn something_else() -> String {
        tr!("Something else")
    }

    #[must_use]
    pub fn approve() -> String {
        tr!("Approve")
    }

    #[must_use]
    pub fn keep_planning() -> String {
        tr!("Keep planning")
    }

    #[must_use]
    pub fn keep_planning_with_reason() -> String {
        tr!("Keep planning and say what to change")
    }
}

/// The reason why no user can answer a question, for the audit log.
pub const INPUT_ENDED: &str = "the input has ended";

pub(super) fn withdrawn(session: &SessionName, title: &str) -> String {
    let title = quote(title);
    tr!(
        "No user can answer the agent of session '{session}', because the input has ended. The agent continues without an answer. It asked: {title}",
        session,
        title
    )
}

pub(super) fn lost(session: &SessionName, title: &str) -> String {
    let title = quote(title);
    tr!("A question of session '{session}' was withdrawn, because Cordboard was stopped: {title}", session, title)
}

/// Returns the error for an answer to a session that has no open question, or none with this number.
#[must_use]
pub fn no_open_request(session: &SessionName, number: Option<u64>) -> String {
    match number {
        None => tr!("Session '{session}' has no open request.", session),
        Some(number) => {
            tr!("Session '{session}' has no open request #{number}. Use /requests to list them.", session, number)
        }
    }
}

/// Returns the error for an answer without a number to a session with several open questions.
#[must_use]
pub fn several_requests(session: &SessionName, open: &[&OpenRequest]) -> String {
    let list: Vec<String> =
        open.iter().map(|open| format!("#{} {}", open.number, quote(&open.request.title))).collect();
    let number = open.first().map_or(1, |open| open.number);
    tr!(
        "Session '{session}' has {} open requests:\n{}\nAnswer one by its number, as in /answer #{number} …",
        open.len(),
        list.join("\n"),
        session,
        number
    )
}

/// Returns the error for an answer that is not one of the options.
#[must_use]
pub fn no_such_option(request: &AgentRequest) -> String {
    let options = request.options.iter();
    let known: Vec<String> = options.map(|option| format!("{} ({})", option.id, quote(&option.label))).collect();
    let known = known.join(", ");
    if request.multiple { tr!("Choose one or more of: {known}.", known) } else { tr!("Choose one of: {known}.", known) }
}

#[must_use]
pub fn option_without_text(label: &str) -> String {
    tr!("“{}” takes no text.", quote(label))
}

/// Returns the answer to a user in a chat who chose an option that requires a text, but gave no text.
#[must_use]
pub fn text_is_next(session: &SessionName, number: u64, option: &str) -> String {
    tr!(
        "Send the text as your next message here, or type: /answer {session}#{number} {option} <text>",
        session,
        number,
        option
    )
}

/// Returns the error for an option that requires a text and was chosen without one.
#[must_use]
pub fn option_needs_text(session: &SessionName, number: u64, option: &str) -> String {
    tr!("Add the text: /answer {session}#{number} {option} <text>", session, number, option)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{QuestionText, RequestId};

    fn shown(text: QuestionText, reason: Option<&AskReason>) -> (String, Vec<String>) {
        let option = RequestOption { id: "allow".to_owned(), label: "Allow once".to_owned(), text: OptionText::No };
        let request = AgentRequest {
            kind: "permission",
            text,
            session_rules: " It would allow `Bash`.".to_owned().into(),
            options: vec![option],
            ..AgentRequest::new(RequestId("q".to_owned()), "Bash: ls".to_owned())
        };
        let reply = asked(&"alpha".parse().unwrap(), Path::new("/w"), 3, &request, reason);
        let buttons = reply.buttons.iter().flatten().map(|button| format!("{} {}", button.label, button.command));
        (crate::render::plain(&reply.text), buttons.collect())
    }

    #[test]
    fn a_shortened_question_says_how_to_see_more() {
        let (text, buttons) = shown(QuestionText::new("ls …".to_owned(), "ls -la".to_owned()), None);
        let head = "Session 'alpha' in /w asks for permission (shortened; /requests alpha#3 shows more):";
        assert_eq!(text, format!("{head}\n\nls …"), "without an answer for the session, its rules are not shown");
        assert_eq!(buttons, ["Allow once /answer #3 allow", "Show more /requests alpha#3"]);
        let (text, buttons) = shown("ls".to_owned().into(), None);
        assert_eq!((text.as_str(), buttons.len()), ("Session 'alpha' in /w asks for permission:\n\nls", 1));
    }

    #[test]
    fn a_question_names_the_rule_that_asks() {
        let reason = AskReason::Rule("Bash(git push:*)".to_owned());
        let (text, _) = shown("ls".to_owned().into(), Some(&reason));
        assert!(text.ends_with("ls\n\nThe rule Bash(git push:*) requires your decision."), "{text}");
    }
}
