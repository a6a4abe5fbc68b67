//! Tests the plan and the oracle of `cargo xtask chaos`: a seed always gives the same plan, and the oracle detects each
//! kind of violation.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use cordboard_failpoints::Failpoint;

#[path = "../benches/chaos/oracle.rs"]
#[expect(dead_code, reason = "shared with the chaos test, which uses more of it")]
mod oracle;
#[path = "../benches/chaos/plan.rs"]
#[expect(dead_code, reason = "shared with the chaos test, which uses more of it")]
mod plan;
#[path = "../benches/chaos/stream.rs"]
mod stream;

use oracle::{Allowed, Record, SendCall, SendOutcome, Verdict, Violation};
use plan::{CHATS, Delivery, Faults, Injected, Kill, Kind, Message, Plan, PluginChange};
use stream::{AnswerLines, WrongLines};

#[test]
fn a_seed_repeats_its_plan() {
    let rounds = |seed| Plan::new(seed, 100).rounds;
    assert_eq!(rounds(7), rounds(7));
    assert_ne!(rounds(7), rounds(8));
}

#[test]
fn a_plan_covers_every_failpoint_and_every_kind_of_delivery() {
    let rounds = Plan::new(1, 50).rounds;
    let points: BTreeSet<_> = rounds.iter().filter_map(|round| point(round.kill)).collect();
    assert_eq!(points, BTreeSet::from(Failpoint::ALL));
    assert_eq!(rounds.iter().filter(|round| point(round.kill).is_none()).count(), 25);
    assert!(rounds.iter().any(|round| round.plugin == PluginChange::Replaced));
    let arrivals = || rounds.iter().flat_map(|round| &round.arrivals);
    for delivery in [Delivery::InOrder, Delivery::IdsOutOfOrder, Delivery::Duplicate] {
        assert!(arrivals().any(|arrival| arrival.delivery == delivery), "{delivery:?}");
    }
    let messages: Vec<&Message> = arrivals().flat_map(|arrival| &arrival.messages).collect();
    assert!(messages.iter().map(|message| message.number).eq(1..=messages.len() as u64));
    assert!(messages.iter().any(|message| message.kind == Kind::Command));
    let chats: BTreeSet<i64> = messages.iter().map(|message| message.chat).collect();
    assert_eq!(chats, CHATS.collect());
    for round in &rounds {
        assert!(round.arrivals.is_sorted_by_key(|arrival| arrival.delay));
        assert_eq!(round.arrivals.iter().filter(|arrival| arrival.delay.is_none()).count(), 1);
    }
}

fn point(kill: Kill) -> Option<Failpoint> {
    match kill {
        Kill::At { point, .. } => Some(point),
        Kill::After(_) => None,
    }
}

#[test]
fn failing_calls_repeat_and_cover_every_failure() {
    let failures = |seed| {
        let mut faults = Faults::new(seed);
        (0..1000).map(|_| faults.next("sendmessage")).collect::<Vec<_>>()
    };
    assert_eq!(failures(Plan::new(3, 1).rounds[0].faults), failures(Plan::new(3, 1).rounds[0].faults));
    let found: BTreeSet<Injected> = failures(1).into_iter().flatten().collect();
    let sends = [
        Injected::RateLimit,
        Injected::ServerError,
        Injected::ResetBefore,
        Injected::ResetAfter,
        Injected::LostResponse,
    ];
    assert_eq!(found, BTreeSet::from(sends));
    let count = failures(1).into_iter().flatten().count();
    assert!((50..250).contains(&count), "{count} of 1000 calls fail");
    assert!((0..100).all(|_| Faults::new(1).next("getme").is_none()));
}

/// Two prompts and a command in chat 1, answered in run 1.
fn answered() -> Record {
    let mut record = Record::default();
    let prompt = Kind::Prompt { work: Duration::from_millis(5) };
    for (number, kind) in [(1, prompt), (2, Kind::Command), (3, prompt)] {
        record.messages.push((1, Message { number, chat: 1, kind }));
    }
    record.prompts = vec![1, 3];
    show(&mut record, 10, &answer(1));
    show(&mut record, 11, "v1: 2");
    show(&mut record, 12, &answer(3));
    record
}

fn answer(number: u64) -> String {
    format!("answer {number} begins, answer {number} done")
}

fn report(number: u64) -> String {
    format!("Cordboard was stopped while session 'a' was answering “prompt {number} takes 5 ms”.")
}

/// Shows a message that the host sent in run 1, and got the response for.
fn show(record: &mut Record, id: i64, text: &str) {
    record.shown.insert((1, id), text.to_owned());
    record.sends.push(SendCall { run: 1, chat: 1, text: text.to_owned(), outcome: SendOutcome::Taken });
}

fn judge(record: &Record) -> Verdict {
    record.judge(&HashSet::from([2]))
}

fn violations(record: &Record) -> Vec<(Violation, usize, Option<u64>)> {
    judge(record).violations
}

#[test]
fn answers_and_reports_break_no_promise() {
    let mut record = answered();
    let verdict = judge(&record);
    assert_eq!((verdict.violations, verdict.allowed, verdict.answered, verdict.reported), (vec![], vec![], 3, 0));
    record.shown.insert((1, 12), report(3));
    let verdict = judge(&record);
    assert_eq!((verdict.violations, verdict.answered, verdict.reported), (vec![], 2, 1));
    assert_eq!(oracle::missing(&record.messages, &record.shown), [0_u64; 0]);
}

#[test]
fn a_message_without_an_answer_is_lost() {
    let mut record = answered();
    record.shown.remove(&(1, 11));
    record.shown.insert((1, 12), "answer 3 begins, ".to_owned());
    assert_eq!(violations(&record), [(Violation::Lost, 1, Some(2)), (Violation::Lost, 1, Some(3))]);
    assert_eq!(oracle::missing(&record.messages, &record.shown), [2, 3]);
}

#[test]
fn a_second_copy_needs_an_excuse() {
    let mut record = answered();
    show(&mut record, 13, &answer(1));
    show(&mut record, 14, "v2: 2");
    assert_eq!(violations(&record), [(Violation::Twice, 1, Some(1)), (Violation::Twice, 1, Some(2))]);
    for lost in [0, 1] {
        record.sends[lost].outcome = SendOutcome::TakenWithoutResponse;
    }
    let verdict = judge(&record);
    assert_eq!((verdict.violations, verdict.allowed), (vec![], vec![(Allowed::Resent, 1); 2]));
    show(&mut record, 15, &answer(1));
    assert_eq!(violations(&record), [(Violation::Twice, 1, Some(1))], "one lost response excuses one copy");
}

#[test]
fn a_kill_excuses_only_the_last_message_of_each_chat() {
    let mut record = answered();
    for send in &mut record.sends {
        send.run = 2;
    }
    show(&mut record, 13, &answer(3));
    assert_eq!(violations(&record), []);
    show(&mut record, 14, &answer(1));
    assert_eq!(violations(&record), [(Violation::Twice, 1, Some(1))]);
    record.sends.iter_mut().for_each(|send| send.run = 1);
    assert_eq!(violations(&record).len(), 2, "nothing is excused if the host wasn't killed");
}

#[test]
fn a_message_is_not_both_answered_and_reported() {
    let mut record = answered();
    record.sends[2].outcome = SendOutcome::TakenWithoutResponse;
    show(&mut record, 13, &report(3));
    assert_eq!(violations(&record), [(Violation::Twice, 1, Some(3))]);
}

#[test]
fn a_repeated_prompt_is_found() {
    let mut record = answered();
    record.prompts.push(1);
    assert_eq!(violations(&record), [(Violation::PromptTwice, 1, Some(1))]);
}

#[test]
fn prompts_and_commands_have_separate_orders() {
    let mut record = answered();
    record.shown.remove(&(1, 11));
    record.shown.insert((1, 9), "v1: 2".to_owned());
    assert_eq!(violations(&record), [], "a command doesn't wait for the agent");
    record.shown.remove(&(1, 12));
    record.shown.insert((1, 8), answer(3));
    assert_eq!(violations(&record), [(Violation::OutOfOrder, 1, Some(3))]);
}

#[test]
fn only_partial_answers_without_a_mark_are_left() {
    let mut record = answered();
    record.shown.insert((1, 13), "answer 3 begins, ".to_owned());
    record.shown.insert((1, 14), "⚠ This answer was interrupted:\n\nanswer 3 begins, ".to_owned());
    let verdict = judge(&record);
    assert_eq!((verdict.violations, verdict.allowed), (vec![], vec![(Allowed::PartLeft, 1)]));
}

/// Returns an answer that shows these lines.
fn streamed(lines: &[u64]) -> String {
    let lines: String = lines.iter().map(|number| stream::line(*number)).collect();
    format!("answer 1 begins, {lines}answer 1 done")
}

/// Judges frames and then a complete answer, which should have three lines.
fn wrong_lines(frames: &[&[u64]], answer: &[u64]) -> WrongLines {
    let mut lines = AnswerLines::default();
    frames.iter().for_each(|frame| lines.add_frame(&streamed(frame)));
    lines.add_answer(&streamed(answer), 3);
    let mut sum = WrongLines::default();
    sum.add(lines.wrong);
    assert_eq!(lines.frames, frames.len());
    sum
}

#[test]
fn each_wrong_line_of_a_stream_is_counted() {
    let none = WrongLines::default();
    assert_eq!(wrong_lines(&[&[], &[1], &[1, 2, 3]], &[1, 2, 3]), none);
    assert_eq!(wrong_lines(&[], &[1, 3]), WrongLines { lost: 1, ..none });
    assert_eq!(wrong_lines(&[], &[1, 2]), WrongLines { lost: 1, ..none }, "the last line");
    assert_eq!(wrong_lines(&[&[1, 3]], &[1, 2, 3]), WrongLines { lost: 1, ..none }, "in a frame");
    assert_eq!(wrong_lines(&[], &[1, 2, 2, 3]), WrongLines { doubled: 1, ..none });
    assert_eq!(wrong_lines(&[], &[1, 3, 2]), WrongLines { disordered: 1, ..none });
    assert_eq!(wrong_lines(&[&[1, 2], &[1]], &[1, 2, 3]), WrongLines { withdrawn: 1, ..none });
}

#[test]
fn the_documentation_lists_the_failpoints() {
    let page = include_str!("../docs/proof.md");
    let section = page.split("\n### ").find(|section| section.starts_with("Failpoints\n")).expect("the section exists");
    let listed: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(listed, Failpoint::ALL.map(Failpoint::name));
}
