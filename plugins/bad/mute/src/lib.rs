//! For tests: its `specs` fails, as with an invalid configuration. If the configuration contains `wait`, it hangs
//! instead.

use cordboard_plugin::{Call, Command, Reply, command::Spec, config};

struct Mute;

impl Command for Mute {
    fn specs() -> Result<Vec<Spec>, String> {
        while config::read().contains("wait") {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        Err("it has nothing to say".to_owned())
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::text("never said"))
    }
}

cordboard_plugin::export!(Mute: command);
