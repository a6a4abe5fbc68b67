//! Recognizes the messages that the CLI repeats after it has compacted a conversation.

use std::collections::BTreeSet;

use serde_json::Value;

/// The ids of the messages that the latest compaction preserved. The CLI repeats some of these messages with the same
/// ids, although the chat has already shown them.
#[derive(Debug, Default)]
pub(super) struct CompactionRepeats(BTreeSet<String>);

impl CompactionRepeats {
    pub(super) fn on_compaction(&mut self, metadata: &Value) {
        let messages = &metadata["preserved_messages"];
        let preserved = messages["all_uuids"].as_array().or_else(|| messages["uuids"].as_array());
        self.0 = preserved.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}
