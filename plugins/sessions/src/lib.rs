//! Commands that create, list, select, rename, fork, suspend and archive sessions, such as `/new`, `/session`,
//! `/rename`, `/fork` and `/archive`. The host checks the caller's rights.

mod agent;
mod german;
mod history;
mod list;
mod messages;
mod new_by_buttons;
mod start;

use cordboard_plugin::{
    Call, Command, Place, Reply,
    catalog::{self, known_agent, known_persona},
    command::Spec,
    context,
    session_control::{self as control, SessionSpec},
    sessions, text, tr,
};

fn commands() -> Vec<Spec> {
    let spec = |name, summary: String, usage: &str| Spec::new(name, &summary, usage);
    vec![
        spec("start", tr!("Show how to begin"), "/start"),
        spec("new", tr!("Start a session"), "/new <name> [persona] [agent]"),
        spec("session", tr!("Switch to a session"), "/session <name>"),
        spec("sessions", tr!("List the sessions"), &tr!("/sessions [page]")),
        spec("rename", tr!("Rename the session"), "/rename <name>"),
        spec("fork", tr!("Continue the conversation in a second session"), "/fork <name>"),
        spec("history", tr!("Show the last messages and answers"), &tr!("/history [number]")),
        spec("agent", tr!("Show or select the agent"), "/agent [name]"),
        spec("archive", tr!("Archive a session"), "/archive [name]"),
        spec("restore", tr!("Restore an archived session"), "/restore [name]"),
        spec("suspend", tr!("Stop the agent of a session until its next message"), "/suspend [name]"),
        spec("retry", tr!("Retry what failed"), "/retry [name]"),
        spec("fresh", tr!("Start a new conversation in a session"), "/fresh [name]"),
        spec("leave", tr!("Drop an interrupted message"), "/leave [name]"),
    ]
}

struct Sessions;

impl Command for Sessions {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(commands())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.command.as_str() {
            "start" => start::run(call),
            "new" => new(call),
            "session" => switch(call),
            "sessions" => sessions_page(call),
            "restore" => restore(call),
            "rename" => rename(call),
            "fork" => fork(call),
            "history" => history::run(call),
            "agent" => agent::run(call),
            _ => on_one(call),
        }
    }
}

/// The second argument of `/new` that selects no persona, so that the third can name an agent.
const NONE: &str = "none";

fn new(call: &Call) -> Result<Reply, String> {
    let (name, persona, agent) = match call.args.as_slice() {
        [name] => (name, None, None),
        [name, persona] => (name, Some(persona), None),
        [name, persona, agent] => (name, Some(persona), Some(agent)),
        [] => return Ok(new_page()),
        _ => return Ok(usage(&call.command)),
    };
    if !messages::is_name(name) {
        return Err(messages::invalid_name(name));
    }
    let persona = persona.filter(|persona| *persona != NONE);
    if let Some(persona) = persona {
        known_persona(persona)?;
    }
    if let Some(agent) = agent {
        known_agent(agent)?;
    }
    let place = context::place()?;
    let agent = agent.cloned().or_else(|| agent::selected(&place));
    let spec = SessionSpec { persona: persona.cloned(), agent: agent.clone(), ..SessionSpec::named(name) };
    let session = control::create(&spec).map_err(|error| messages::refused(name, error))?;
    // The session may have the persona of the bot.
    let done = messages::created(name, session.persona.as_deref(), agent.as_deref());
    let started = control::activate(&place, name).and_then(|_| control::start(name));
    Ok(messages::with_error(done, started.err()))
}

/// Returns whether buttons can be pressed in the place. The console lists their commands as text.
fn has_buttons(place: &Place) -> bool {
    place.front_end != "console"
}

/// Returns the usage and, if the chat supports buttons, buttons that create a session.
fn new_page() -> Reply {
    let usage = usage("new");
    let has_buttons = context::place().is_ok_and(|place| has_buttons(&place));
    let Some(caller) = context::current_caller().filter(|_| has_buttons) else { return usage };
    match new_by_buttons::suggested_name(&caller, |name| sessions::find(name).is_some()) {
        Some(name) => new_by_buttons::page(usage, &name, &catalog::personas(), &catalog::agents()),
        None => usage,
    }
}

fn rename(call: &Call) -> Result<Reply, String> {
    let [to] = call.args.as_slice() else { return Ok(usage(&call.command)) };
    let session = context::session()?;
    control::rename(&session.name, to).map_err(|error| messages::refused(to, error))?;
    Ok(Reply::plain(&messages::renamed(&session.name, to)))
}

fn fork(call: &Call) -> Result<Reply, String> {
    let [to] = call.args.as_slice() else { return Ok(usage(&call.command)) };
    let (session, place) = (context::session()?, context::place()?);
    control::fork(&session.name, to).map_err(|error| messages::refused(to, error))?;
    let started = control::activate(&place, to).and_then(|_| control::start(to));
    let mut done = messages::forked(&session.name, to);
    // If the host creates a topic for the fork, this place keeps its session.
    if context::session().is_ok_and(|active| active.name == *to) {
        done = format!("{done} {}", messages::way_back(&session.name));
    }
    Ok(messages::with_error(done, started.err()))
}

fn switch(call: &Call) -> Result<Reply, String> {
    let [name] = call.args.as_slice() else {
        return Ok(switch_usage());
    };
    let session = control::activate(&context::place()?, name).map_err(|error| messages::refused(name, error))?;
    Ok(messages::with_error(messages::switched(&session), control::start(name).err()))
}

/// Returns the usage, the latest sessions, and buttons that switch to them.
fn switch_usage() -> Reply {
    let recent = sessions::recent(0, list::PAGE);
    let active = list::active(&recent);
    let list = list::page(&recent, active, context::now());
    let list = list::with_rest(list, 1, sessions::count());
    let mut reply = usage("session");
    reply.text = format!("{}\n\n{list}", reply.text);
    list::buttons(reply, "/session", recent.iter().filter(|session| Some(session.name.as_str()) != active))
}

fn sessions_page(call: &Call) -> Result<Reply, String> {
    let Some(page) = list::page_number(&call.args) else {
        return Ok(usage(&call.command));
    };
    let count = sessions::count();
    let pages = count.div_ceil(list::PAGE).max(1);
    if page > pages {
        return Err(messages::no_page(page, pages));
    }
    let shown = sessions::recent((page - 1) * list::PAGE, list::PAGE);
    let active = list::active(&shown);
    let text = list::page(&shown, active, context::now());
    let reply = list::paged(text, page, count);
    if !context::place().is_ok_and(|place| has_buttons(&place)) {
        return Ok(reply);
    }
    let others = shown.iter().filter(|session| Some(session.name.as_str()) != active);
    Ok(list::buttons(reply, "/session", others))
}

fn restore(call: &Call) -> Result<Reply, String> {
    match call.args.as_slice() {
        [] => Ok(list::archived(&sessions::archived(0, list::PAGE + 1), context::now())),
        [name] => {
            control::restore(name).map_err(|error| messages::refused(name, error))?;
            Ok(messages::done("restore", name).button(tr!("Switch to it"), format!("/session {name}")))
        }
        _ => Ok(usage(&call.command)),
    }
}

/// Runs a command on the named session, or else on the active one.
fn on_one(call: &Call) -> Result<Reply, String> {
    let name = match call.args.as_slice() {
        [] => context::session()?.name,
        [name] => name.clone(),
        [name, word] if word == messages::ANYWAY && messages::confirm_label(&call.command).is_some() => {
            control::suspend_anyway(name).map_err(|error| messages::refused(name, error))?;
            name.clone()
        }
        _ => return Ok(usage(&call.command)),
    };
    let changed = match call.command.as_str() {
        "archive" => control::archive(&name),
        "suspend" => control::suspend(&name),
        "retry" => control::retry(&name),
        "fresh" => control::fresh(&name),
        "leave" => control::leave(&name),
        other => return Err(format!("/{other} is not a command of this plugin.")),
    };
    match changed {
        Ok(_) => Ok(messages::done(&call.command, &name)),
        Err(error) => messages::confirm_or_refuse(&call.command, &name, error),
    }
}

fn usage(command: &str) -> Reply {
    let spec = commands().into_iter().find(|spec| spec.name == command);
    Reply::plain(&text::usage(&spec.map_or_else(String::new, |spec| spec.usage)))
}

cordboard_plugin::export!(Sessions: command; german::GERMAN);
