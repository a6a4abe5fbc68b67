//! Stores the planned sessions. Copies each transcript before storing its session, so that a stored session never lacks
//! its transcript.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use cordboard_core::types::SessionRecord;
use cordboard_store::{Store, StoreError};

use super::{ImportOutcome, PlannedImport, TranscriptCopy};

/// The reason why a planned session was not imported.
#[derive(Debug, thiserror::Error)]
enum StoreSessionError {
    #[error("failed to copy {} to {}: {source}", from.display(), to.display())]
    Copy { from: PathBuf, to: PathBuf, source: io::Error },
    #[error("failed to {0}")]
    Store(#[from] StoreError),
}

/// Stores the planned sessions, and records each outcome in the session's row. If a session can't be stored, the others
/// are still imported.
pub async fn store_planned(store: &Store, planned: &mut [PlannedImport]) {
    for plan in planned {
        let Some(record) = &plan.record else { continue };
        match import(store, record, plan.transcript.as_ref()).await {
            Ok(()) => plan.row.outcome = ImportOutcome::Imported,
            Err(error) => {
                plan.row.outcome = ImportOutcome::Failed;
                plan.row.note = error.to_string();
            }
        }
    }
}

async fn import(
    store: &Store,
    record: &SessionRecord,
    transcript: Option<&TranscriptCopy>,
) -> Result<(), StoreSessionError> {
    if let Some(TranscriptCopy { from, to }) = transcript {
        let failed = |source| StoreSessionError::Copy { from: from.clone(), to: to.clone(), source };
        copy_transcript(from, to).map_err(failed)?;
    }
    Ok(store.create_session(record).await?)
}

/// Copies a transcript atomically, so that the agent never sees a partial file. Never replaces an existing file.
fn copy_transcript(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let partial = to.with_extension("partial");
    let copied = fs::copy(from, &partial)
        .and_then(|_| fs::set_permissions(&partial, fs::Permissions::from_mode(0o600)))
        .and_then(|()| fs::File::open(&partial)?.sync_all())
        .and_then(|()| fs::hard_link(&partial, to));
    // If this fails, a `.partial` file remains, which the agent ignores.
    drop(fs::remove_file(&partial));
    match copied {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        copied => copied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_transcript_replaces_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.jsonl"), "old").unwrap();
        let to = path("projects/x/a.jsonl");
        copy_transcript(&path("a.jsonl"), &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(path("a.jsonl"), "new").unwrap();
        copy_transcript(&path("a.jsonl"), &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        assert_eq!(fs::read_dir(path("projects/x")).unwrap().count(), 1, "no partial file is left");
        assert!(copy_transcript(&path("missing"), &path("projects/x/b.jsonl")).is_err());
    }
}
