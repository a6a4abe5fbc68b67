//! `/now <text>`: sends a message that interrupts the agent and runs next. `/queue`: shows the messages that wait for the
//! active session's agent, with a button to drop each.

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    context, session_control,
    sessions::{self, QueuedPrompt},
    text,
};

/// The maximum number of messages that are shown, so that the reply fits into a message.
const MAX_SHOWN: usize = 20;

struct Queue;

impl Command for Queue {
    fn specs() -> Result<Vec<Spec>, String> {
        let now = Spec::new("now", "Interrupt the agent with a message", "/now <message>").at_once();
        let queue = Spec::new("queue", "Show the messages that wait", "/queue");
        Ok(vec![now, queue])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = context::session()?;
        match (call.command.as_str(), call.args.as_slice()) {
            ("now", []) => Ok(Reply::plain("Usage: /now <message>")),
            ("now", _) => {
                session_control::send_now(&session.name, &call.text)?;
                Ok(Reply::plain(&format!("Session '{}' gets this message next.", session.name)))
            }
            (_, []) => Ok(queue(&session.name, &sessions::queued(&session.name))),
            (_, [word, id]) if word == "drop" => {
                session_control::drop_queued(&session.name, id)?;
                Ok(queue(&session.name, &sessions::queued(&session.name)).in_place())
            }
            _ => Ok(Reply::plain("Usage: /queue")),
        }
    }
}

fn queue(session: &str, waiting: &[QueuedPrompt]) -> Reply {
    if waiting.is_empty() {
        return Reply::plain(&format!("No messages wait in session '{session}'."));
    }
    let count = waiting.len();
    let (messages, wait) = if count == 1 { ("message", "waits") } else { ("messages", "wait") };
    let mut lines = vec![format!("{count} {messages} {wait} in session '{}':", text::escape(session))];
    let shown = waiting.iter().take(MAX_SHOWN).enumerate();
    lines.extend(shown.clone().map(|(index, prompt)| format!("{}\\. {}", index + 1, text::escape(&prompt.text))));
    if count > MAX_SHOWN {
        lines.push(format!("… and {} more", count - MAX_SHOWN));
    }
    let reply = Reply::text(lines.join("\n"));
    shown.fold(reply, |reply, (index, prompt)| {
        reply.button(format!("Drop {}", index + 1), format!("/queue drop {}", prompt.id))
    })
}

cordboard_plugin::export!(Queue: command);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_queue_is_cut() {
        let prompt = |number| QueuedPrompt { id: format!("p{number}"), text: format!("*message* {number}") };
        let reply = queue("x", &(1..=23).map(prompt).collect::<Vec<_>>());
        assert!(reply.text.starts_with("23 messages wait in session 'x':\n1\\. \\*message\\* 1\n"), "{}", reply.text);
        assert!(reply.text.ends_with("\n20\\. \\*message\\* 20\n… and 3 more"), "{}", reply.text);
        assert_eq!(reply.buttons.iter().flatten().count(), MAX_SHOWN);
        assert_eq!(queue("x", &[]).text, "No messages wait in session 'x'\\.".replace("\\.", "."));
    }
}
