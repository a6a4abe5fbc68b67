//! Finds the command that a person gives by name or by a button, or the reason why it is not called.

use cordboard_core::{messages::Answer, route, types::Role};
use cordboard_runtime::{Offer, Snapshot};

/// Finds the command `name` for a person with this role. `of` is the plugin whose button gives it.
///
/// # Errors
/// The answer to the person.
pub fn find_command<'s>(
    table: &'s Snapshot,
    (name, of): (&str, Option<&str>),
    role: Role,
) -> Result<&'s Offer, Answer> {
    let Some(offer) = table.command(name) else {
        let known = table.commands().filter(|offer| role >= offer.spec.least_role);
        let nearest = route::nearest(name, known.map(|offer| offer.spec.name.as_str())).map(str::to_owned);
        return Err(Answer::UnknownCommand { name: name.to_owned(), nearest });
    };
    if let Some(plugin) = of.filter(|of| *of != offer.generation.name) {
        return Err(Answer::NotItsButton { name: name.to_owned(), plugin: plugin.to_owned() });
    }
    if role < offer.spec.least_role {
        return Err(Answer::NotAllowed { name: name.to_owned(), role: offer.spec.least_role });
    }
    Ok(offer)
}
