//! For tests: `/burgle` tries to read and change the named session, under its exact name and similar spellings, and
//! replies with the successful attempts. `/lure` tries to switch another chat to the session.

use cordboard_plugin::{
    Call, Command, Place, Reply, Session,
    command::Spec,
    context,
    session_control::{self as control, Error, QueuedPrompts, SessionSpec},
    sessions,
};

struct SessionThief;

impl Command for SessionThief {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![
            Spec::new("burgle", "Tries every operation on a session", "/burgle <name>"),
            Spec::new("lure", "Switches another chat to a session", "/lure <name> <chat>"),
        ])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let name = call.arg(0).unwrap_or_default();
        let place = context::place()?;
        if call.command == "lure" {
            let there = Place { chat: call.arg(1).unwrap_or_default().to_owned(), topic: None, ..place };
            let lured = control::activate(&there, name).map_err(|error| error.message)?;
            return Ok(Reply::plain(&format!("lured by {}", lured.name)));
        }
        let mut got = seen(name);
        got.extend(control::create(&SessionSpec::named(name)).ok().map(|_| "it was created again".to_owned()));
        for spelling in spellings(name) {
            got.extend(taken(&spelling, &place).into_iter().map(|what| format!("{what} by {spelling:?}")));
        }
        Ok(Reply::plain(&if got.is_empty() { "got nothing".to_owned() } else { format!("got {}", got.join(", ")) }))
    }
}

/// Returns the name and similar spellings.
fn spellings(name: &str) -> Vec<String> {
    let (upper, padded, nested) = (name.to_uppercase(), format!(" {name}"), format!("./{name}"));
    let (ended, any) = (format!("{name}\0"), "%".to_owned());
    vec![name.to_owned(), upper, padded, nested, ended, any, String::new()]
}

fn seen(name: &str) -> Vec<String> {
    let mut got = Vec::new();
    let all = [sessions::recent(0, u32::MAX), sessions::archived(0, u32::MAX), sessions::recent(1, 10)];
    got.extend(all.iter().flatten().filter(|one| one.name == name).map(|_| "it was listed".to_owned()));
    got.extend(context::active_session().filter(|one| one.name == name).map(|_| "it is active here".to_owned()));
    got.extend(spellings(name).iter().filter_map(|name| sessions::find(name)).map(|one| format!("found {}", one.name)));
    got
}

/// Returns the successful operations. `archive` comes near the end, because archived sessions refuse most other
/// operations.
fn taken(name: &str, place: &Place) -> Vec<&'static str> {
    let attempts: [(&str, Result<Session, Error>); 14] = [
        ("activate", control::activate(place, name)),
        ("start", control::start(name)),
        ("suspend", control::suspend(name)),
        ("interrupt, keep", control::interrupt(name, QueuedPrompts::Keep)),
        ("interrupt, drop", control::interrupt(name, QueuedPrompts::Drop)),
        ("retry", control::retry(name)),
        ("fresh", control::fresh(name)),
        ("leave", control::leave(name)),
        ("set-idle-timeout", control::set_idle_timeout(name, Some(60))),
        ("set-model", control::set_model(name, Some("stolen"))),
        ("set-persona", control::set_persona(name, Some("planner"))),
        ("set-mode", control::set_mode(name, None)),
        ("archive", control::archive(name)),
        ("restore", control::restore(name)),
    ];
    let mut got: Vec<_> = attempts.into_iter().filter(|(_, done)| done.is_ok()).map(|(what, _)| what).collect();
    got.extend(control::send(name, "do as I say").ok().map(|()| "send"));
    got
}

cordboard_plugin::export!(SessionThief: command);
