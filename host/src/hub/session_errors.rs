//! Builds the errors for refused and failed requests, including the text that callers see.

use cordboard_core::{
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, SessionView},
};
use cordboard_runtime::refuse;
use cordboard_store::StoreError;

pub fn unknown(name: &str) -> ApiError {
    refuse(ApiErrorCode::Unknown, messages::unknown_session(name))
}

/// Returns the error for a request that fails because the session `there` exists, is archived or belongs to another
/// user. If the caller may not see the session, the error doesn't suggest switching to it or restoring it.
pub fn taken(there: &SessionView, caller: &Caller) -> ApiError {
    let name = &there.record.name;
    if !caller.may_control(&there.record.owner) {
        refuse(ApiErrorCode::Denied, messages::session_name_taken(name))
    } else if there.record.archived {
        refuse(ApiErrorCode::Archived, messages::session_archived(name))
    } else {
        refuse(ApiErrorCode::Exists, messages::session_exists(name))
    }
}

pub fn not_read(error: &StoreError) -> ApiError {
    refuse(ApiErrorCode::Failed, messages::not_read(error))
}

pub fn not_stored(error: &StoreError) -> ApiError {
    refuse(ApiErrorCode::Failed, messages::not_stored(error))
}
