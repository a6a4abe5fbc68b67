//! Gives plugins access to session files: lists folders, and reads the attachments of messages passed to filters.

use std::{path::PathBuf, sync::Arc};

use cordboard_core::{
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, ChatFile, FolderEntry, FolderPage, SessionName},
};
use cordboard_runtime::refuse;
use tokio::task::spawn_blocking;

use super::HostService;
use crate::received_files;

/// The attachments of the message passed to a filter.
#[derive(Debug, Clone)]
pub struct FilterAttachments {
    session_folder: Arc<PathBuf>,
    files: Arc<[ChatFile]>,
}

impl FilterAttachments {
    pub(in crate::hub) fn new(session_folder: PathBuf, files: &[ChatFile]) -> Self {
        Self { session_folder: Arc::new(session_folder), files: files.into() }
    }

    /// Reads part of a file. The error is a text to show to users.
    pub(super) async fn read(&self, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        if !self.files.iter().any(|file| file.saved_as == id) {
            return Err(format!("the message has no file '{id}'"));
        }
        let (folder, name) = (Arc::clone(&self.session_folder), id.to_owned());
        let read = spawn_blocking(move || received_files::read_part(&folder, &name, offset, length));
        read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

impl HostService {
    pub(super) async fn list_files(
        &self,
        caller: &Caller,
        name: &SessionName,
        page: &FolderPage,
    ) -> Result<Vec<FolderEntry>, ApiError> {
        let view = self.visible(caller, name.as_str())?;
        let (files, folder, part) = (self.session_files.clone(), view.record.folder.clone(), page.clone());
        let listed = spawn_blocking(move || files.list(&folder, &part)).await;
        let failed = |why: String| refuse(ApiErrorCode::Failed, messages::file_not_read(&page.path, &why));
        listed.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }
}
