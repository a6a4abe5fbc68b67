//! Tests the hub with scripts, one step per line, and traces of its dispatches.

use std::{collections::BTreeMap, fmt::Write as _};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{
    agent::PromptId,
    chat::{ButtonAction, InboxId, InboxState, MessagePart, Origin, Update},
    route::tests::{Entry, Table, table},
    types::Caller,
};

/// Runs the script against a hub and compares the trace.
///
/// `ann 1: TEXT` is a text of ann in place 1, `ann 1 press: TEXT` a button press, `ann 1 edit: TEXT` an edit, `ann 1 part:
/// TEXT` a part of a longer text, `ann 1 photo` a photo. `ok ID` ends the handling of an update. All people but `eve` have
/// access.
fn check(script: &str, trace: &Expect) {
    let mut runner = Runner::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(runner.trace, "{line}");
        runner.step(line);
    }
    trace.assert_eq(&runner.trace);
}

struct Runner {
    hub: Hub,
    commands: Table,
    roles: BTreeMap<String, Role>,
    now: Timestamp,
    last: i64,
    slots: BTreeMap<i64, Slot>,
    trace: String,
}

impl Runner {
    fn new() -> Self {
        let roles = ["ann", "bob"].map(|name| (name.to_owned(), Role::Member)).into();
        let (hub, commands, now) = (Hub::default(), table(), Timestamp(1_000_000));
        Self { hub, commands, roles, now, last: 0, slots: BTreeMap::new(), trace: String::new() }
    }

    fn step(&mut self, line: &str) {
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
            "close" => HubEvent::Closed,
            "restore" => HubEvent::Restored(vec![self.row(rest)]),
            "remove" => return self.roles.retain(|name, _| name != rest),
            "unplug" => return self.commands.0.retain(|command| command.name != rest),
            _ => HubEvent::Accepted(vec![self.row(line)]),
        };
        self.handle(event);
    }

    fn row(&mut self, line: &str) -> InboxRow {
        self.last += 1;
        let (head, text) = line.split_once(": ").unwrap_or((line, ""));
        let mut words = head.split(' ');
        let (who, place) = (words.next().expect("a name"), words.next().expect("a place"));
        let text = text.to_owned();
        let mut part = MessagePart::Alone;
        let what = match words.next() {
            None => UpdateKind::Text(text),
            Some("edit") => UpdateKind::Edited(text),
            Some("photo") => UpdateKind::NotText { kind: "photo".to_owned(), caption: None },
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
        let origin = Origin { part, ..Origin::default() };
        let (place, at, key) = (Place::new("test", place), self.now, self.last.to_string());
        let update = Update { key: key.clone(), caller, place, what, at, locale: None, origin };
        InboxRow { id: InboxId(self.last), update, state: InboxState::New, prompt: PromptId(key), at }
    }

    fn handle(&mut self, event: HubEvent) -> Vec<i64> {
        let roles = self.roles.clone();
        let role = |id: &UserId| roles.get(&id.0).copied();
        let patience = Duration::from_millis(300);
        let facts = HubFacts { now: self.now, patience, commands: &self.commands, role: &role };
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
    }
}

#[test]
fn updates_of_a_place_are_handled_in_order() {
    check(
        "
        ann 1: /remind 1h
        bob 1: hello
        ann 1: /remind 2h
        bob 2: another place
        ok 1
        ok 2
        ok 3
        ann 1: again
        ",
        &expect![[r#"
            ann 1: /remind 1h
              1 in its queue: call remind ["1h"]
            bob 1: hello
            ann 1: /remind 2h
            bob 2: another place
              4 in its queue: prompt: another place
            ok 1
              2 in its queue: prompt: hello
            ok 2
              3 in its queue: call remind ["2h"]
            ok 3
            ann 1: again
              5 in its queue: prompt: again
        "#]],
    );
}

#[test]
fn immediate_commands_overtake_the_queue() {
    check(
        "
        ann 1: /remind 1h
        ann 1: waits
        ann 1: /stop all
        ann 1 press: /stop
        ann 1 edit: waits longer
        ok 3
        ok 1
        ",
        &expect![[r#"
            ann 1: /remind 1h
              1 in its queue: call remind ["1h"]
            ann 1: waits
            ann 1: /stop all
              3 at once: call stop ["all"]
            ann 1 press: /stop
              4 at once: press stop []
            ann 1 edit: waits longer
              5 at once: edit: waits longer
            ok 3
            ok 1
              2 in its queue: prompt: waits
        "#]],
    );
}

#[test]
fn immediate_commands_follow_the_prompts_before_them() {
    check(
        "
        ann 1: first
        ann 1: second
        ann 1: /stop all
        ok 1
        ok 2
        ok 3
        ann 1: third
        ann 1: /remind 1h
        ann 1: /stop
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: second
            ann 1: /stop all
            ok 1
              2 in its queue: prompt: second
            ok 2
              3 in its queue: call stop ["all"]
            ok 3
            ann 1: third
              4 in its queue: prompt: third
            ann 1: /remind 1h
            ann 1: /stop
              6 at once: call stop []
        "#]],
    );
}

#[test]
fn updates_without_a_plugin_or_a_session_are_answered() {
    check(
        "
        ann 1: /remnid
        ann 2: /plugins
        ann 3 photo
        eve 4: hello
        ",
        &expect![[r#"
            ann 1: /remnid
              1 in its queue: answer: Unknown command /remnid. Did you mean /remind?
            ann 2: /plugins
              2 in its queue: answer: /plugins is for admins only.
            ann 3 photo
              3 in its queue: answer: Only text for now
            eve 4: hello
              4 in its queue: drop, no access
        "#]],
    );
}

#[test]
fn access_and_commands_are_checked_when_an_update_starts() {
    check(
        "
        ann 1: first
        ann 1: /remind 1h
        bob 1: /remind 2h
        unplug remind
        ok 1
        remove bob
        ok 2
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: /remind 1h
            bob 1: /remind 2h
            unplug remind
            ok 1
              2 in its queue: answer: Unknown command /remind. Use /help to list the commands.
            remove bob
            ok 2
              3 in its queue: drop, no access
        "#]],
    );
}

#[test]
fn a_button_press_calls_its_command() {
    check(
        "
        ann 1 press: /remind 1h
        ann 2 press: /remnid
        ann 3 press: no command
        ",
        &expect![[r#"
            ann 1 press: /remind 1h
              1 in its queue: press remind ["1h"]
            ann 2 press: /remnid
              2 in its queue: press, or answer: Unknown command /remnid. Did you mean /remind?
            ann 3 press: no command
              3 in its queue: press, or answer: This button no longer works. Type the command to use it.
        "#]],
    );
}

#[test]
fn parts_of_a_text_are_joined_and_parsed_once() {
    check(
        "
        ann 1 part: /remind 1h
        ann 1 part: and more
        wait 299
        wait 1
        ",
        &expect![[r#"
            ann 1 part: /remind 1h
            ann 1 part: and more
            wait 299
            wait 1
              1 in its queue: call remind ["1h|and", "more"]
        "#]],
    );
}

#[test]
fn immediate_commands_of_the_previous_run_are_dropped() {
    check(
        "
        restore ann 1: /stop
        restore ann 1: hello
        restore ann 1: /remind 1h
        ok 2
        ",
        &expect![[r#"
            restore ann 1: /stop
              1 at once: drop, stale
            restore ann 1: hello
              2 in its queue: prompt: hello
            restore ann 1: /remind 1h
            ok 2
              3 in its queue: call remind ["1h"]
        "#]],
    );
}

#[test]
fn a_closed_hub_drains() {
    check(
        "
        ann 1: first
        ann 1: second
        bob 2 part: long
        close
        ok 1
        ok 3
        ok 2
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: second
            bob 2 part: long
            close
              3 in its queue: prompt: long
            ok 1
              2 in its queue: prompt: second
            ok 3
            ok 2
              drained
        "#]],
    );
}

#[test]
fn a_full_queue_refuses_further_updates() {
    let mut runner = Runner::new();
    for _ in 0..=QUEUE {
        runner.step("ann 1: hello");
    }
    runner.trace.clear();
    runner.step("ann 1: one too many");
    runner.step("ann 2: elsewhere");
    runner.step("ok 1");
    runner.step("ann 1: room again");
    expect![[r#"
          10002 at once: answer: Not accepted: too many messages are waiting here. Send it again in a moment.
        “one too many”
          10003 in its queue: prompt: elsewhere
          2 in its queue: prompt: hello
    "#]]
    .assert_eq(&runner.trace);
}

proptest! {
    /// In any order of arrivals and ends, the updates of a place start in order, once each and one at a time.
    #[test]
    fn updates_start_once_and_in_order(steps in prop::collection::vec((any::<bool>(), 0_i64..3), 0..60)) {
        let mut runner = Runner::new();
        let (mut accepted, mut started, mut running) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut places: BTreeMap<i64, i64> = BTreeMap::new();
        for (arrives, place) in steps {
            let event = if arrives {
                let row = runner.row(&format!("ann {place}: hello"));
                places.insert(row.id.0, place);
                accepted.entry(place).or_insert_with(Vec::new).push(row.id.0);
                HubEvent::Accepted(vec![row])
            } else {
                let Some(id) = running.remove(&place) else { continue };
                HubEvent::Finished(runner.slots.remove(&id).unwrap())
            };
            for id in runner.handle(event) {
                let place = places[&id];
                prop_assert_eq!(running.insert(place, id), None, "two at a time");
                started.entry(place).or_insert_with(Vec::new).push(id);
            }
        }
        while let Some((_, id)) = running.pop_first() {
            let slot = runner.slots.remove(&id).unwrap();
            for id in runner.handle(HubEvent::Finished(slot)) {
                running.insert(places[&id], id);
                started.entry(places[&id]).or_insert_with(Vec::new).push(id);
            }
        }
        prop_assert_eq!(started, accepted);
        prop_assert!(runner.hub.queues.is_empty());
    }
}
