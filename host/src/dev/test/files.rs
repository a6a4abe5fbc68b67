//! Implements `@attach` and `@file`, the directives that add message attachments and session files.

use std::fs;

use cordboard_core::types::ChatFile;

use super::{directives::number, step_error::StepError, step_runner::StepRunner};
use crate::dev::fake_host::AttachedFile;

impl StepRunner {
    /// `FILE KIND`: attaches a file to the next message. `FILE` is in the conversation's folder.
    pub fn attach(&mut self, words: &str) -> Result<(), StepError> {
        let usage = || StepError::Usage("@attach FILE KIND, as in @attach note.ogg voice message");
        let (name, kind) = words.split_once(' ').ok_or_else(usage)?;
        let path = self.folder.join(name);
        let content = fs::read(&path).map_err(|source| StepError::File { path, source })?;
        let (saved_as, size) = (name.to_owned(), Some(content.len() as u64));
        let file = ChatFile { saved_as, size, ..ChatFile::new(name, kind.trim(), name, name) };
        self.harness.attachments.push(AttachedFile { file, content });
        Ok(())
    }

    /// `SESSION PATH SIZE`: adds a file to a session folder.
    pub fn add_file(&mut self, words: &str) -> Result<(), StepError> {
        let usage = || StepError::Usage("@file SESSION PATH SIZE, as in @file alpha src/main.rs 1200");
        let (session, file) = words.split_once(' ').ok_or_else(usage)?;
        let (path, size) = file.rsplit_once(' ').ok_or_else(usage)?;
        let size = number("size", size)?;
        let name = self.session(session)?.record.name;
        self.harness.host.add_file(name, path, size);
        Ok(())
    }
}
