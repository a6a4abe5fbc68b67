//! The order of the commands in a chat's menu.

use std::{cmp::Reverse, collections::HashMap};

/// Sorts commands by number of uses, most used first, and then alphabetically by name.
pub fn sort_by_use<T>(commands: &mut [T], uses: &HashMap<String, u64>, name: impl Fn(&T) -> &str) {
    commands.sort_by(|one, other| {
        let key = |command| Reverse(uses.get(name(command)).copied().unwrap_or_default());
        key(one).cmp(&key(other)).then_with(|| name(one).cmp(name(other)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_ordered_by_use_then_by_name() {
        let uses = [("stop".to_owned(), 2), ("new".to_owned(), 5), ("help".to_owned(), 2)].into();
        let mut commands = ["archive", "stop", "new", "agent", "help"];
        sort_by_use(&mut commands, &uses, |name| name);
        assert_eq!(commands, ["new", "help", "stop", "agent", "archive"]);
    }
}
