//! For tests: a plugin whose commands the host rejects. Without a configuration, `specs` fails. With `specs = "hang"`,
//! it never returns; with `"invalid"`, the command's name is invalid; with `"taken"`, the command is `/new`, which
//! another plugin already exports.

use cordboard_plugin::{Call, Command, Reply, command::Spec, config};

struct SpecsFail;

impl Command for SpecsFail {
    fn specs() -> Result<Vec<Spec>, String> {
        let config = config::read();
        let offered = |name| Ok(vec![Spec::new(name, "Never runs", "")]);
        while config.contains("hang") {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        if config.contains("invalid") {
            offered("Not A Name")
        } else if config.contains("taken") {
            offered("new")
        } else {
            Err("it has nothing to say".to_owned())
        }
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        Ok(Reply::text("never said"))
    }
}

cordboard_plugin::export!(SpecsFail: command);
