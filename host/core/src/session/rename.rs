//! Renames a session. The session's id stays the same, so its agent, its questions and their buttons are not affected.

use super::{ApiError, ApiErrorCode, Machine, commands::refusal, state::Shutdown};
use crate::{
    messages,
    types::{SessionName, SessionRecord},
};

impl Machine {
    /// Returns the record with the new name. The caller stores it, and then calls [`Self::apply_rename`].
    ///
    /// # Errors
    /// The session can't be renamed now. The error contains a message for the caller.
    pub fn check_rename(&self, name: SessionName) -> Result<SessionRecord, ApiError> {
        if self.shutdown != Shutdown::No {
            return Err(refusal(ApiErrorCode::Failed, messages::shutting_down()));
        }
        if self.record.archived {
            return Err(refusal(ApiErrorCode::Archived, messages::session_archived(&self.record.name)));
        }
        if self.record.terminal.is_some() {
            return Err(refusal(ApiErrorCode::Busy, messages::open_in_terminal(&self.record.name)));
        }
        let mut record = self.record.clone();
        record.rename(name);
        Ok(record)
    }

    /// Applies a rename after its record was stored. The session must not have changed since [`Self::check_rename`]
    /// returned the record.
    pub fn apply_rename(&mut self, record: SessionRecord) {
        self.persisted.clone_from(&record);
        self.record = record;
    }
}
