//! `/mode [name]`: shows or sets the view that renders the answers in the active session.

use cordboard_plugin::{
    Call, Reply,
    catalog::{self, Choice},
    command::Spec,
    context, session_control, text,
};

/// The mode of sessions that have chosen none.
const DEFAULT: &str = "normal";

pub fn spec() -> Spec {
    Spec::new("mode", "Show or set how answers are shown", "/mode [name]")
}

pub fn run(call: &Call) -> Result<Reply, String> {
    let session = context::session()?;
    let modes = catalog::modes();
    match call.args.as_slice() {
        [] => Ok(mode_list(session.mode.as_deref().unwrap_or(DEFAULT), &modes)),
        [mode] if modes.iter().any(|known| known.name == *mode) => {
            let chosen = Some(mode.as_str()).filter(|mode| *mode != DEFAULT);
            session_control::set_mode(&session.name, chosen)?;
            Ok(Reply::plain(&format!("Mode set to {mode} for session '{}'.", session.name)))
        }
        [mode] => {
            let known: Vec<_> = modes.iter().map(|mode| mode.name.as_str()).collect();
            Err(format!("Unknown mode '{mode}'. Known: {}.", known.join(", ")))
        }
        _ => Ok(Reply::plain("Usage: /mode [name]")),
    }
}

fn mode_list(current: &str, modes: &[Choice]) -> Reply {
    let line = |mode: &Choice| {
        let mark = if mode.name == current { "→ " } else { "" };
        format!("{mark}{}: {}", text::escape(&mode.name), text::escape(&mode.description))
    };
    let lines: Vec<String> = modes.iter().map(line).collect();
    let reply = Reply::text(format!("{}\n\nUsage: /mode <name>", lines.join("\n")));
    modes.iter().fold(reply, |reply, mode| reply.button(&mode.name, format!("/mode {}", mode.name)))
}
