//! Owns the changes that wait to be sent: the latest version of each item, the configuration first. It must not keep
//! what has been sent.

use std::collections::BTreeMap;

use cordboard_core::encoding;

use super::{Change, ConfigRead, PluginContent, read::Digest};

/// An item that can change, in the order of delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Config,
    /// The plugin folder itself: `Unreadable` if it can't be used, else `Absent`.
    Folder,
    Plugin(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Whole { bytes: Vec<u8>, digest: Digest },
    Absent,
    Unreadable(String),
}

/// The state of an item, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Whole(Digest),
    Unreadable(String),
}

/// Coalesces changes: a newer version replaces a waiting one, and a return to the last sent version removes it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    given: BTreeMap<Item, Known>,
    waiting: BTreeMap<Item, Found>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Counts `digest` as sent, because the application reads the existing files itself at startup.
    pub(super) fn assume(&mut self, item: Item, digest: Digest) {
        self.given.insert(item, Known::Whole(digest));
    }

    pub(super) fn offer(&mut self, item: Item, found: Found) {
        if self.given.get(&item) == found.known().as_ref() {
            self.waiting.remove(&item);
        } else {
            self.waiting.insert(item, found);
        }
    }

    pub(super) fn take(&mut self) -> Option<Change> {
        let (item, found) = self.waiting.pop_first()?;
        match found.known() {
            Some(known) => self.given.insert(item.clone(), known),
            None => self.given.remove(&item),
        };
        Some(found.into_change(item))
    }
}

impl Found {
    fn known(&self) -> Option<Known> {
        match self {
            Self::Whole { digest, .. } => Some(Known::Whole(*digest)),
            Self::Unreadable(why) => Some(Known::Unreadable(why.clone())),
            Self::Absent => None,
        }
    }

    fn into_change(self, item: Item) -> Change {
        match (item, self) {
            (Item::Config, Self::Whole { bytes, .. }) => Change::Config(text(bytes)),
            (Item::Config, Self::Absent) => Change::Config(ConfigRead::Missing),
            (Item::Config, Self::Unreadable(why)) => Change::Config(ConfigRead::Unreadable(why)),
            (Item::Folder, Self::Unreadable(why)) => Change::Folder { fault: Some(why) },
            (Item::Folder, Self::Absent | Self::Whole { .. }) => Change::Folder { fault: None },
            (Item::Plugin(name), Self::Whole { bytes, digest }) => {
                Change::Plugin { name, content: PluginContent { digest: digest.to_hex(), wasm: bytes } }
            }
            (Item::Plugin(name), Self::Absent) => Change::PluginGone { name },
            (Item::Plugin(name), Self::Unreadable(why)) => Change::PluginUnreadable { name, why },
        }
    }
}

fn text(bytes: Vec<u8>) -> ConfigRead {
    encoding::text(bytes).map_or_else(|why| ConfigRead::Unreadable(why.to_string()), ConfigRead::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Found {
        Found::Whole { bytes: bytes.to_vec(), digest: Digest::of(bytes) }
    }

    fn plugin(name: &str) -> Item {
        Item::Plugin(name.to_owned())
    }

    fn drain(queue: &mut Queue) -> Vec<Change> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn configuration_comes_first_and_the_latest_wins() {
        let mut queue = Queue::default();
        queue.offer(plugin("b"), whole(b"1"));
        queue.offer(plugin("a"), whole(b"1"));
        queue.offer(Item::Config, whole(b"x = 1"));
        queue.offer(plugin("b"), whole(b"2"));
        queue.offer(Item::Config, whole(b"x = 2"));
        let wasm = |name: &str, text: &[u8]| whole(text).into_change(plugin(name));
        assert_eq!(
            drain(&mut queue),
            [Change::Config(ConfigRead::Text("x = 2".into())), wasm("a", b"1"), wasm("b", b"2")]
        );
    }

    #[test]
    fn a_delivered_change_is_not_delivered_again() {
        let mut queue = Queue::default();
        queue.assume(plugin("a"), Digest::of(b"1"));
        queue.offer(plugin("a"), whole(b"1"));
        assert!(queue.is_empty());
        queue.offer(plugin("a"), whole(b"2"));
        queue.offer(plugin("a"), whole(b"1"));
        assert!(queue.is_empty(), "back to the active version");
        queue.offer(plugin("a"), Found::Absent);
        assert_eq!(drain(&mut queue), [Change::PluginGone { name: "a".into() }]);
        queue.offer(plugin("a"), Found::Absent);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_fault_is_reported_once() {
        let mut queue = Queue::default();
        queue.offer(Item::Config, Found::Unreadable("no".into()));
        assert_eq!(drain(&mut queue), [Change::Config(ConfigRead::Unreadable("no".into()))]);
        queue.offer(Item::Config, Found::Unreadable("no".into()));
        assert!(queue.is_empty());
    }

    #[test]
    fn invalid_utf8_names_its_line() {
        assert_eq!(text(b"a\nb\xff\n".to_vec()), ConfigRead::Unreadable("line 2 is not UTF-8 text".into()));
    }
}
