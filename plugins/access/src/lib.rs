//! `/access` lists the people with access, and gives and removes access. The host checks that the caller is the owner,
//! and determines whose message a command replies to.

mod german;

use cordboard_plugin::{
    Call, Command, Reply,
    access_control::{self as access, Person},
    command::Spec,
    text::{code, escape, usage},
    tr,
};

const USAGE: &str = "/access [add <id> [admin|member|here]|remove <id> [here]]";

/// The argument that makes `/access remove` ask for confirmation before it removes a person. Only buttons use it.
const CONFIRM: &str = "?";

/// The maximum number of entries that get a button.
const MAX_BUTTONS: usize = 30;

struct Access;

impl Command for Access {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("access", &tr!("List and change who has access"), USAGE).min_role("owner")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match parse(&call.args) {
            Arguments::List => Ok(page(&access::people()?)),
            Arguments::Add { id, role, scope: Scope::Everywhere } => Ok(Reply::plain(&access::add(id, role)?)),
            Arguments::Add { id, role, scope: Scope::Here } => Ok(Reply::plain(&access::add_here(id, role)?)),
            Arguments::Ask(id) => Ok(question(&access::people()?, id)),
            Arguments::Remove(id, Scope::Everywhere) => Ok(Reply::plain(&access::remove(id)?).in_place()),
            Arguments::Remove(id, Scope::Here) => Ok(Reply::plain(&access::remove_here(id)?)),
            Arguments::Invalid => Ok(Reply::plain(&usage(USAGE))),
        }
    }
}

/// The arguments of a call. Without an id, the command applies to the author of the message that it replies to.
#[derive(Debug, PartialEq, Eq)]
enum Arguments<'a> {
    List,
    Add { id: Option<&'a str>, role: &'a str, scope: Scope },
    Ask(&'a str),
    Remove(Option<&'a str>, Scope),
    Invalid,
}

/// The scope of the access: all chats, or only the group of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everywhere,
    Here,
}

fn parse(args: &[String]) -> Arguments<'_> {
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    let scope = if args.pop_if(|last| *last == "here").is_some() { Scope::Here } else { Scope::Everywhere };
    let is_role = |word: &str| ["admin", "member", "owner"].contains(&word);
    match *args.as_slice() {
        [] if scope == Scope::Everywhere => Arguments::List,
        ["add"] => Arguments::Add { id: None, role: "member", scope },
        ["add", role] if is_role(role) => Arguments::Add { id: None, role, scope },
        ["add", id] => Arguments::Add { id: Some(id), role: "member", scope },
        ["add", id, role] => Arguments::Add { id: Some(id), role, scope },
        ["remove"] => Arguments::Remove(None, scope),
        ["remove", id] => Arguments::Remove(Some(id), scope),
        ["remove", id, CONFIRM] if scope == Scope::Everywhere => Arguments::Ask(id),
        _ => Arguments::Invalid,
    }
}

fn page(people: &[Person]) -> Reply {
    let lines: Vec<String> = people.iter().map(line).collect();
    let lines = if lines.is_empty() { tr!("No user has access.") } else { lines.join("\n") };
    let help = tr!(
        "{} gives access. Without the id, reply to a message of the person. With {}, it gives access only in this \
         group. Entries of the configuration can only be changed there.",
        code("/access add <id> [admin|member]"),
        code("here")
    );
    // A button removes all entries of a person.
    let is_first =
        |person: &Person| people.iter().find(|one| one.source == "chat" && one.id == person.id) == Some(person);
    let removable =
        people.iter().filter(|person| person.source == "chat" && person.role != "owner" && is_first(person));
    removable.take(MAX_BUTTONS).fold(Reply::text(format!("{lines}\n\n{help}")).in_place(), |reply, person| {
        let id = local_id(&person.id);
        reply.button(tr!("Remove {}", person.name.as_deref().unwrap_or(id)), format!("/access remove {id} {CONFIRM}"))
    })
}

fn line(person: &Person) -> String {
    let is_overridden = person.facts.iter().any(|(fact, value)| fact == "overridden" && value == "true");
    let source = match (person.source.as_str(), is_overridden) {
        ("chat", true) => tr!("added in the chat, overridden by the configuration"),
        ("chat", false) => tr!("added in the chat"),
        ("configuration", _) => tr!("configuration"),
        (source, _) => source.to_owned(),
    };
    format!("- {}: {} ({})", name_and_id(person), role(person), escape(&source))
}

/// Returns the role of a person, and the chat or bot if the role applies only there, as Markdown.
fn role(person: &Person) -> String {
    let value = |name: &str| person.facts.iter().find(|(fact, _)| fact == name).map(|(_, value)| value);
    let role = escape(&person.role);
    match (value("chat"), value("bot")) {
        (Some(chat), _) => tr!("{role} only in {chat}", role, chat = code(chat)),
        (None, Some(bot)) => tr!("{role} only through {bot}", role, bot = code(&format!("telegram.{bot}"))),
        (None, None) => role,
    }
}

/// Returns the name and the id of a person, as Markdown.
fn name_and_id(person: &Person) -> String {
    let id = code(local_id(&person.id));
    person.name.as_deref().map_or_else(|| id.clone(), |name| format!("{} {id}", escape(name)))
}

/// Asks whether to remove a person's entry.
fn question(people: &[Person], id: &str) -> Reply {
    let entry = people.iter().find(|person| person.source == "chat" && local_id(&person.id) == id);
    let Some(person) = entry else { return page(people) };
    let text = tr!("Remove {person}, {role}?", person = name_and_id(person), role = role(person));
    let buttons = [(tr!("Remove"), format!("/access remove {id}")), (tr!("Keep"), "/access".to_owned())];
    Reply::text(text).row(buttons).in_place()
}

/// Returns the id without its front-end prefix.
fn local_id(id: &str) -> &str {
    id.split_once(':').map_or(id, |(_, number)| number)
}

cordboard_plugin::export!(Access: command; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: Option<&str>, role: &str, source: &str) -> Person {
        let name = name.map(str::to_owned);
        Person { id: id.to_owned(), name, role: role.to_owned(), source: source.to_owned(), facts: Vec::new() }
    }

    fn buttons(reply: &Reply) -> Vec<(&str, &str)> {
        reply.buttons.iter().flatten().map(|button| (button.label.as_str(), button.command.as_str())).collect()
    }

    #[test]
    fn arguments_name_a_person_or_a_reply() {
        let parsed = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            format!("{:?}", parse(&args))
        };
        assert_eq!(parsed(""), "List");
        assert_eq!(parsed("add"), r#"Add { id: None, role: "member", scope: Everywhere }"#);
        assert_eq!(parsed("add admin"), r#"Add { id: None, role: "admin", scope: Everywhere }"#);
        assert_eq!(parsed("add 7"), r#"Add { id: Some("7"), role: "member", scope: Everywhere }"#);
        assert_eq!(parsed("add 7 admin"), r#"Add { id: Some("7"), role: "admin", scope: Everywhere }"#);
        assert_eq!(parsed("remove"), "Remove(None, Everywhere)");
        assert_eq!(parsed("remove 7"), r#"Remove(Some("7"), Everywhere)"#);
        assert_eq!(parsed("add here"), r#"Add { id: None, role: "member", scope: Here }"#);
        assert_eq!(parsed("add 7 here"), r#"Add { id: Some("7"), role: "member", scope: Here }"#);
        assert_eq!(parsed("add 7 admin here"), r#"Add { id: Some("7"), role: "admin", scope: Here }"#);
        assert_eq!(
            [parsed("remove here"), parsed("remove 7 here")],
            ["Remove(None, Here)", r#"Remove(Some("7"), Here)"#]
        );
        assert_eq!(parsed("remove 7 ?"), r#"Ask("7")"#);
        assert_eq!([parsed("drop"), parsed("here"), parsed("remove 7 ? here"), parsed("remove 7 8")], ["Invalid"; 4]);
    }

    #[test]
    fn the_page_lists_people_and_removes_only_added_ones() {
        let people = [
            person("telegram:1", Some("Ada *L*"), "owner", "configuration"),
            person("telegram:9", Some("Eve"), "owner", "chat"),
            Person {
                facts: vec![("overridden".into(), "true".into())],
                ..person("telegram:2", Some("Bo"), "admin", "chat")
            },
            person("telegram:3", None, "member", "chat"),
            Person {
                facts: vec![("chat".into(), "telegram:-100".into())],
                ..person("telegram:3", None, "member", "chat")
            },
        ];
        let reply = page(&people);
        let start = "- Ada \\*L\\* `1`: owner (configuration)\n- Eve `9`: owner (added in the chat)\n\
                     - Bo `2`: admin (added in the chat, overridden by the configuration)\n\
                     - `3`: member (added in the chat)\n- `3`: member only in `telegram:-100` (added in the chat)\n\n";
        assert!(reply.text.starts_with(start), "{}", reply.text);
        assert_eq!(buttons(&reply), [("Remove Bo", "/access remove 2 ?"), ("Remove 3", "/access remove 3 ?")]);
        assert!(reply.in_place);
    }

    #[test]
    fn removing_with_a_button_needs_a_second_press() {
        let people = [person("telegram:3", Some("Bo"), "member", "chat")];
        let reply = question(&people, "3");
        assert_eq!(reply.text, "Remove Bo `3`, member?");
        assert_eq!(buttons(&reply), [("Remove", "/access remove 3"), ("Keep", "/access")]);
        assert_eq!(question(&people, "4").text, page(&people).text, "the entry is gone");
    }
}
