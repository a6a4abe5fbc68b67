//! Commands for the active session's agent: `/stop` interrupts its answer, `/now` interrupts it with a message,
//! `/queue` lists the waiting messages, `/commands` lists the agent's own commands, `/model` sets its model, and
//! `/mode` selects the view of its answers.

mod agent_commands;
mod german;
mod mode;
mod model;
mod queue;
mod stop;

use cordboard_plugin::{Call, Command, Reply, command::Spec};

struct Control;

impl Command for Control {
    fn specs() -> Result<Vec<Spec>, String> {
        let [now, queue] = queue::specs();
        Ok(vec![stop::spec(), now, queue, agent_commands::spec(), mode::spec(), model::spec()])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.command.as_str() {
            "now" => queue::now(call),
            "queue" => queue::queue(call),
            "commands" => agent_commands::run(call),
            "mode" => mode::run(call),
            "model" => model::run(call),
            _ => stop::run(call),
        }
    }
}

cordboard_plugin::export!(Control: command; german::GERMAN);
