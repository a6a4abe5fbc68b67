//! The damage that the host found in its database at startup, and the data that was lost.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseDamage {
    /// The database was damaged. The host has copied the readable records to a new one.
    Database {
        why: String,
        /// The path under which the damaged database is kept.
        kept: PathBuf,
        /// The number of records that were copied.
        recovered: u64,
        lost: Vec<LostRecords>,
    },
    /// The write-ahead log was damaged. The host continues with the changes before the damage.
    Log {
        /// A copy of the damaged log.
        kept: PathBuf,
        /// The number of lost transactions, or `None` if the log can't be read at all.
        lost_transactions: Option<u64>,
    },
}

impl DatabaseDamage {
    /// Returns the file in which the damaged data is kept.
    #[must_use]
    pub fn kept(&self) -> &Path {
        match self {
            Self::Database { kept, .. } | Self::Log { kept, .. } => kept,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRecords {
    pub kind: RecordKind,
    /// The number of lost records, or `None` if it is unknown.
    pub count: Option<u64>,
}

/// A kind of stored data, as users know it. A kind may have several tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecordKind {
    Sessions,
    Topics,
    ReceivedMessages,
    UnsentMessages,
    Buttons,
    PluginVersions,
    /// The rollout states of plugins, and the answers to their requests for capabilities.
    PluginDecisions,
    PluginData,
    Access,
    Audit,
    Usage,
    Other,
}
