//! For tests: version 1 of a correct `/echo`. Tests replace it with version 2 during a call.

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Echo;

impl Command for Echo {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("echo", "Says it again", "/echo <text>")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        Ok(Reply::plain(&format!("v1: {}", call.text)))
    }
}

cordboard_plugin::export!(Echo: command);
