//! What callers are told who may not do what they asked for, or cannot.

use cordboard_core::{
    session::{Refusal, RefusalCode},
    text,
    types::SessionView,
};

use crate::{plugin::refuse, store::StoreError};

pub fn unknown(name: &str) -> Refusal {
    refuse(RefusalCode::Unknown, text::unknown(name))
}

pub fn taken(there: &SessionView) -> Refusal {
    let name = &there.record.name;
    if there.record.archived {
        refuse(RefusalCode::Archived, text::archived(name))
    } else {
        refuse(RefusalCode::Exists, text::exists(name))
    }
}

pub fn not_stored(error: &StoreError) -> Refusal {
    refuse(RefusalCode::Failed, format!("Cordboard could not store it: {error}"))
}
