//! For tests: refuses to say what it offers, as a plugin does whose configuration is wrong.

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Mute;

impl Command for Mute {
    fn specs() -> Result<Vec<Spec>, String> {
        Err("it has nothing to say".to_owned())
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::text("never said"))
    }
}

cordboard_plugin::export!(Mute: command);
