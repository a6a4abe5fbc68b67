//! A webhook that posts GitHub's events about a repository to the place that `/github here` selects. The host has
//! checked the signature, but all texts are untrusted, because strangers can write titles and messages.

mod event_text;
mod german;

use cordboard_plugin::{
    Call, Command, Reply, Webhook, chat,
    command::Spec,
    context,
    language::{store_language, with_stored_language},
    state,
    text::usage,
    tr,
    webhook::{Request, Response},
};

use event_text::event_text;

/// The state key under which the place is stored.
const PLACE: &str = "place";

/// The state key of the language of the user who selected the place.
const LANGUAGE: &str = "language";

/// /// The state key for the latest delivery ids. GitHub redelivers an event with the same id, so these ids identify
/// duplicates.
const SEEN: &str = "seen";

/// The maximum number of stored deliveries.
const MAX_SEEN: usize = 50;

const USAGE: &str = "/github [here|off]";

struct Github;

impl Command for Github {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("github", &tr!("Post GitHub's events here"), USAGE).min_role("admin")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.args.join(" ").as_str() {
            "here" => {
                store_language(LANGUAGE)?;
                state::set_place(PLACE, &context::place()?)?;
                Ok(Reply::plain(&tr!("GitHub's events are posted here.")).button(tr!("Off"), "/github off"))
            }
            "off" => {
                state::delete(PLACE)?;
                Ok(Reply::plain(&tr!("Reports are off.")))
            }
            "" => Ok(match (state::get_place(PLACE), context::current_place()) {
                (None, _) => Reply::plain(&tr!("Reports are off.")).button(tr!("Report here"), "/github here"),
                (place, here) if place == here => {
                    Reply::plain(&tr!("Reports are posted here.")).button(tr!("Off"), "/github off")
                }
                (Some(_), _) => {
                    Reply::plain(&tr!("Reports are posted in another chat.")).button(tr!("Report here"), "/github here")
                }
            }),
            _ => Ok(Reply::plain(&usage(USAGE))),
        }
    }
}

impl Webhook for Github {
    fn receive(request: Request) -> Result<Response, String> {
        let Some(event) = request.header("x-github-event") else {
            return Ok(Response::text(400, "this webhook is only for GitHub: the header X-GitHub-Event is missing"));
        };
        let payload = match request.parse() {
            Ok(payload) => payload,
            Err(why) => {
                return Ok(Response::text(
                    400,
                    &format!("{why}; choose the content type application/json in the settings of the webhook"),
                ));
            }
        };
        let Some(text) = with_stored_language(LANGUAGE, || event_text(event, &payload)) else {
            return Ok(Response::text(200, "nothing to report"));
        };
        let Some(place) = state::get_place(PLACE) else {
            return Ok(Response::text(
                200,
                "no chat is set: send `/github here` in the chat that should get the reports",
            ));
        };
        let delivery = request.header("x-github-delivery").unwrap_or_default();
        if is_known(delivery)? {
            return Ok(Response::text(200, "this delivery was already reported"));
        }
        chat::post(&place, &Reply::text(text))?;
        Ok(Response::text(200, "posted"))
    }
}

/// Returns whether this delivery was received before. If it is new, stores it.
fn is_known(delivery: &str) -> Result<bool, String> {
    let seen = state::get_text(SEEN).unwrap_or_default();
    let Some(seen) = add_delivery(&seen, delivery) else { return Ok(true) };
    state::set(SEEN, seen.as_bytes())?;
    Ok(false)
}

/// Returns `seen` with the delivery added, or `None` if `seen` contains it. A delivery without an id is always new.
fn add_delivery(seen: &str, delivery: &str) -> Option<String> {
    let mut seen: Vec<&str> = seen.lines().collect();
    if delivery.is_empty() {
        return Some(seen.join("\n"));
    }
    if seen.contains(&delivery) {
        return None;
    }
    seen.push(delivery);
    Some(seen.split_off(seen.len().saturating_sub(MAX_SEEN)).join("\n"))
}

cordboard_plugin::export!(Github: command, webhook; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_deliveries_are_remembered() {
        let seen = add_delivery("", "a").unwrap();
        assert_eq!((add_delivery(&seen, "a"), add_delivery(&seen, "b").as_deref()), (None, Some("a\nb")));
        assert_eq!(add_delivery("a", "").as_deref(), Some("a"));
        let many = (0..2 * MAX_SEEN).fold(String::new(), |seen, at| add_delivery(&seen, &at.to_string()).unwrap());
        assert_eq!((many.lines().count(), many.lines().next()), (MAX_SEEN, Some("50")));
    }
}
