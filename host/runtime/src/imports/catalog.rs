//! `catalog`: lists the commands, plugins, personas, modes and agents that are available.

use super::super::{
    bindings::catalog::{Choice, Command, Host, Plugin},
    call::CallState,
    plugin_catalog::PluginStatus,
};

impl Host for CallState {
    async fn commands(&mut self) -> wasmtime::Result<Vec<Command>> {
        let host = self.host()?;
        Ok(self.caller().map_or_else(Vec::new, |caller| host.directory.commands(caller.role)))
    }

    async fn plugins(&mut self) -> wasmtime::Result<Vec<Plugin>> {
        let host = self.host()?;
        let plugin = |status: PluginStatus| Plugin {
            name: status.name,
            digest: status.digest,
            generation: status.generation,
            since: status.since.0,
            health: status.health.as_str().to_owned(),
            note: status.note,
        };
        Ok(host.directory.plugins().into_iter().map(plugin).collect())
    }

    async fn personas(&mut self) -> wasmtime::Result<Vec<Choice>> {
        Ok(self.host()?.directory.personas())
    }

    async fn modes(&mut self) -> wasmtime::Result<Vec<Choice>> {
        Ok(self.host()?.directory.modes())
    }

    async fn agents(&mut self) -> wasmtime::Result<Vec<Choice>> {
        Ok(self.host()?.api.agents())
    }
}
