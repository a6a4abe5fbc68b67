//! The replies to `/access`, and the messages about pairing.

use tr::tr;

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
    Reply::text(tr!("You are now the owner of this bot.\n\n/new starts a session, and /help lists the commands. \
         `/access add <id>` gives other people access."))
}

/// Returns the reply to a command that adds a person or changes a person's role.
#[must_use]
pub fn added(name: Option<&str>, id: u64, role: Role) -> String {
    tr!("{} is {} now.", person(name, id), with_article(role))
}

/// Returns the reply to a command that removes a person's stored entry. `key` is the `[access]` key that still gives
/// the person access.
#[must_use]
pub fn removed(name: Option<&str>, id: u64, key: Option<&str>) -> String {
    let person = person(name, id);
    match key {
        None => tr!("{person} no longer has access.", person),
        Some(key) => {
            tr!(
                "Removed the entry of {person}. The configuration still gives access: edit `{key}` in `[access]`.",
                person,
                key
            )
        }
    }
}

/// Returns the reply to a command that gives a person access to one chat. `everywhere` is the person's role in all
/// chats.
#[must_use]
pub fn added_here(name: Option<&str>, id: u64, everywhere: Option<Role>) -> String {
    let person = person(name, id);
    match everywhere {
        None => tr!("{person} is a member in this chat now.", person),
        Some(role) => {
            tr!("{person} is a member in this chat now, and is still {} in all chats.", with_article(role), person)
        }
    }
}

/// Returns the reply to a command that removes a person's access to one chat. `everywhere` is the person's role in all
/// chats.
#[must_use]
pub fn removed_here(name: Option<&str>, id: u64, everywhere: Option<Role>) -> String {
    let person = person(name, id);
    match everywhere {
        None => tr!("{person} no longer has access in this chat.", person),
        Some(role) => {
            let role = with_article(role);
            tr!("Removed the entry of {person} for this chat. The person is still {role} in all chats.", person, role)
        }
    }
}

fn with_article(role: Role) -> String {
    match role {
        Role::Owner => tr!("the owner"),
        Role::Admin => tr!("an admin"),
        Role::Member => tr!("a member"),
    }
}

fn person(name: Option<&str>, id: u64) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{} ({id})", quote(name)))
}

#[must_use]
pub fn refused(refusal: &AccessRefusal) -> String {
    match refusal {
        AccessRefusal::NotAnId(text) => {
            tr!("'{}' is not the numeric id of a person, such as 123456789.", quote(text))
        }
        AccessRefusal::NotARole(text) => tr!("'{}' is not a role: use admin or member.", quote(text)),
        AccessRefusal::NoTarget => {
            tr!("Name the person's numeric id, or reply to a message of that person in this chat.")
        }
        AccessRefusal::Bot => tr!("Bots can't get access. Reply to a message of a person."),
        AccessRefusal::Anonymous => {
            tr!(
                "This message was posted as a group or a channel, so its author is unknown. Use the person's numeric id."
            )
        }
        AccessRefusal::Owner => {
            tr!("The owner can't be changed in the chat. Set `owner` in `[access]` of the configuration.")
        }
        AccessRefusal::Configured { id, key } => {
            tr!("{id} has access through the configuration. Edit `{key}` in `[access]` there.", id, key)
        }
        AccessRefusal::NotInGroup => tr!("`here` works only in a group. Send the command in the group."),
        AccessRefusal::OnlyMembersHere => {
            tr!("In a single chat, people can only be members. Without `here`, the role applies in all chats.")
        }
        AccessRefusal::HasAccessEverywhere(id) => {
            tr!("{id} has access to all chats, not only to this one. /access remove {id} removes it.", id)
        }
        AccessRefusal::HasNoAccess(id) => tr!("{id} has no access.", id),
    }
}
