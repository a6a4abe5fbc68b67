//! `/now <message>`: sends a message that interrupts the agent and runs next. `/queue`: lists the messages waiting for
//! the active session's agent, each with a button that drops it.

use cordboard_plugin::{
    Call, Reply,
    command::Spec,
    context, session_control,
    sessions::{self, QueuedPrompt},
    text, tr,
};

/// The maximum number of messages to show, so that the reply fits into one message.
const MAX_SHOWN: usize = 20;

pub fn specs() -> [Spec; 2] {
    let now = Spec::new("now", &tr!("Interrupt the agent with a message"), &now_usage()).at_once();
    [now, Spec::new("queue", &tr!("Show the queued messages"), "/queue")]
}

fn now_usage() -> String {
    tr!("/now <message>")
}

pub fn now(call: &Call) -> Result<Reply, String> {
    let session = context::session()?;
    if call.args.is_empty() {
        return Ok(Reply::plain(&text::usage(&now_usage())));
    }
    session_control::send_now(&session.name, &call.text)?;
    Ok(Reply::plain(&tr!("Session '{}' gets this message next.", session.name)))
}

pub fn queue(call: &Call) -> Result<Reply, String> {
    let session = context::session()?;
    match call.args.as_slice() {
        [] => Ok(list(&session.name, &sessions::queued(&session.name))),
        [word, id] if word == "drop" => {
            session_control::drop_queued(&session.name, id)?;
            Ok(list(&session.name, &sessions::queued(&session.name)).in_place())
        }
        _ => Ok(Reply::plain(&text::usage("/queue"))),
    }
}

fn list(session: &str, waiting: &[QueuedPrompt]) -> Reply {
    if waiting.is_empty() {
        return Reply::plain(&tr!("No messages are queued in session '{session}'.", session));
    }
    let count = waiting.len();
    let session = text::escape(session);
    let mut lines = vec![tr!(
        "{n} message is queued in session '{session}':" | "{n} messages are queued in session '{session}':" % count,
        session
    )];
    let shown = waiting.iter().take(MAX_SHOWN).enumerate();
    lines.extend(shown.clone().map(|(index, prompt)| format!("{}\\. {}", index + 1, text::escape(&prompt.text))));
    if count > MAX_SHOWN {
        lines.push(tr!("… and {} more", count - MAX_SHOWN));
    }
    let reply = Reply::text(lines.join("\n"));
    shown.fold(reply, |reply, (index, prompt)| {
        reply.button(tr!("Drop {}", index + 1), format!("/queue drop {}", prompt.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_queue_is_cut() {
        let prompt = |number| QueuedPrompt { id: format!("p{number}"), text: format!("*message* {number}") };
        let reply = list("x", &(1..=23).map(prompt).collect::<Vec<_>>());
        assert!(
            reply.text.starts_with("23 messages are queued in session 'x':\n1\\. \\*message\\* 1\n"),
            "{}",
            reply.text
        );
        assert!(reply.text.ends_with("\n20\\. \\*message\\* 20\n… and 3 more"), "{}", reply.text);
        assert_eq!(reply.buttons.iter().flatten().count(), MAX_SHOWN);
        assert_eq!(list("x", &[]).text, "No messages are queued in session 'x'\\.".replace("\\.", "."));
    }
}
