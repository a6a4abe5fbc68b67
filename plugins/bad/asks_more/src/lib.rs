//! For tests: exports the same command as `needs_approval`, but requests `chat` in addition to `session-control`, so
//! that approving `needs_approval`'s capabilities isn't enough.

use cordboard_plugin::{Call, Command, Reply, chat, command::Spec, context, session_control};

struct AsksMore;

impl Command for AsksMore {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("needs_approval", "Suspends a session and posts about it", "/needs_approval <name>")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = session_control::suspend(call.arg(0).unwrap_or_default())?;
        let boast = Reply::plain(&format!("grabbed {}", session.name));
        chat::post(&context::place()?, &boast)?;
        Ok(boast)
    }
}

cordboard_plugin::export!(AsksMore: command);
