//! `/mode [name]`: shows or sets the view that renders the answers in the active session. `/mode me <name>` sets it for
//! answers to the caller's own prompts, in all sessions without a mode.

use cordboard_plugin::{
    Call, Reply,
    catalog::{self, Choice},
    command::Spec,
    context, session_control, text, tr,
};

/// The mode used if neither the session nor the caller has one.
const DEFAULT: &str = "normal";

/// The argument that resets a mode.
const RESET: &str = "default";

const USAGE: &str = "/mode [me] [<name>|default]";

pub fn spec() -> Spec {
    Spec::new("mode", &tr!("Show or set how answers are displayed"), USAGE)
}

pub fn run(call: &Call) -> Result<Reply, String> {
    let modes = catalog::modes();
    match call.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let session = context::session()?;
            Ok(mode_list(session.mode.as_deref(), session_control::own_mode()?.as_deref(), &modes))
        }
        ["me"] | ["me", _, _, ..] => Ok(Reply::plain(&text::usage(USAGE))),
        ["me", mode] => {
            session_control::set_own_mode(chosen(mode, &modes)?)?;
            Ok(Reply::plain(&match *mode {
                RESET => tr!("Your personal mode was reset."),
                mode => {
                    tr!("Mode set to {mode} for answers to your messages, in sessions without their own mode.", mode)
                }
            }))
        }
        [mode] => {
            let session = context::session()?;
            session_control::set_mode(&session.name, chosen(mode, &modes)?)?;
            Ok(Reply::plain(&match *mode {
                RESET => tr!("The mode of session '{}' was reset.", session.name),
                mode => tr!("Mode set to {mode} for session '{name}'.", mode, name = session.name),
            }))
        }
        _ => Ok(Reply::plain(&text::usage(USAGE))),
    }
}

/// Returns the mode to set, or `None` for [`RESET`]. Fails if there is no such mode.
fn chosen<'a>(mode: &'a str, modes: &[Choice]) -> Result<Option<&'a str>, String> {
    if mode == RESET {
        return Ok(None);
    }
    if modes.iter().any(|known| known.name == mode) {
        return Ok(Some(mode));
    }
    let known: Vec<_> = modes.iter().map(|mode| mode.name.as_str()).collect();
    Err(tr!("Unknown mode '{mode}'. Known: {known}.", mode, known = known.join(", ")))
}

fn mode_list(session: Option<&str>, own: Option<&str>, modes: &[Choice]) -> Reply {
    let current = session.or(own).unwrap_or(DEFAULT);
    let line = |mode: &Choice| {
        let mark = if mode.name == current { "→ " } else { "" };
        format!("{mark}{}: {}", text::escape(&mode.name), text::escape(&mode.description))
    };
    let lines: Vec<String> = modes.iter().map(line).collect();
    let shown = |mode: Option<&str>| mode.map_or_else(|| tr!("not set"), text::escape);
    let set = tr!("Session: {}. You: {}. Effective for you: {}.", shown(session), shown(own), text::escape(current));
    let usage = text::escape(&text::usage(USAGE));
    let reply = Reply::text(format!("{}\n\n{set}\n\n{usage}", lines.join("\n")));
    modes.iter().fold(reply, |reply, mode| reply.button(&mode.name, format!("/mode {}", mode.name)))
}
