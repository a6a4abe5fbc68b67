//! Builds inline keyboards. Telegram limits callback data to 64 bytes, so a button carries only a token. The store
//! keeps the button's action under this token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use cordboard_chat::{ButtonAction, Inbox, StorageError};
use cordboard_core::{
    render::{is_blank, one_line},
    types::Button,
};
use teloxide_core::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use super::locked;

/// The maximum number of cached tokens. A streaming message shows the same buttons many times.
const CACHED_TOKENS: usize = 256;

/// The maximum number of characters of a label. Clients show fewer.
const LONGEST_LABEL: usize = 100;

/// The Bot API's limit for callback data, in bytes.
const LONGEST_TOKEN: usize = 64;

/// The maximum number of buttons in a message.
const MOST_BUTTONS: usize = 100;
/// The maximum number of buttons in a row.
const MOST_IN_ROW: usize = 8;

/// Returns the valid buttons with their labels, in rows within the limits.
fn valid(rows: &[Vec<Button>]) -> Vec<Vec<(String, &Button)>> {
    let mut left = MOST_BUTTONS;
    let mut valid = Vec::new();
    for row in rows {
        let labelled = row.iter().map(|button| (one_line(&button.label, LONGEST_LABEL), button));
        let shown: Vec<_> = labelled.filter(|(label, _)| !is_blank(label)).take(left).collect();
        left -= shown.len();
        valid.extend(shown.chunks(MOST_IN_ROW).map(<[_]>::to_vec));
    }
    let (all, sent) = (rows.iter().map(Vec::len).sum::<usize>(), MOST_BUTTONS - left);
    if sent < all {
        tracing::warn!(
            left_out = all - sent,
            most = MOST_BUTTONS,
            "omitted buttons that have no label or exceed the limit"
        );
    }
    valid
}

pub(super) struct Keyboard {
    inbox: Arc<dyn Inbox>,
    tokens: Mutex<HashMap<ButtonAction, String>>,
}

impl Keyboard {
    pub fn new(inbox: Arc<dyn Inbox>) -> Self {
        Self { inbox, tokens: Mutex::default() }
    }

    /// Returns a keyboard of the valid buttons, or `None` if there are none. Omits invalid buttons, because one of them
    /// would make Telegram reject the whole message.
    ///
    /// # Errors
    /// The store could not save a button.
    pub async fn of(&self, rows: &[Vec<Button>]) -> Result<Option<InlineKeyboardMarkup>, StorageError> {
        let mut keyboard = Vec::with_capacity(rows.len());
        for row in valid(rows) {
            let mut buttons = Vec::with_capacity(row.len());
            for (label, button) in row {
                buttons.push(InlineKeyboardButton::callback(label, self.token(ButtonAction::of(button)).await?));
            }
            keyboard.push(buttons);
        }
        Ok((!keyboard.is_empty()).then(|| InlineKeyboardMarkup::new(keyboard)))
    }

    async fn token(&self, action: ButtonAction) -> Result<String, StorageError> {
        let known = locked(&self.tokens).get(&action).cloned();
        if let Some(token) = known {
            return Ok(token);
        }
        let token = self.inbox.store_button(&action).await?;
        debug_assert!((1..=LONGEST_TOKEN).contains(&token.len()), "a token fits into a button");
        let mut tokens = locked(&self.tokens);
        // Clear the whole cache when it is full: the store deletes old buttons, so old tokens may be invalid.
        if tokens.len() >= CACHED_TOKENS {
            tokens.clear();
        }
        tokens.insert(action, token.clone());
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(rows: &[Vec<Button>]) -> Vec<Vec<String>> {
        valid(rows).into_iter().map(|row| row.into_iter().map(|(label, _)| label).collect()).collect()
    }

    fn row(labels: &[&str]) -> Vec<Button> {
        labels.iter().map(|label| Button::new(*label, "/x")).collect()
    }

    #[test]
    fn a_button_without_a_label_affects_no_other() {
        let rows = [row(&["One", "", "Two"]), row(&[" ", "\u{200b}", "\u{2800}"]), row(&["Three"])];
        assert_eq!(labels(&rows), [vec!["One", "Two"], vec!["Three"]]);
        assert!(labels(&[row(&["\u{3164}"])]).is_empty());
    }

    #[test]
    fn buttons_over_the_message_limit_are_omitted() {
        let rows: Vec<_> = (0..500).map(|_| row(&["x"])).collect();
        assert_eq!(labels(&rows).len(), 100);
        let long = labels(&[row(&["x"; 20]), row(&["y"; 99])]);
        assert_eq!(long.iter().map(Vec::len).collect::<Vec<_>>()[..4], [8, 8, 4, 8]);
        assert_eq!(long.iter().map(Vec::len).sum::<usize>(), 100);
    }
}
