//! For tests: asks for `session-control`, which is granted to nobody by itself, so that it is refused until it is.

use cordboard_plugin::{Call, Command, Reply, command::Spec, session_control};

struct Greedy;

impl Command for Greedy {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("greedy", "Suspends a session", "/greedy <name>")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = session_control::suspend(call.arg(0).unwrap_or_default())?;
        Ok(Reply::plain(&format!("took {}", session.name)))
    }
}

cordboard_plugin::export!(Greedy: command);
