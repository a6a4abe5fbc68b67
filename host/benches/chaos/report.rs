//! Prints the counts as a table with a row for each failpoint, one for the random kills, and one for the runs that
//! weren't killed.

use std::{collections::HashMap, time::Duration};

use cordboard_failpoints::Failpoint;

use super::{
    host::End,
    oracle::{Allowed, Verdict, Violation},
    plan::Kill,
    world::World,
};

/// The failpoint that ended a run of the host, or `None` for a kill at a random time.
type Row = Option<Failpoint>;

pub struct Report {
    seed: u64,
    rows: HashMap<usize, Row>,
    kills: HashMap<Row, Kills>,
}

#[derive(Clone, Copy, Default)]
struct Kills {
    all: usize,
    /// The runs that were killed before they reached their failpoint.
    missed: usize,
}

impl Report {
    pub fn new(seed: u64) -> Self {
        Self { seed, rows: HashMap::new(), kills: HashMap::new() }
    }

    pub fn add_run(&mut self, run: usize, kill: Kill, end: End) {
        let row = match kill {
            Kill::At { point, .. } => Some(point),
            Kill::After(_) => None,
        };
        self.rows.insert(run, row);
        let kills = self.kills.entry(row).or_default();
        kills.all += 1;
        kills.missed += usize::from(end == End::NotReached);
    }

    /// Returns whether a promise was broken, or a failpoint was never reached, so that nothing was tested there.
    pub fn has_failed(&self, verdict: &Verdict) -> bool {
        !verdict.violations.is_empty() || self.kills.values().any(|kills| kills.missed == kills.all)
    }

    pub fn print(&self, verdict: &Verdict, world: &World, took: Duration) {
        let names = Violation::ALL.iter().map(|(_, name)| *name).chain(Allowed::ALL.iter().map(|(_, name)| *name));
        let head: Vec<&str> = ["killed at", "kills", "missed"].into_iter().chain(names).collect();
        println!("| {} |", head.join(" | "));
        println!("|{}", "---|".repeat(head.len()));
        for row in Failpoint::ALL.into_iter().map(Some).chain([None]).filter(|row| self.kills.contains_key(row)) {
            let is_in = |run| self.rows.get(&run) == Some(&row);
            print_row(row.map_or("random", Failpoint::name), self.kills[&row], verdict, is_in);
        }
        print_row("no kill", Kills::default(), verdict, |run| !self.rows.contains_key(&run));
        let sum = |count: fn(&Kills) -> usize| self.kills.values().map(count).sum();
        print_row("all", Kills { all: sum(|kills| kills.all), missed: sum(|kills| kills.missed) }, verdict, |_| true);
        for (violation, run, number) in &verdict.violations {
            let killed = match self.rows.get(run) {
                Some(row) => format!("killed at {}", row.map_or("random", Failpoint::name)),
                None => "not killed".to_owned(),
            };
            let message = number.map_or(String::new(), |number| format!(", message {number}"));
            println!("{violation:?}: run {run}, {killed}{message}");
        }
        println!(
            "seed {}: {} messages, {} answered, {} reported; {} s; failed calls: {:?}",
            self.seed,
            world.messages(),
            verdict.answered,
            verdict.reported,
            took.as_secs(),
            world.injected(),
        );
    }
}

fn print_row(name: &str, kills: Kills, verdict: &Verdict, is_in: impl Fn(usize) -> bool) {
    let violations = Violation::ALL
        .iter()
        .map(|(kind, _)| verdict.violations.iter().filter(|(found, run, _)| found == kind && is_in(*run)).count());
    let allowed = Allowed::ALL
        .iter()
        .map(|(kind, _)| verdict.allowed.iter().filter(|(found, run)| found == kind && is_in(*run)).count());
    let counts = [kills.all, kills.missed].into_iter().chain(violations).chain(allowed);
    println!("| {name} | {} |", counts.map(|count| count.to_string()).collect::<Vec<_>>().join(" | "));
}
