//! Builds the errors of refused requests, with the texts that callers read.

use cordboard_core::{
    messages,
    session::{ApiError, RefusalCode},
    types::{Caller, SessionView},
};
use cordboard_runtime::refuse;
use cordboard_store::StoreError;

pub fn unknown(name: &str) -> ApiError {
    refuse(RefusalCode::Unknown, messages::unknown(name))
}

/// Refuses a name that a session already has. A caller who may not see that session gets no hint to switch to it or
/// restore it.
pub fn taken(there: &SessionView, caller: &Caller) -> ApiError {
    let name = &there.record.name;
    if !caller.may_steer(&there.record.owner) {
        refuse(RefusalCode::Denied, messages::taken(name))
    } else if there.record.archived {
        refuse(RefusalCode::Archived, messages::archived(name))
    } else {
        refuse(RefusalCode::Exists, messages::exists(name))
    }
}

pub fn not_stored(error: &StoreError) -> ApiError {
    refuse(RefusalCode::Failed, messages::not_stored(error))
}
