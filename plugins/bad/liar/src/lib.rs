//! For tests: offers a command with an invalid name, and another one twice.

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Liar;

impl Command for Liar {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(["Not A Name", "lie", "lie"].map(|name| Spec::new(name, "Lies", "/lie")).into())
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::text("never said"))
    }
}

cordboard_plugin::export!(Liar: command);
