//! Posts session events. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them off.

use cordboard_plugin::{
    Call, Command, Hook, Reply, chat,
    command::Spec,
    context,
    hook::{Event, kind},
    log, state, text,
};

const USAGE: &str = "/{{command}} <here|off>";

/// The state key under which the place is stored.
const PLACE: &str = "place";

struct Plugin;

impl Command for Plugin {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("{{command}}", "Post session events here", USAGE).min_role("admin")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.arg(0) {
            Some("here") => {
                state::set_place(PLACE, &context::place()?)?;
                Ok(Reply::text("Session events are posted here.").button("Off", "/{{command}} off"))
            }
            Some("off") => {
                state::delete(PLACE)?;
                Ok(Reply::text("Session events are no longer posted."))
            }
            _ => Err(format!("Usage: {USAGE}")),
        }
    }
}

impl Hook for Plugin {
    fn on_event(event: Event) {
        let (Some(place), Some(text)) = (state::get_place(PLACE), event_text(&event)) else { return };
        if let Err(why) = chat::post(&place, &Reply::text(text)) {
            log::warn(&why);
        }
    }
}

/// Returns the text to post for an event, or `None` if the event isn't posted. The `kind` module lists all event kinds;
/// later contract versions may add more.
fn event_text(event: &Event) -> Option<String> {
    let session = text::code(&event.session.as_ref()?.name);
    match event.kind.as_str() {
        kind::CREATED => Some(format!("{session} was created.")),
        kind::ARCHIVED => Some(format!("{session} was archived.")),
        kind::ASKING | kind::BROKEN => Some(format!("{session} needs you.")),
        _ => None,
    }
}

cordboard_plugin::export!(Plugin: command, hook);
