//! The replies to `/access`, and the messages about pairing.

use crate::{
    access_entries::AccessRefusal,
    messages::quote,
    types::{Reply, Role},
};

/// The note that `cordboard check` prints if the bot serves no users.
pub const NO_USER: &str =
    "no user has access: set [access] owner, or start the host and send the bot the /pair command from its log";

/// Returns the reply to the person who became the owner by pairing.
#[must_use]
pub fn paired() -> Reply {
    Reply::text(
        "You are now the owner of this bot.\n\n/new starts a session, and /help lists the commands. \
         `/access add <id>` gives other people access.",
    )
}

/// Returns the reply to a command that adds a person or changes a person's role.
#[must_use]
pub fn added(name: Option<&str>, id: u64, role: Role) -> String {
    format!("{} is {} now.", person(name, id), with_article(role))
}

/// Returns the reply to a command that removes a person's stored entry. `key` is the `[access]` key that still gives
/// the person access.
#[must_use]
pub fn removed(name: Option<&str>, id: u64, key: Option<&str>) -> String {
    let person = person(name, id);
    match key {
        None => format!("{person} no longer has access."),
        Some(key) => {
            format!("Removed the entry of {person}. The configuration still gives access: edit `{key}` in `[access]`.")
        }
    }
}

/// Returns the answer to giving a person access to one chat. `everywhere` is the person's role in all chats.
#[must_use]
pub fn added_here(name: Option<&str>, id: u64, everywhere: Option<Role>) -> String {
    let person = person(name, id);
    match everywhere {
        None => format!("{person} is a member in this chat now."),
        Some(role) => {
            format!("{person} is a member in this chat now, and is still {} in all chats.", with_article(role))
        }
    }
}

/// Returns the answer to removing the access of a person to one chat. `everywhere` is the person's role in all chats.
#[must_use]
pub fn removed_here(name: Option<&str>, id: u64, everywhere: Option<Role>) -> String {
    let person = person(name, id);
    match everywhere {
        None => format!("{person} no longer has access in this chat."),
        Some(role) => {
            let role = with_article(role);
            format!("Removed the entry of {person} for this chat. The person is still {role} in all chats.")
        }
    }
}

const fn with_article(role: Role) -> &'static str {
    match role {
        Role::Owner => "the owner",
        Role::Admin => "an admin",
        Role::Member => "a member",
    }
}

fn person(name: Option<&str>, id: u64) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{} ({id})", quote(name)))
}

#[must_use]
pub fn refused(refusal: &AccessRefusal) -> String {
    match refusal {
        AccessRefusal::NotAnId(text) => {
            format!("'{}' is not the numeric id of a person, such as 123456789.", quote(text))
        }
        AccessRefusal::NotARole(text) => format!("'{}' is not a role: use admin or member.", quote(text)),
        AccessRefusal::NoTarget => {
            "Name the person's numeric id, or reply to a message of that person in this chat.".to_owned()
        }
        AccessRefusal::Bot => "Bots can't get access. Reply to a message of a person.".to_owned(),
        AccessRefusal::Anonymous => {
            "This message was posted as a group or a channel, so its author is unknown. Use the person's numeric id."
                .to_owned()
        }
        AccessRefusal::Owner => {
            "The owner can't be changed in the chat. Set `owner` in `[access]` of the configuration.".to_owned()
        }
        AccessRefusal::Configured { id, key } => {
            format!("{id} has access through the configuration. Edit `{key}` in `[access]` there.")
        }
        AccessRefusal::NotInGroup => "`here` works only in a group. Send the command in the group.".to_owned(),
        AccessRefusal::OnlyMembersHere => {
            "In a single chat, people can only be members. Without `here`, the role applies in all chats.".to_owned()
        }
        AccessRefusal::HasAccessEverywhere(id) => {
            format!("{id} has access to all chats, not only to this one. /access remove {id} removes it.")
        }
        AccessRefusal::HasNoAccess(id) => format!("{id} has no access."),
    }
}
