//! The texts of refusals, as callers read them.

use cordboard_core::{
    session::{Refusal, RefusalCode},
    text,
    types::{Caller, SessionView},
};

use crate::{plugin::refuse, store::StoreError};

pub fn unknown(name: &str) -> Refusal {
    refuse(RefusalCode::Unknown, text::unknown(name))
}

/// Refuses a name that a session already has. A caller who may not see that session gets no hint to switch to it or
/// restore it.
pub fn taken(there: &SessionView, caller: &Caller) -> Refusal {
    let name = &there.record.name;
    if !caller.may_steer(&there.record.owner) {
        refuse(RefusalCode::Denied, text::taken(name))
    } else if there.record.archived {
        refuse(RefusalCode::Archived, text::archived(name))
    } else {
        refuse(RefusalCode::Exists, text::exists(name))
    }
}

pub fn not_stored(error: &StoreError) -> Refusal {
    refuse(RefusalCode::Failed, format!("Cordboard could not store it: {error}"))
}
