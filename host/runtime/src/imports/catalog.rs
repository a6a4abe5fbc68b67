//! `catalog`: lists the commands, plugins, personas, modes and agents that are available.

use super::super::{
    bindings::catalog::{Choice, Command, Host, Plugin},
    call::CallState,
    directory::CommandEntry,
    host_api,
};

impl Host for CallState {
    async fn commands(&mut self) -> wasmtime::Result<Vec<Command>> {
        let lent = self.lend()?;
        let role = self.caller().map(|caller| caller.role);
        let usable = lent.directory.commands().into_iter().filter(|one| role.is_some_and(|role| role >= one.min_role));
        let command = |one: CommandEntry| Command {
            name: one.name,
            summary: one.summary,
            usage: one.usage,
            min_role: one.min_role.as_str().to_owned(),
            plugin: one.plugin,
        };
        Ok(usable.map(command).collect())
    }

    async fn plugins(&mut self) -> wasmtime::Result<Vec<Plugin>> {
        let lent = self.lend()?;
        Ok(lent
            .directory
            .plugins()
            .into_iter()
            .map(|status| Plugin {
                name: status.name,
                digest: status.digest,
                generation: status.generation,
                since: status.since.0,
                health: status.health.as_str().to_owned(),
                note: status.note,
            })
            .collect())
    }

    async fn personas(&mut self) -> wasmtime::Result<Vec<Choice>> {
        let lent = self.lend()?;
        Ok(lent.directory.personas().iter().map(choice).collect())
    }

    async fn modes(&mut self) -> wasmtime::Result<Vec<Choice>> {
        let lent = self.lend()?;
        Ok(lent.directory.modes().iter().map(choice).collect())
    }

    async fn agents(&mut self) -> wasmtime::Result<Vec<Choice>> {
        let lent = self.lend()?;
        Ok(lent.board.agents().iter().map(choice).collect())
    }
}

fn choice(choice: &host_api::Choice) -> Choice {
    Choice { name: choice.name.clone(), description: choice.description.clone() }
}
