//! For tests: offers `/new`, which belongs to another plugin.

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Clash;

impl Command for Clash {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("new", "Takes another's place", "/new")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::text("never said"))
    }
}

cordboard_plugin::export!(Clash: command);
