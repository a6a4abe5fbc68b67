//! Reads `/access` requests, typed commands and the payloads of links: an accepted request has the effect that its
//! reply promises, nobody becomes the owner, and links lead to the sessions for which they were made.

use cordboard_core::{
    access_entries::{AccessEntries, AccessRequest, AccessScope, RequestOrigin, StoredChange, StoredPerson},
    config::Access,
    deep_link, pairing,
    route::{self, ChatInput},
    types::{MessageAuthor, Place, Role, SessionName},
};

/// The configured owner.
const OWNER: u64 = 1;

/// The maximum length of a command name in characters.
const MAX_COMMAND: usize = 32;

/// Each line is a request, such as `add 42 member` or `remove-here 42`, or a text that a person types. `-` is the
/// author of the message that the request replies to.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let configured = Access { owner: Some(OWNER), admins: [2].into(), members: [3].into(), ..Access::default() };
    let mut stored = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match request(&words) {
            Some(request) => stored = decide(&configured, stored, &request),
            None => check_typed(line),
        }
    }
}

fn request(words: &[&str]) -> Option<AccessRequest> {
    let who = |who: &str| (who != "-").then(|| who.to_owned());
    let (verb, scope) = match words[0].strip_suffix("-here") {
        Some(verb) => (verb, AccessScope::Here),
        None => (words[0], AccessScope::Everywhere),
    };
    match (verb, &words[1..]) {
        ("add", [person, role]) => Some(AccessRequest::Add { who: who(person), role: (*role).to_owned(), scope }),
        ("remove", [person]) => Some(AccessRequest::Remove { who: who(person), scope }),
        _ => None,
    }
}

/// Decides about a request, and returns the new entries.
fn decide(configured: &Access, stored: Vec<StoredPerson>, request: &AccessRequest) -> Vec<StoredPerson> {
    let (group, private) = (Place::new("telegram", "-100"), Place::new("telegram", "4"));
    let author = MessageAuthor::Person { id: 4, name: "Ada".to_owned() };
    let origin = RequestOrigin { place: Some(&group), replied: Some(&author) };
    let entries = AccessEntries { configured, stored: &stored };
    let decision = match entries.decide(request, &origin) {
        Ok(decision) => decision,
        Err(refusal) => {
            assert!(!refusal.error().text.is_empty(), "{refusal:?}");
            return stored;
        }
    };
    assert!(!decision.answer.is_empty(), "{request:?}");
    let Some(change) = decision.change else { return stored };
    let stored = change.apply(stored);
    let effective = AccessEntries { configured, stored: &stored }.effective();
    assert_eq!(effective.owner, Some(OWNER), "{request:?}");
    match change {
        StoredChange::Save(person) if person.chat.is_some() => {
            assert!(effective.role_in(person.id, &group).is_some(), "{request:?}");
            assert_eq!(person.role, Role::Member, "{request:?}");
        }
        StoredChange::Save(person) => assert_eq!(effective.role_in(person.id, &private), Some(person.role)),
        StoredChange::Delete(id) => assert!(stored.iter().all(|person| person.id != id), "{request:?}"),
        StoredChange::DeleteInChat { id, chat } => {
            assert!(stored.iter().all(|person| person.id != id || person.chat.as_ref() != Some(&chat)), "{request:?}");
        }
    }
    let configured_people = 3;
    let listed = AccessEntries { configured, stored: &stored }.list();
    assert_eq!(listed.len(), configured_people + stored.len());
    stored
}

fn check_typed(text: &str) {
    if let Some(line) = route::parse(text) {
        assert!((1..=MAX_COMMAND).contains(&line.name.len()), "{text:?}");
        let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        assert!(line.name.bytes().all(is_plain), "{text:?}");
        assert!(text.contains(&line.invocation.text), "{text:?}");
        assert!(!matches!(ChatInput::typed(text), ChatInput::Prompt), "{text:?}");
    }
    if let Some(code) = pairing::typed_code(text) {
        assert_eq!(pairing::typed_code(&pairing::command(&code)), Some(code.clone()));
        assert_eq!(pairing::typed_code(&start(&deep_link::pairing("bot", &code))), Some(code));
    }
    if let Ok(name) = text.parse::<SessionName>() {
        let links = [deep_link::session("bot", &name), deep_link::request("bot", &name, u64::MAX)];
        for link in links.into_iter().flatten() {
            let command = start(&link);
            let payload = command.strip_prefix("/start ").expect("`start` returns such a command");
            let line = route::parse(&command).unwrap_or_else(|| panic!("{command} is not a command"));
            assert_eq!(line.invocation.args, [payload], "{link}");
        }
    }
}

/// Returns the command that Telegram sends if a user opens a link.
fn start(link: &str) -> String {
    let (_, payload) = link.split_once("?start=").expect("each link has a payload");
    format!("/start {payload}")
}
