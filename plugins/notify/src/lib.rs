//! A hook that posts to one place when a long turn in another place ends, and when a session needs attention. `/notify
//! here` selects the place. The posts must not include session messages, because other people may see them. `/session`
//! and `/retry` belong to another plugin, so the posts contain them as text, not as buttons.

mod german;

use cordboard_plugin::{
    Call, Command, Hook, Place, Reply, Seconds, Session, chat,
    command::Spec,
    config, context,
    hook::{Event, kind},
    language::{store_language, with_stored_language},
    log, state,
    text::{escape, long_span, span, usage},
    tr,
};

/// The state key under which the place is stored.
const PLACE: &str = "place";

/// The state key of the language of the user who selected the place.
const LANGUAGE: &str = "language";

/// The default duration that a turn must reach to be reported, in seconds. The user is probably still watching a
/// shorter turn.
const DEFAULT_AFTER: Seconds = 5 * 60;

const USAGE: &str = "/notify [here|off]";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The duration that a turn must reach to be reported, such as "5m".
    after: Option<String>,
}

impl Config {
    fn after() -> Result<Seconds, String> {
        let Self { after } = config::parse()?;
        let Some(text) = after else { return Ok(DEFAULT_AFTER) };
        span(&text).ok_or_else(|| format!("`after` must be a duration such as \"5m\", not \"{text}\""))
    }
}

struct Notify;

impl Command for Notify {
    fn specs() -> Result<Vec<Spec>, String> {
        Config::after()?;
        Ok(vec![Spec::new("notify", &tr!("Post here when a long turn ends elsewhere"), USAGE).min_role("admin")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let long = long_span(Config::after()?);
        match call.args.join(" ").as_str() {
            "here" => {
                store_language(LANGUAGE)?;
                state::set_place(PLACE, &context::place()?)?;
                Ok(Reply::plain(&tr!("Turns of at least {long} that end elsewhere are reported here.", long))
                    .button(tr!("Off"), "/notify off"))
            }
            "off" => {
                state::delete(PLACE)?;
                Ok(Reply::plain(&tr!("Reports are off.")))
            }
            "" => Ok(match (state::get_place(PLACE), context::current_place()) {
                (None, _) => Reply::plain(&tr!("Reports are off.")).button(tr!("Report here"), "/notify here"),
                (place, here) if place == here => {
                    Reply::plain(&tr!("Reports are posted here.")).button(tr!("Off"), "/notify off")
                }
                (Some(_), _) => {
                    Reply::plain(&tr!("Reports are posted in another chat.")).button(tr!("Report here"), "/notify here")
                }
            }),
            _ => Ok(Reply::plain(&usage(USAGE))),
        }
    }
}

impl Hook for Notify {
    fn on_event(event: Event) {
        let Some(place) = state::get_place(PLACE) else { return };
        let reply = |after| with_stored_language(LANGUAGE, || event_reply(&event, after, &place));
        let posted = Config::after().and_then(|after| match reply(after)? {
            Some(reply) => chat::post(&place, &reply).map(drop),
            None => Ok(()),
        });
        if let Err(why) = posted {
            log::warn(&why);
        }
    }
}

#[derive(serde::Deserialize)]
struct Turn {
    seconds: Seconds,
    cost_usd: Option<f64>,
    error: Option<String>,
    place: TurnPlace,
}

#[derive(serde::Deserialize)]
struct TurnPlace {
    front_end: String,
    chat: String,
    topic: Option<String>,
}

#[derive(serde::Deserialize)]
struct Problem {
    why: String,
}

/// Returns the notice about an event for `place`. Events in `place` itself need no notice, because they are visible
/// there.
fn event_reply(event: &Event, after: Seconds, place: &Place) -> Result<Option<Reply>, String> {
    let Some(session) = &event.session else { return Ok(None) };
    let elsewhere = session.place.as_ref() != Some(place);
    match event.kind.as_str() {
        kind::TURN_FINISHED => {
            let turn: Turn = event.parse()?;
            let TurnPlace { front_end, chat, topic } = &turn.place;
            let here = Place { front_end: front_end.clone(), chat: chat.clone(), topic: topic.clone() } == *place;
            Ok((turn.seconds >= after && !here).then(|| turn_reply(session, &turn)))
        }
        kind::BROKEN | kind::ASKING if elsewhere => {
            let Problem { why } = event.parse()?;
            let needs = tr!("**{name}** needs you: {why}", name = escape(&session.name), why = escape(&why));
            Ok(Some(Reply::text(format!("{needs}\n{}", tr!("Use /retry {} to try again.", session.name)))))
        }
        _ => Ok(None),
    }
}

fn turn_reply(session: &Session, turn: &Turn) -> Reply {
    let cost = turn.cost_usd.map_or_else(String::new, |cost| tr!(", for {}", format!("${cost:.2}")));
    let (name, time) = (escape(&session.name), long_span(turn.seconds));
    let text = match &turn.error {
        None => tr!("**{name}** has finished after {time}{cost}.", name, time, cost),
        Some(why) => tr!("**{name}** failed after {time}{cost}: {why}", name, time, cost, why = escape(why)),
    };
    Reply::text(format!("{text}\n{}", tr!("Use /session {} to switch to it.", session.name)))
}

cordboard_plugin::export!(Notify: command, hook; german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::event;

    use super::*;

    fn at(chat: &str) -> Place {
        Place { front_end: "telegram".to_owned(), chat: chat.to_owned(), topic: None }
    }

    fn text(kind: &str, data: &str) -> Option<String> {
        event_reply(&event(kind, data), 300, &at("7")).unwrap().map(|reply| reply.text)
    }

    fn finished(seconds: u32, chat: &str, rest: &str) -> Option<String> {
        let place = format!(r#"{{"front_end":"telegram","chat":"{chat}","topic":null}}"#);
        text(kind::TURN_FINISHED, &format!(r#"{{"seconds":{seconds},"actions":2,"place":{place},{rest}}}"#))
    }

    #[test]
    fn a_long_turn_in_another_place_is_reported() {
        let good = r#""cost_usd":0.254,"error":null"#;
        assert_eq!(
            finished(750, "1", good).as_deref(),
            Some("**main** has finished after 12 minutes 30 seconds, for $0.25.\nUse /session main to switch to it.")
        );
        assert_eq!(finished(299, "1", good), None, "too short");
        assert_eq!(finished(750, "7", good), None, "it was shown here");
        let cut = finished(300, "1", r#""cost_usd":null,"error":"the agent died""#);
        assert_eq!(
            cut.as_deref(),
            Some("**main** failed after 5 minutes: the agent died\nUse /session main to switch to it.")
        );
    }

    #[test]
    fn a_broken_session_is_reported() {
        let called = text(kind::BROKEN, r#"{"why":"no such command"}"#);
        assert_eq!(called.as_deref(), Some("**main** needs you: no such command\nUse /retry main to try again."));
        assert_eq!(text(kind::SUSPENDED, "{}"), None);
        assert_eq!(text("of-tomorrow", "[]"), None);
    }

    #[test]
    fn malformed_event_data_is_an_error() {
        assert!(event_reply(&event(kind::TURN_FINISHED, "{}"), 300, &at("7")).unwrap_err().contains("turn-finished"));
    }
}
