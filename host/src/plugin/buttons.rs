//! Which buttons a plugin may show. Whoever presses one acts with rights of their own, which a plugin must not borrow by its label:
//! so a button of a plugin gives commands of that plugin, and nothing else gets out of a call. When it is pressed, the
//! board looks again whose the command is then.

use cordboard_core::{
    route::{self, Routed},
    types::{Button, Reply},
};

use super::{
    generation::Generation,
    grants::{self, STEERING},
    table::Table,
};

/// Where plugins' own lines are logged: who writes one reads there what became of its buttons.
const LOG: &str = "cordboard::plugin::journal";

/// Bytes of a command line that the log shows.
const SHOWN: usize = 60;

/// `reply` with the buttons that `generation` may show by `table`, marked as its own. The others are left out, which is logged once each.
pub fn own(mut reply: Reply, generation: &Generation, table: &Table) -> Reply {
    let plugin = &generation.name;
    for row in &mut reply.buttons {
        row.retain_mut(|button| {
            let refusal = refusal(button, plugin, table);
            if let Some(why) = &refusal
                && generation.is_news(&button.command)
            {
                tracing::warn!(target: LOG, plugin, why, "a button was left out");
            }
            button.of = Some(plugin.clone());
            refusal.is_none()
        });
    }
    reply.buttons.retain(|row| !row.is_empty());
    reply
}

/// Why `plugin` may not show this button.
fn refusal(button: &Button, plugin: &str, table: &Table) -> Option<String> {
    let short: String = button.command.chars().take(SHOWN).collect();
    let Routed::Command { name, text, .. } = route::parse(&button.command, None) else {
        return Some(format!(
            "{short:?} is no command: a button gives one of the plugin's own, as \"/{plugin} again\""
        ));
    };
    if name == STEERING && grants::is_answer(&text) {
        return Some(format!("{short:?} answers what the host alone may ask"));
    }
    match table.command(&name) {
        Some(offer) if offer.generation.name == *plugin => None,
        Some(offer) => Some(format!(
            "{short:?} is a command of plugin '{}': a button gives the plugin's own; name others in the text",
            offer.generation.name
        )),
        None => Some(format!("{short:?} is a command that nobody offers")),
    }
}
