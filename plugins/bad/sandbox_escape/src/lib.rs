//! For tests: tries to access everything that it wasn't granted and to exceed every limit, and replies with the result.
//! This code enforces no limits itself; the host must.

mod endless;
mod exhaustion;
mod snooping;

use cordboard_plugin::{Call, Command, Reply, command::Spec, http::Request};

/// A function that makes one attempt with the command's arguments and returns the reply text.
type Action = fn(&[String]) -> Result<String, String>;

const ACTIONS: [(&str, Action); 28] = [
    ("environment", snooping::environment),
    ("files", snooping::files),
    ("sockets", snooping::sockets),
    ("names", snooping::names),
    ("input", snooping::input),
    ("keys", snooping::keys),
    ("steal", snooping::steal),
    ("shout", snooping::shout),
    ("address_space", exhaustion::address_space),
    ("memory", exhaustion::memory),
    ("reply", exhaustion::reply),
    ("state", exhaustion::state),
    ("handles", exhaustion::handles),
    ("bodies", exhaustion::bodies),
    ("stack", exhaustion::stack),
    ("log_lines", endless::log_lines),
    ("printed_lines", endless::printed_lines),
    ("sleep", endless::sleep),
    ("clock", endless::clock),
    ("reads", endless::reads),
    ("refusals", endless::refusals),
    ("requests", endless::requests),
    ("leave", endless::leave),
    ("argument", exhaustion::argument),
    ("randomness", exhaustion::randomness),
    ("fields", exhaustion::fields),
    ("long_lines", endless::long_lines),
    ("forge", endless::forge),
];

struct SandboxEscape;

impl Command for SandboxEscape {
    /// Tries to send a request during the trial. The command summaries contain the result.
    fn specs() -> Result<Vec<Spec>, String> {
        let got = match Request::get("http://127.0.0.1:1/").send() {
            Ok(response) => format!("the trial answered {}", response.status),
            Err(error) => error.to_string(),
        };
        Ok(ACTIONS.iter().map(|(name, _)| Spec::new(name, &got, &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let (_, action) = ACTIONS.iter().find(|(name, _)| *name == call.command).ok_or("unknown command")?;
        action(&call.args).map(|got| Reply::plain(&got))
    }
}

cordboard_plugin::export!(SandboxEscape: command);
