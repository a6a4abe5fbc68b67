//! For tests: version 2 of a correct `/echo`. Tests replace version 1 with it during a call.

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Echo;

impl Command for Echo {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("echo", "Says it again", "/echo <text>")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        Ok(Reply::plain(&format!("v2: {}", call.text)))
    }
}

cordboard_plugin::export!(Echo: command);
