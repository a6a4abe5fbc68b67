//! `catalog`: lists the commands, plugins, personas, modes and agents that are available.

use super::super::{
    bindings::catalog::{Choice, Command, Host, Plugin},
    call::CallState,
    host_api,
};

impl Host for CallState {
    async fn commands(&mut self) -> wasmtime::Result<Vec<Command>> {
        let lent = self.lend()?;
        let role = self.caller().map(|caller| caller.role);
        let usable = lent.table.commands().filter(|offer| role.is_some_and(|role| role >= offer.spec.least_role));
        Ok(usable
            .map(|offer| Command {
                name: offer.spec.name.clone(),
                summary: offer.spec.summary.clone(),
                usage: offer.spec.usage.clone(),
                least_role: offer.spec.least_role.as_str().to_owned(),
                plugin: offer.generation.name.clone(),
            })
            .collect())
    }

    async fn plugins(&mut self) -> wasmtime::Result<Vec<Plugin>> {
        let lent = self.lend()?;
        Ok(lent
            .table
            .statuses()
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
        Ok(lent.table.personas().map(choice).collect())
    }

    async fn modes(&mut self) -> wasmtime::Result<Vec<Choice>> {
        let lent = self.lend()?;
        Ok(lent.table.modes().map(choice).collect())
    }

    async fn agents(&mut self) -> wasmtime::Result<Vec<Choice>> {
        let lent = self.lend()?;
        Ok(lent.board.agents().iter().map(choice).collect())
    }
}

fn choice(choice: &host_api::Choice) -> Choice {
    Choice { name: choice.name.clone(), description: choice.description.clone() }
}
