//! Tests which messages are joined, with examples.

use super::*;
use crate::{
    agent_event::PromptId,
    types::{Caller, Place, PromptKind, Role, UserId},
    updates_and_posts::{InboxState, MessageId, Origin},
};

const PATIENCE: Duration = Duration::from_millis(700);

fn row(id: i64, who: &str, what: UpdateKind, part: MessagePart) -> InboxRow {
    let caller = Caller { id: UserId(who.to_owned()), name: who.to_owned(), role: Role::Member };
    let origin = Origin { message: Some(MessageId(id.to_string())), part, ..Origin::default() };
    let (place, at) = (Place::new("telegram", "-1"), Timestamp(1_000_000));
    let update = Update { key: id.to_string(), caller, place, what, at, locale: None, origin };
    let prompt = PromptId(id.to_string());
    InboxRow { id: InboxId(id), update, state: InboxState::New, prompt, at }
}

fn text(id: i64, who: &str, text: &str, part: MessagePart) -> InboxRow {
    row(id, who, UpdateKind::Text(text.to_owned()), part)
}

fn cut(joint: &str) -> MessagePart {
    MessagePart::Cut { joint: joint.to_owned() }
}

fn photo(id: i64, who: &str, album: &str, caption: Option<&str>) -> InboxRow {
    let what = UpdateKind::NotText { kind: "photo".to_owned(), caption: caption.map(str::to_owned), files: Vec::new() };
    row(id, who, what, MessagePart::Album(album.to_owned()))
}

/// Returns the text and the row ids of each released update.
fn shown(joined: Vec<JoinedUpdate>) -> Vec<(String, Vec<i64>)> {
    let one = |one: JoinedUpdate| {
        let words = match one.row.update.what {
            UpdateKind::Text(text) => text,
            UpdateKind::NotText { kind, caption, .. } => format!("{kind}: {}", caption.unwrap_or_default()),
            UpdateKind::Edited(_) | UpdateKind::Press { .. } => panic!("not part of this test"),
        };
        (words, std::iter::once(one.row.id).chain(one.absorbed).map(|id| id.0).collect())
    };
    joined.into_iter().map(one).collect()
}

/// Pushes the rows. Returns the updates that are released by the rows, followed by those that are released by the
/// deadline.
fn run(rows: Vec<InboxRow>) -> Vec<(String, Vec<i64>)> {
    let mut joiner = PartJoiner::default();
    let mut joined: Vec<JoinedUpdate> =
        rows.into_iter().flat_map(|row| joiner.push(row, Timestamp(0), PATIENCE)).collect();
    joined.extend(joiner.due(Timestamp(700)));
    assert_eq!(joiner.deadline(), None);
    shown(joined)
}

fn one(words: &str, ids: &[i64]) -> (String, Vec<i64>) {
    (words.to_owned(), ids.to_vec())
}

#[test]
fn a_text_split_by_its_client_is_joined() {
    let parts =
        || vec![text(1, "ada", "a", cut("")), text(2, "ada", "b", cut("\n")), text(3, "ada", "c", MessagePart::Text)];
    assert_eq!(run(parts()), [one("ab\nc", &[1, 2, 3])]);
    let mut joiner = PartJoiner::default();
    let released = parts().into_iter().take(2).flat_map(|row| joiner.push(row, Timestamp(5), PATIENCE)).count();
    assert_eq!((released, joiner.deadline()), (0, Some(Timestamp(705))));
    assert_eq!(joiner.due(Timestamp(704)), []);
    assert_eq!(shown(joiner.due(Timestamp(705))), [one("ab", &[1, 2])]);
}

#[test]
fn a_short_text_does_not_wait() {
    let mut joiner = PartJoiner::default();
    assert_eq!(joiner.push(text(1, "ada", "hi", MessagePart::Text), Timestamp(0), PATIENCE).len(), 1);
    assert_eq!(joiner.push(text(2, "ada", "long", cut("")), Timestamp(0), Duration::ZERO).len(), 1);
    assert_eq!(joiner.deadline(), None);
}

#[test]
fn other_messages_end_a_split_text() {
    let command = text(2, "ada", "/stop", MessagePart::Alone);
    let rows = vec![text(1, "ada", "a", cut("")), command, text(3, "ada", "b", MessagePart::Text)];
    assert_eq!(run(rows), [one("a", &[1]), one("/stop", &[2]), one("b", &[3])]);
    let mut late = text(2, "ada", "an hour later", MessagePart::Text);
    late.update.at = Timestamp(late.update.at.0 + 3_600_000);
    assert_eq!(run(vec![text(1, "ada", "a", cut("")), late]), [one("a", &[1]), one("an hour later", &[2])]);
}

#[test]
fn parts_of_two_users_are_not_joined() {
    let rows = vec![
        text(1, "ada", "a", cut("")),
        text(2, "bob", "x", cut("")),
        text(3, "bob", "y", MessagePart::Text),
        text(4, "ada", "b", MessagePart::Text),
    ];
    assert_eq!(run(rows), [one("xy", &[2, 3]), one("ab", &[1, 4])]);
    let rows = vec![
        photo(1, "ada", "A", None),
        photo(2, "bob", "B", Some("his")),
        photo(3, "ada", "A", Some("hers")),
        photo(4, "bob", "B", None),
        photo(5, "ada", "A", Some("and more")),
    ];
    assert_eq!(run(rows), [one("album: hers\nand more", &[1, 3, 5]), one("album: his", &[2, 4])]);
}

#[test]
fn a_caption_of_an_album_that_is_a_command_runs() {
    let rows = vec![photo(1, "ada", "A", None), photo(2, "ada", "A", Some("/new x")), photo(3, "ada", "A", None)];
    assert_eq!(run(rows), [one("album: /new x", &[2, 1, 3])]);
    let rows =
        vec![photo(1, "ada", "A", Some("look")), photo(2, "ada", "A", Some("/new x")), photo(3, "ada", "A", None)];
    assert_eq!(run(rows), [one("photo: /new x", &[2]), one("album: look", &[1, 3])]);
}

#[test]
fn two_albums_of_one_user_are_separate() {
    let rows = vec![photo(1, "ada", "A", None), photo(2, "ada", "A", None), photo(3, "ada", "B", Some("b"))];
    assert_eq!(run(rows), [one("album: ", &[1, 2]), one("photo: b", &[3])]);
}

#[test]
fn the_number_of_waiting_parts_is_limited() {
    let parts = |from: i64| (from..from + 100).map(|id| text(id, "ada", "a", cut("")));
    let ids: Vec<Vec<i64>> = run(parts(0).chain(parts(100)).collect()).into_iter().map(|(_, ids)| ids).collect();
    assert_eq!(ids, [(0..100).collect::<Vec<_>>(), (100..200).collect()]);
}

#[test]
fn the_text_of_a_prompt_from_the_host_is_never_a_command() {
    let input = |prompt_kind| {
        let mut row = text(1, "ann", "/stop all", MessagePart::Alone);
        row.update.origin.prompt_kind = prompt_kind;
        PartJoiner::default().push(row, Timestamp(0), PATIENCE).remove(0).input
    };
    assert!(matches!(input(None), Some(ChatInput::Command(_))));
    assert_eq!(input(Some(PromptKind::Text)), Some(ChatInput::Prompt));
}
