//! A script language with one step per line, so that a test consists of a script and a trace of the dispatches.

use std::{collections::BTreeMap, fmt::Write as _};

use expect_test::Expect;

use crate::{
    agent_event::PromptId,
    hub::*,
    route::tests::{Entry, Table, table},
    types::{Caller, ChatFile},
    updates_and_posts::{ButtonAction, InboxId, InboxState, MessagePart, Origin, Update},
};

/// Runs the script against a hub and compares the trace.
///
/// `ann 1: TEXT` is a message from ann in place 1, `ann 1 press: TEXT` a button press, `ann 1 edit: TEXT` an edit, and
/// `ann 1 part: TEXT` a part of a longer text. `ann 1 game` is a game, which has no file, `ann 1 image` is a photo, and
/// `ann 1 album` an album with one photo. A place whose name begins with `group` is a group. `restore` before one of
/// these steps marks the update as left over from the previous run. `ok ID` ends the handling of an update. `take 1 ann
/// before ID` takes ann's prompts that wait in place 1 and arrived before update ID. `close` ends the input. `wait MS`
/// advances the clock and delivers a timeout that is due. `remove NAME` revokes a person's access, and `deactivate
/// NAME` removes a command. `limit N` sets the maximum number of updates per minute. Only `ann` and `bob` have access
/// at first.
pub fn check(script: &str, trace: &Expect) {
    let mut runner = Runner::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(runner.trace, "{line}");
        runner.step(line);
    }
    trace.assert_eq(&runner.trace);
}

pub struct Runner {
    pub hub: Hub,
    commands: Table,
    roles: BTreeMap<String, Role>,
    now: Timestamp,
    last: i64,
    pub slots: BTreeMap<i64, Slot>,
    pub trace: String,
    per_minute: Option<usize>,
    has_filters: bool,
}

impl Runner {
    pub fn new() -> Self {
        let roles = ["ann", "bob"].map(|name| (name.to_owned(), Role::Member)).into();
        let (hub, commands, now) = (Hub::default(), table(), Timestamp(1_000_000));
        let (slots, trace) = (BTreeMap::new(), String::new());
        Self { hub, commands, roles, now, last: 0, slots, trace, per_minute: None, has_filters: false }
    }

    pub fn step(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let event = match verb {
            "wait" => {
                self.now = self.now.after(Duration::from_millis(rest.parse().expect("milliseconds")));
                match self.hub.poll_timeout().filter(|at| *at <= self.now) {
                    Some(_) => HubEvent::Timeout,
                    None => return,
                }
            }
            "ok" => HubEvent::Finished(self.slots.remove(&rest.parse().expect("an id")).expect("it is running")),
            "limit" => {
                self.per_minute = Some(rest.parse().expect("a number"));
                return;
            }
            "close" => HubEvent::Closed,
            "restore" => HubEvent::Restored(vec![self.row(rest)]),
            "take" => return self.take(rest),
            "remove" => return self.roles.retain(|name, _| name != rest),
            "deactivate" => return self.commands.0.retain(|command| command.name != rest),
            _ => HubEvent::Accepted(vec![self.row(line)]),
        };
        self.handle(event);
    }

    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("take PLACE PERSON before ID");
        let (place, who, _, before) = (Place::new("test", next()), next(), next(), next());
        let before: i64 = before.parse().expect("an id");
        for update in self.hub.take_prompts(&place, |row| row.id.0 < before && row.update.caller.name == who) {
            let _ = writeln!(self.trace, "  took {}: {}", update.row.id.0, update.row.update.what.text());
        }
    }

    pub fn row(&mut self, line: &str) -> InboxRow {
        self.last += 1;
        let (head, text) = line.split_once(": ").unwrap_or((line, ""));
        let mut words = head.split(' ');
        let (who, place) = (words.next().expect("a name"), words.next().expect("a place"));
        let text = text.to_owned();
        let mut part = MessagePart::Alone;
        let what = match words.next() {
            None => UpdateKind::Text(text),
            Some("edit") => UpdateKind::Edited(text),
            Some("game") => UpdateKind::NotText { kind: "game".to_owned(), caption: None, files: Vec::new() },
            Some(kind @ ("image" | "album")) => {
                if kind == "album" {
                    part = MessagePart::Album("a".to_owned());
                }
                let files = vec![ChatFile::new("f", kind, "photo.jpg", "1")];
                UpdateKind::NotText { kind: kind.to_owned(), caption: None, files }
            }
            Some("part") => {
                part = MessagePart::Cut { joint: "|".to_owned() };
                UpdateKind::Text(text)
            }
            Some("press") => {
                UpdateKind::Press { line: ButtonAction { command: text, ..ButtonAction::default() }, message: None }
            }
            Some(other) => panic!("there is no update {other}"),
        };
        let caller = Caller { id: UserId(who.to_owned()), name: who.to_owned(), role: Role::Member };
        let speaker = place.starts_with("group").then(|| who.to_owned());
        let origin = Origin { part, speaker, ..Origin::default() };
        let (place, at, key) = (Place::new("test", place), self.now, self.last.to_string());
        let update = Update { key: key.clone(), caller, place, what, at, locale: None, origin };
        InboxRow { id: InboxId(self.last), update, state: InboxState::New, prompt: PromptId(key), at }
    }

    pub fn handle(&mut self, event: HubEvent) -> Vec<i64> {
        let roles = self.roles.clone();
        let role = |id: &UserId, _: &Place| roles.get(&id.0).copied();
        let patience = Duration::from_millis(300);
        let settings = PlaceSettings { patience, per_minute: self.per_minute };
        let facts = HubFacts {
            now: self.now,
            has_filters: self.has_filters,
            settings: &|_| settings,
            commands: &self.commands,
            role: &role,
        };
        let mut started = Vec::new();
        for Dispatch { slot, update, action } in self.hub.handle(event, &facts) {
            let id = update.row.id.0;
            let way = if slot == Slot::Bypass { "at once" } else { "in its queue" };
            let _ = writeln!(self.trace, "  {id} {way}: {}", shown(&action, &update));
            self.slots.insert(id, slot);
            started.push(id);
        }
        if self.hub.is_drained() {
            self.trace.push_str("  drained\n");
        }
        started
    }
}

fn shown(action: &Action<Entry>, update: &JoinedUpdate) -> String {
    let call = |call: &Call<Entry>| format!("{} {:?}", call.command.name, call.invocation.args);
    match action {
        Action::Call(one) => format!("call {}", call(one)),
        Action::Press(Ok(one)) => format!("press {}", call(one)),
        Action::Press(Err(answer)) => format!("press, or answer: {}", answer.text()),
        Action::Prompt => format!("prompt: {}", update.row.update.what.text()),
        Action::Edit(text) => format!("edit: {text}"),
        Action::Reply(answer) => format!("answer: {}", answer.text()),
        Action::DropWithoutAccess => "drop, no access".to_owned(),
        Action::DropStale => "drop, stale".to_owned(),
        Action::DropExcess => "drop, too many".to_owned(),
    }
}
