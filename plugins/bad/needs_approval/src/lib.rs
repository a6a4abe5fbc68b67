//! For tests: requests `session-control`, which isn't granted by default, so the plugin waits for approval.

use cordboard_plugin::{Call, Command, Reply, command::Spec, session_control};

struct NeedsApproval;

impl Command for NeedsApproval {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("needs_approval", "Suspends a session", "/needs_approval <name>")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = session_control::suspend(call.arg(0).unwrap_or_default())?;
        Ok(Reply::plain(&format!("took {}", session.name)))
    }
}

cordboard_plugin::export!(NeedsApproval: command);
