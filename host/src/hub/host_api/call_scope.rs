//! Creates copies of the host service that are bound to a single call, for example to a command's update.

use std::sync::Arc;

use cordboard_core::{event::CausationChain, types::Place, updates_and_posts::Update};

use super::{HostService, files::FilterAttachments, send::PromptKeys};
use crate::hub::{file_downloads::CommandFiles, press_context::Press, undispatched_prompts::PromptTaker};

impl HostService {
    /// Returns a copy for a call caused by these hooks.
    #[must_use]
    pub fn caused_by(&self, causes: CausationChain) -> Self {
        Self { causes, ..self.clone() }
    }

    /// Returns a copy for the command in an update, which may be a button press.
    pub(in crate::hub) fn for_update(
        &self,
        update: &Update,
        press: Option<Arc<Press>>,
        waiting: PromptTaker,
        files: CommandFiles,
    ) -> Self {
        Self {
            prompt_keys: PromptKeys::of(update),
            place: Some(update.place.clone()),
            replied_author: update.origin.replied_author.clone(),
            press,
            waiting: Some(waiting),
            files,
            ..self.clone()
        }
    }

    /// Returns a copy for a filter whose message has these attachments. It isn't bound to a button or a command.
    pub(in crate::hub) fn for_filter(&self, place: &Place, files: FilterAttachments) -> Self {
        Self {
            place: Some(place.clone()),
            replied_author: None,
            press: None,
            waiting: None,
            files: CommandFiles::default(),
            filtered_files: Some(files),
            ..self.clone()
        }
    }
}
