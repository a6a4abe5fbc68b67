//! For tests: tries to access everything that it wasn't granted, and answers with the result. Its own code avoids no
//! limit: the host has to enforce them.

mod greed;
mod loops;
mod nosy;

use cordboard_plugin::{Call, Command, Reply, command::Spec, http::Request};

/// An action, which gets the arguments of the command.
type Deed = fn(&[String]) -> Result<String, String>;

const DEEDS: [(&str, Deed); 28] = [
    ("environment", nosy::environment),
    ("files", nosy::files),
    ("sockets", nosy::sockets),
    ("names", nosy::names),
    ("input", nosy::input),
    ("keys", nosy::keys),
    ("steal", nosy::steal),
    ("shout", nosy::shout),
    ("address_space", greed::address_space),
    ("memory", greed::memory),
    ("reply", greed::reply),
    ("state", greed::state),
    ("handles", greed::handles),
    ("bodies", greed::bodies),
    ("stack", greed::stack),
    ("log_lines", loops::log_lines),
    ("printed_lines", loops::printed_lines),
    ("sleep", loops::sleep),
    ("clock", loops::clock),
    ("reads", loops::reads),
    ("refusals", loops::refusals),
    ("requests", loops::requests),
    ("leave", loops::leave),
    ("argument", greed::argument),
    ("randomness", greed::randomness),
    ("fields", greed::fields),
    ("long_lines", loops::long_lines),
    ("forge", loops::forge),
];

struct SandboxEscape;

impl Command for SandboxEscape {
    /// Tries a request during the trial. The summaries contain the result.
    fn specs() -> Result<Vec<Spec>, String> {
        let got = match Request::get("http://127.0.0.1:1/").send() {
            Ok(response) => format!("the trial answered {}", response.status),
            Err(error) => error.to_string(),
        };
        Ok(DEEDS.iter().map(|(name, _)| Spec::new(name, &got, &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let (_, deed) = DEEDS.iter().find(|(name, _)| *name == call.command).ok_or("it was given another command")?;
        deed(&call.args).map(|got| Reply::plain(&got))
    }
}

cordboard_plugin::export!(SandboxEscape: command);
