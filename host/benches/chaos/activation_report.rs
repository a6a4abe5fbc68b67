//! Prints the results of the activations, and decides whether something happened that may never happen.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use super::{
    activations::Outcome,
    load::{Answered, Answers},
    resource_use::ResourceUse,
    stream::WrongLines,
    table::{Spans, spell},
};

/// A call that takes longer is slow.
const SLOW: Duration = Duration::from_secs(1);

/// The allowed growth of each resource after the first tenth of the activations, in the order of
/// [`ResourceUse::rows`]. Each leaked version would add 0.3 MB and five mappings. The pool keeps the memory of a hundred
/// ended calls: until it is full, the mappings grow too. Threads for blocking work come and go.
const GROWTH: [u64; 5] = [16, 300, 20, 20, 20];

pub struct Report {
    outcome: Outcome,
    /// The descriptions of everything that may never happen.
    faults: Vec<String>,
}

impl Report {
    pub fn new(outcome: Outcome) -> Self {
        let mut faults = Vec::new();
        for (what, answers) in rows(&outcome) {
            let lost = answers.lost;
            if lost > 0 {
                faults.push(format!("{what}: {lost} without an answer"));
            }
            faults.extend(answers.wrong.iter().map(|text| format!("{what}: unexpected text {text:?}")));
        }
        let Outcome { planned, activations, turns, activated, agents, .. } = &outcome;
        if turns.wrong_lines != WrongLines::default() {
            faults.push(format!("lines of the stream: {}", turns.wrong_lines));
        }
        let seen = activations.times.len();
        if seen != *planned || *activated != seen {
            faults.push(format!("{planned} versions were saved, {activated} activated, and {seen} answered"));
        }
        let [before, after] = agents;
        if before != after {
            faults.push(format!("the agents changed from {before:?} to {after:?}"));
        }
        if let [_, (_, early), .., (_, last)] = &activations.resources[..] {
            faults.extend(growth(early, last));
        }
        Self { outcome, faults }
    }

    pub fn has_failed(&self) -> bool {
        !self.faults.is_empty()
    }

    pub fn print(&self, took: Duration) {
        let Outcome { activations, turns, .. } = &self.outcome;
        println!("| answers | without activations | with activations | lost | wrong | slow |");
        println!("|---|---|---|---|---|---|");
        for (what, answers) in rows(&self.outcome) {
            print_row(what, answers, &activations.breaks);
        }
        print_resources(&activations.resources);
        println!("\nTimes are p50 / p99 of the number of answers. Slow answers took more than {}.", spell(SLOW));
        println!("File replaced → first call of the new version: {}.", summary(&activations.times));
        println!(
            "The agent wrote {} lines, which the chat showed in {} frames; {}. The run took {} s.",
            turns.lines,
            turns.frames,
            turns.wrong_lines,
            took.as_secs()
        );
        self.faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    }
}

fn rows(outcome: &Outcome) -> [(&'static str, &Answers); 3] {
    [
        ("calls of another plugin", &outcome.counts),
        ("calls of the replaced plugin", &outcome.activations.answers),
        ("turns of an agent, less its own time", &outcome.turns.answers),
    ]
}

/// Prints the times of the answers within breaks, and those of all others.
fn print_row(what: &str, answers: &Answers, breaks: &[Range<Instant>]) {
    let is_in = |answer: &&Answered| {
        breaks.iter().any(|range| range.contains(&answer.asked) && range.contains(&answer.answered))
    };
    let (without, with): (Vec<_>, Vec<_>) = answers.times.iter().partition(is_in);
    let [without, with] =
        [without, with].map(|answers| answers.into_iter().map(|answer| answer.took).collect::<Vec<_>>());
    let slow = with.iter().filter(|time| **time > SLOW).count();
    let (lost, wrong) = (answers.lost, answers.wrong.len());
    println!("| {what} | {} | {} | {lost} | {wrong} | {slow} |", summary(&without), summary(&with));
}

fn summary(times: &[Duration]) -> String {
    match times.iter().max() {
        Some(longest) => format!("{}, max {}", Spans::new(times.to_vec()), spell(*longest)),
        None => "none".to_owned(),
    }
}

/// Prints a row for each resource, with a column for each number of activations.
fn print_resources(resources: &[(usize, ResourceUse)]) {
    let heads: Vec<String> = resources.iter().map(|(count, _)| format!("after {count}")).collect();
    println!("\n| resources | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    let columns: Vec<_> = resources.iter().map(|(_, used)| used.rows()).collect();
    for (at, (name, _)) in columns[0].into_iter().enumerate() {
        let values: Vec<String> = columns.iter().map(|rows| rows[at].1.to_string()).collect();
        println!("| {name} | {} |", values.join(" | "));
    }
}

/// Returns the descriptions of the resources that have grown more than allowed.
fn growth(early: &ResourceUse, last: &ResourceUse) -> Vec<String> {
    let rows = early.rows().into_iter().zip(last.rows()).zip(GROWTH);
    let grown = rows.filter(|(((_, early), (_, last)), allowed)| *last > early + allowed);
    grown.map(|(((name, early), (_, last)), _)| format!("{name} grew from {early} to {last}")).collect()
}
