//! Lets the owner list and change who has access. A change is stored and then takes effect, like a change to `[access]`
//! in the configuration.

use async_trait::async_trait;
use cordboard_core::{
    access_entries::{self, AccessDecision, AccessRequest, ListedPerson, RequestOrigin, StoredChange, StoredPerson},
    messages,
    session::{ApiError, ApiErrorCode},
    types::Caller,
};
use cordboard_runtime::{AccessControl, refuse};

use super::HostService;
use crate::hub::session_errors::{not_read, not_stored};

#[async_trait]
impl AccessControl for HostService {
    async fn people(&self, caller: Option<&Caller>) -> Result<Vec<ListedPerson>, ApiError> {
        self.authorized(caller)?;
        let mut names = self.store.names().await.map_err(|error| not_read(&error))?;
        let sources = self.config.access_sources();
        let people = sources.entries().list().into_iter();
        Ok(people.map(|one| ListedPerson { name: names.remove(&one.user_id()).or(one.name.clone()), ..one }).collect())
    }

    async fn change_access(&self, caller: Option<&Caller>, request: AccessRequest) -> Result<String, ApiError> {
        // Apply changes one at a time, so that the published entries always match the last stored change.
        let changing = self.config.lock_people().await;
        let by = self.authorized(caller)?;
        let sources = self.config.access_sources();
        let origin = RequestOrigin { place: self.place.as_ref(), replied: self.replied_author.as_ref() };
        let decided = sources.entries().decide(&request, &origin);
        let AccessDecision { change, answer } = decided.map_err(|refusal| refusal.error())?;
        let Some(change) = change else { return Ok(answer) };
        let people = self.store.change_access(change.clone()).await.map_err(|error| not_stored(&error))?;
        self.config.set_people(people);
        drop(changing);
        match change {
            StoredChange::Save(StoredPerson { id, role, chat, .. }) => {
                let chat = chat.map(tracing::field::display);
                tracing::info!(by = %by.id, person = id, role = role.as_str(), chat, "access given in the chat");
            }
            StoredChange::Delete(person) => tracing::info!(by = %by.id, person, "access removed in the chat"),
            StoredChange::DeleteInChat { id, chat } => {
                tracing::info!(by = %by.id, person = id, %chat, "access removed in the chat");
            }
        }
        self.withdraw_revoked().await;
        Ok(answer)
    }
}

impl HostService {
    /// Returns the caller with their current role, or an error if the caller is not the owner. The role may have
    /// changed since the call began.
    fn authorized(&self, caller: Option<&Caller>) -> Result<Caller, ApiError> {
        let caller = access_entries::authorize(caller)?;
        let current = self.place.as_ref().and_then(|place| self.with_current_role(caller, place));
        let current = current.ok_or_else(|| refuse(ApiErrorCode::Denied, messages::no_access()))?;
        access_entries::authorize(Some(&current)).cloned()
    }
}
