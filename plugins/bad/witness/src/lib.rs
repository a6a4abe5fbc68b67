//! For tests: stores the kinds of the last events that it received, and shows them on `/witness`. Two extension
//! points in one component.

use cordboard_plugin::{Call, Command, Hook, Reply, command::Spec, hook::Event, log, state};

const KEY: &str = "kinds";

/// The number of stored events.
const LAST: usize = 20;

struct Witness;

impl Hook for Witness {
    fn on_event(event: Event) {
        let heard = state::get_text(KEY).unwrap_or_default();
        let mut kinds: Vec<_> = heard.split_whitespace().collect();
        kinds.push(&event.kind);
        let kept = kinds.split_off(kinds.len().saturating_sub(LAST)).join(" ");
        if let Err(why) = state::set(KEY, kept.as_bytes()) {
            log::warn(&why);
        }
    }
}

impl Command for Witness {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("witness", "Tells what happened", "/witness")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::plain(&state::get_text(KEY).unwrap_or_else(|| "nothing".to_owned())))
    }
}

cordboard_plugin::export!(Witness: command, hook);
