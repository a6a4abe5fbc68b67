//! Sets the bot's command menus: one for all chats, and one for the private chat of each person who may use more
//! commands. Telegram shows each user the menu in the language of the user's app, if there is one. Administrators of a Telegram group don't get a separate menu, because they have no special rights on the
//! host.

use cordboard_chat::{ChatError, MenuEntry, Menus};
use cordboard_core::language::Language;
use teloxide_core::{
    payloads::{DeleteMyCommands, DeleteMyCommandsSetters as _, SetMyCommands, SetMyCommandsSetters as _},
    types::{BotCommand, BotCommandScope, ChatId, Recipient},
};

use super::super::{Telegram, locked};

/// The maximum number of commands in the menu.
const MENU_COMMANDS: usize = 100;
/// The maximum length of a command's name, in characters.
const LONGEST_COMMAND: usize = 32;
/// The maximum length of a command's summary, in characters. Telegram allows 256 UTF-16 code units, and a character has
/// at most two.
const LONGEST_SUMMARY: usize = 128;

/// The languages of the menus. `None` is the menu for all other languages. A menu is set even if it isn't translated,
/// because an earlier one would otherwise stay.
const MENU_LANGUAGES: [Option<Language>; 2] = [None, Some(Language::German)];

impl Telegram {
    pub(super) async fn set_commands(&self, menus: &Menus) -> Result<(), ChatError> {
        self.set_menu(None, &menus.everyone).await?;
        for (chat, menu) in &menus.chats {
            let Ok(id) = chat.chat.parse() else { continue };
            match self.set_menu(Some(id), menu.as_deref().unwrap_or_default()).await {
                Ok(()) => {}
                // The person has blocked the bot, or has deleted the chat.
                Err(
                    error @ (ChatError::Rejected { .. }
                    | ChatError::Unreachable { .. }
                    | ChatError::Deleted { .. }
                    | ChatError::Forbidden { .. }),
                ) => tracing::debug!(%chat, %error, "failed to set the command menu of a private chat"),
                Err(
                    error @ (ChatError::RateLimited { .. }
                    | ChatError::Unavailable { .. }
                    | ChatError::Unauthorised { .. }),
                ) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sets the menu of a private chat, or of all other chats if `chat` is `None`. If the menu is empty, removes the
    /// chat's own menu.
    async fn set_menu(&self, chat: Option<i64>, commands: &[MenuEntry]) -> Result<(), ChatError> {
        let menu: Vec<MenuEntry> =
            commands.iter().filter(|entry| is_name(&entry.name)).take(MENU_COMMANDS).cloned().collect();
        if locked(&self.menus).get(&chat) == Some(&menu) {
            return Ok(());
        }
        let scope = match chat {
            Some(id) => BotCommandScope::Chat { chat_id: Recipient::Id(ChatId(id)) },
            None => BotCommandScope::Default,
        };
        for language in MENU_LANGUAGES {
            if chat.is_some() && menu.is_empty() {
                let mut payload = DeleteMyCommands::new().scope(scope.clone());
                payload.language_code = language.map(|language| language.tag().to_owned());
                self.api.call::<_, serde_json::Value>(&payload).await?;
            } else {
                let commands = menu.iter().map(|entry| command(entry, language));
                let mut payload = SetMyCommands::new(commands).scope(scope.clone());
                payload.language_code = language.map(|language| language.tag().to_owned());
                self.api.call::<_, serde_json::Value>(&payload).await?;
            }
        }
        locked(&self.menus).insert(chat, menu);
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_COMMAND).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn command(entry: &MenuEntry, language: Option<Language>) -> BotCommand {
    let summary = entry.summary_in(language);
    let summary = if summary.trim().is_empty() { &entry.name } else { summary };
    BotCommand::new(entry.name.clone(), summary.chars().take(LONGEST_SUMMARY).collect::<String>())
}
