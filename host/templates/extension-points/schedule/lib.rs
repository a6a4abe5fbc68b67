//! Posts a question every weekday. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them
//! off.

use cordboard_plugin::{
    Call, Command, Reply, Schedule, chat,
    command::Spec,
    context,
    schedule::{DueJob, Job},
    state,
};

const USAGE: &str = "/{{command}} <here|off>";

/// The job's schedule: minute, hour, day of month, month, day of week, in the host's time zone.
const WHEN: &str = "30 8 * * mon-fri";

/// The state key under which the place is stored.
const PLACE: &str = "place";

struct Plugin;

impl Command for Plugin {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("{{command}}", "Ask a question here each working day", USAGE)])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.arg(0) {
            Some("here") => {
                state::set_place(PLACE, &context::place()?)?;
                Ok(Reply::text("I will ask here each working day at 8:30.").button("Off", "/{{command}} off"))
            }
            Some("off") => {
                state::delete(PLACE)?;
                Ok(Reply::text("I won't ask again."))
            }
            _ => Err(format!("Usage: {USAGE}")),
        }
    }
}

impl Schedule for Plugin {
    fn jobs() -> Result<Vec<Job>, String> {
        Ok(vec![Job::new("ask", WHEN)])
    }

    /// `job.missed` is the number of earlier runs that were missed, for example because the host was down.
    fn run(_job: DueJob) -> Result<(), String> {
        let Some(place) = state::get_place(PLACE) else { return Ok(()) };
        chat::post(&place, &Reply::text("Good morning! What is the one thing to get done today?"))?;
        Ok(())
    }
}

cordboard_plugin::export!(Plugin: command, schedule);
