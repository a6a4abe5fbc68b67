//! Calls that no user asked for, each of the plugin as it is plugged in now.

use std::sync::Arc;

use cordboard_core::happening::Happening;

use super::{
    super::{
        board::Board,
        call::{Asked, CallError},
    },
    Plugs, about,
};

impl Plugs {
    /// Tells the hook of `plugin` what happened.
    pub async fn hook(&self, board: &Arc<dyn Board>, plugin: &str, happening: &Happening) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("hook"))?;
        let asked = happening.session.as_ref().map_or_else(Asked::default, about);
        self.caller.hook(generation, (asked, self.lent(board)), happening).await
    }
}
