//! Sets the bot's menu of commands.

use cordboard_chat::{ChatError, MenuEntry};
use teloxide_core::{payloads::SetMyCommands, types::BotCommand};

use super::super::{Telegram, locked};

/// The maximum number of commands in the menu.
const MENU_COMMANDS: usize = 100;
/// The maximum length of a command's name, in characters.
const LONGEST_COMMAND: usize = 32;
/// The maximum length of a command's summary, in characters. Telegram allows 256 UTF-16 code units, and a character has
/// at most two.
const LONGEST_SUMMARY: usize = 128;

impl Telegram {
    pub(super) async fn set_commands(&self, commands: &[MenuEntry]) -> Result<(), ChatError> {
        let fits = |name: &str| {
            (1..=LONGEST_COMMAND).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let menu: Vec<MenuEntry> =
            commands.iter().filter(|entry| fits(&entry.name)).take(MENU_COMMANDS).cloned().collect();
        if locked(&self.menu).as_ref() == Some(&menu) {
            return Ok(());
        }
        let listed = menu.iter().map(|entry| {
            let summary = if entry.summary.trim().is_empty() { &entry.name } else { &entry.summary };
            BotCommand::new(entry.name.clone(), summary.chars().take(LONGEST_SUMMARY).collect::<String>())
        });
        let payload = SetMyCommands::new(listed);
        self.api.call::<_, serde_json::Value>(&payload).await?;
        *locked(&self.menu) = Some(menu);
        Ok(())
    }
}
