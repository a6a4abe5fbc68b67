//! The list of open requests. Pure: nothing here calls the host.
//!
//! The list has no buttons, because each question's own message already has them.

use cordboard_plugin::{
    Reply, Timestamp,
    requests::{Choice, Request},
    text::{escape, short_span},
    tr,
};

/// The maximum number of listed requests: about two screens of a phone.
const LISTED: usize = 20;

/// /// The maximum length of a request's text in the chat, in characters: about two messages. A longer text is attached
/// as a file.
const LONGEST: usize = 8000;

pub fn page(open: &[Request], active: Option<&str>, now: Timestamp) -> String {
    if open.is_empty() {
        return tr!("No open requests.");
    }
    let mut items: Vec<String> = open.iter().take(LISTED).map(|request| item(request, active, now)).collect();
    if open.len() > LISTED {
        items.push(tr!("…and {} more.", open.len() - LISTED));
    }
    items.join("\n\n")
}

/// Shows the text of a request, and how to answer it. A long text is attached. Otherwise the text comes last, because
/// an agent's plan may end in an unclosed code block.
pub fn whole(request: &Request, active: Option<&str>, now: Timestamp) -> Reply {
    let head = item(request, active, now);
    if request.text.chars().count() > LONGEST {
        return Reply::text(head).attach_text(&format!("request-{}.md", request.number), request.text.as_str());
    }
    Reply::text(format!("{head}\n\n{}", request.text))
}

/// Returns the message for a session that has no open request, or none with this number.
pub fn not_open(session: &str, number: Option<u64>) -> String {
    match number {
        Some(number) => {
            tr!("Session '{session}' has no open request #{number}. Use /requests to list them.", session, number)
        }
        None => tr!("Session '{session}' has no open request. Use /requests to list them.", session),
    }
}

fn item(request: &Request, active: Option<&str>, now: Timestamp) -> String {
    let Request { session, number, title, since, choices, multiple, .. } = request;
    let age = short_span(now.saturating_sub(*since) / 1000);
    let target = if active == Some(session.as_str()) { format!("#{number}") } else { format!("{session}#{number}") };
    let choices: Vec<String> = choices.iter().map(choice).collect();
    let choices = choices.join(", ");
    let how = if *multiple {
        tr!("Answer with /answer {target} and one or more of: {choices}.", target, choices)
    } else {
        tr!("Answer with /answer {target} and one of: {choices}.", target, choices)
    };
    format!("#{number} `{session}`: {} ({age})\n{}", escape(title), escape(&how))
}

fn choice(choice: &Choice) -> String {
    let text = match choice.text.as_str() {
        "required" => tr!(" <text>"),
        "optional" => tr!(" [text]"),
        _ => String::new(),
    };
    format!("{}{text} ({})", choice.id, choice.label)
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::{Content, testing::permission};

    use super::*;

    #[test]
    fn a_request_is_listed_with_its_choices() {
        let open = [permission("alpha", 2), Request { multiple: true, title: "*a*".into(), ..permission("beta", 1) }];
        let choices = "allow (Allow once), session (Allow for this session), deny [text] (Deny), \
                       why <text> (Deny and say why).";
        let alpha = format!("#2 `alpha`: Bash: ls (3 min)\nAnswer with /answer #2 and one of: {choices}");
        let beta = format!("#1 `beta`: \\*a\\* (3 min)\nAnswer with /answer beta#1 and one or more of: {choices}");
        assert_eq!(page(&open, Some("alpha"), 190_000), format!("{alpha}\n\n{beta}"));
    }

    #[test]
    fn all_of_one_request_is_shown() {
        let open = Request { text: "```sh\nls\n```".into(), ..permission("alpha", 2) };
        let shown = whole(&open, Some("alpha"), 190_000).text;
        assert!(shown.starts_with("#2 `alpha`: Bash: ls (3 min)\nAnswer with /answer #2 and one of: "), "{shown}");
        assert!(shown.ends_with(".\n\n```sh\nls\n```"), "{shown}");
        assert_eq!(not_open("alpha", Some(3)), "Session 'alpha' has no open request #3. Use /requests to list them.");
    }

    #[test]
    fn a_long_text_is_attached() {
        let open = Request { text: "x".repeat(LONGEST + 1), ..permission("alpha", 2) };
        let reply = whole(&open, Some("alpha"), 190_000);
        assert!(reply.text.ends_with('.') && !reply.text.contains("xx"), "{}", reply.text);
        let [attached] = reply.attachments.as_slice() else { panic!("{} attachments", reply.attachments.len()) };
        assert_eq!(attached.name, "request-2.md");
        assert!(matches!(&attached.content, Content::Text(text) if *text == open.text));
    }

    #[test]
    fn a_long_list_is_cut() {
        let open: Vec<Request> = (1..23).map(|number| permission("alpha", number)).collect();
        let list = page(&open, None, 0);
        assert!(list.contains("\n\n#20 `alpha`") && list.ends_with("\n\n…and 2 more."), "{list}");
        assert_eq!(page(&[], None, 0), "No open requests.");
    }
}
