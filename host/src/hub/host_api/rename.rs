//! Renames sessions. The name and everything stored under it are changed in one commit; the session keeps its folder.

use cordboard_core::{
    session::ApiError,
    types::{Caller, SessionName, SessionView},
};

use super::{
    HostService,
    new_session::{NameRules, check_new_name},
};
use crate::{hub::session_errors::unknown, session::CommandSource};

impl HostService {
    pub(super) async fn rename_session(
        &self,
        caller: &Caller,
        name: &SessionName,
        to: &str,
    ) -> Result<SessionView, ApiError> {
        let _names = self.sessions.name_lock.write().await;
        let view = self.visible(caller, name.as_str())?;
        let config = self.config();
        let rules = NameRules { registry: self.registry(), config: &config, caller };
        let to = check_new_name(&rules, to, &view.record.folder)?;
        let session = self.sessions.get(name).ok_or_else(|| unknown(name.as_str()))?;
        let source = CommandSource { by: Some(caller.name.clone()), causes: self.causes.clone() };
        let view = session.rename(to.clone(), source).await?;
        self.sessions.rename(name, &to);
        Ok(self.with_wall_times(&view))
    }
}
