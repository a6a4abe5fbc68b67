//! Buttons: Telegram's hold 64 bytes, so each carries a token under which what it gives is stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use cordboard_core::{render::one_line, types::Button};
use teloxide_core::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use super::locked;
use crate::chat::{ButtonLine, Inbox, InboxError};

/// Tokens that are kept at hand: a message that streams shows the same buttons again and again.
const KEPT: usize = 256;

/// Characters of a label; a chat shows fewer.
const LONGEST_LABEL: usize = 100;

/// What the Bot API takes as callback data, in bytes.
const LONGEST_TOKEN: usize = 64;

pub(super) struct Keyboard {
    inbox: Arc<dyn Inbox>,
    tokens: Mutex<HashMap<ButtonLine, String>>,
}

impl Keyboard {
    pub fn new(inbox: Arc<dyn Inbox>) -> Self {
        Self { inbox, tokens: Mutex::default() }
    }

    /// # Errors
    /// The store's.
    pub async fn of(&self, rows: &[Vec<Button>]) -> Result<InlineKeyboardMarkup, InboxError> {
        let mut keyboard = Vec::with_capacity(rows.len());
        for row in rows {
            let mut buttons = Vec::with_capacity(row.len());
            for button in row {
                buttons.push(InlineKeyboardButton::callback(
                    one_line(&button.label, LONGEST_LABEL),
                    self.token(ButtonLine::of(button)).await?,
                ));
            }
            keyboard.push(buttons);
        }
        Ok(InlineKeyboardMarkup::new(keyboard))
    }

    async fn token(&self, line: ButtonLine) -> Result<String, InboxError> {
        let known = locked(&self.tokens).get(&line).cloned();
        if let Some(token) = known {
            return Ok(token);
        }
        let token = self.inbox.button(&line).await?;
        debug_assert!((1..=LONGEST_TOKEN).contains(&token.len()), "a token fits a button");
        let mut tokens = locked(&self.tokens);
        // The store forgets old buttons: so must this.
        if tokens.len() >= KEPT {
            tokens.clear();
        }
        tokens.insert(line, token.clone());
        Ok(token)
    }
}
