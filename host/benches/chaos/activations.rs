//! Activates two versions of a plugin in turn, by replacing its file, while an agent streams and another plugin is
//! called. Records the answers, and the host's resources.

use std::{
    ops::Range,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    activation_report::Report,
    botapi::DEADLINE,
    host::{Home, Process},
    load::{self, Answers, Caller, Turns},
    resource_use::ResourceUse,
    telegram::Telegram,
};

/// The duration of a break, in which the load runs without activations, for comparison.
const BREAK: Duration = Duration::from_secs(5);

/// The number of activations after which there is a break. There is also one before the first and after the last
/// activation.
const ACTIVATIONS_BETWEEN_BREAKS: usize = 500;

/// The calls after which an activation counts as lost. It usually takes about 7 of them.
const CALLS_UNTIL_ACTIVE: usize = 500;

/// The chat of the session that streams.
const STREAM: i64 = 2;

/// The chat in which a user calls the plugin that isn't replaced.
const COUNT: i64 = 3;

/// The chat in which a user calls the replaced plugin. The notices about it go to the owner's chat.
const ECHO: i64 = 4;

/// The results of a run.
pub struct Outcome {
    /// The planned number of activations.
    pub planned: usize,
    pub activations: Activations,
    /// The answers of the plugin that isn't replaced.
    pub counts: Answers,
    pub turns: Turns,
    /// The versions that the host activated, as it counts them itself, in addition to the first one.
    pub activated: usize,
    /// The agents before the first activation and at the end. None of them may be replaced.
    pub agents: [Vec<Process>; 2],
}

pub struct Activations {
    /// The answers of the replaced plugin.
    pub answers: Answers,
    pub breaks: Vec<Range<Instant>>,
    /// The time from each replacement of the file until the first call of the new version began.
    pub times: Vec<Duration>,
    /// The resources before the first activation, after a tenth of them, and at the end, each with the number of
    /// activations.
    pub resources: Vec<(usize, ResourceUse)>,
}

pub async fn run(count: usize) -> ExitCode {
    let began = Instant::now();
    let telegram = Telegram::start().await;
    let mut home = Home::create(&telegram.api.url);
    home.add_plugin("counter");
    telegram.begin(1, None);
    let mut host = home.start(1, None);
    create_session(&telegram).await;
    let pid = host.id().expect("the host is running");
    let mut caller = Caller::new(&telegram, ECHO);
    // The host compiles both versions. From then on, it reads them from its cache.
    for _ in 0..2 {
        assert!(activate(&mut home, &mut caller).await.is_some(), "see {}", home.keep().display());
    }
    let (agents, over) = (home.agents(), AtomicBool::new(false));
    let alternate = async {
        let activations = alternate(&mut home, caller, pid, count).await;
        over.store(true, Ordering::Relaxed);
        activations
    };
    let (activations, counts, turns) =
        tokio::join!(alternate, load::count(&telegram, COUNT, &over), load::stream(&telegram, STREAM, &over));
    // The first generation and the two that were compiled don't count.
    let activated = home.generation("echo").saturating_sub(3);
    let agents = [agents, home.agents()];
    host.kill().await.unwrap();
    let report = Report::new(Outcome { planned: count, activations, counts, turns, activated, agents });
    report.print(began.elapsed());
    if report.has_failed() {
        eprintln!("the files and logs are in {}", home.keep().display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn create_session(telegram: &Telegram) {
    let mut shown = telegram.listen(STREAM);
    telegram.says(STREAM, "/new stream");
    let answer = timeout(DEADLINE, shown.recv()).await.expect("the host starts");
    assert_eq!(answer.unwrap().text, "Session 'stream' created.");
}

async fn alternate(home: &mut Home, mut caller: Caller<'_>, pid: u32, count: usize) -> Activations {
    let began = Instant::now();
    let mut breaks = vec![take_break(home, &mut caller).await];
    let (mut times, mut resources) = (Vec::new(), vec![(0, ResourceUse::of(pid))]);
    while times.len() < count
        && let Some(time) = activate(home, &mut caller).await
    {
        times.push(time);
        let done = times.len();
        if done == count / 10 || done == count {
            resources.push((done, ResourceUse::of(pid)));
        }
        if done.is_multiple_of(ACTIVATIONS_BETWEEN_BREAKS) || done == count {
            eprintln!("{done} of {count} activations, {} s", began.elapsed().as_secs());
            breaks.push(take_break(home, &mut caller).await);
        }
    }
    Activations { answers: caller.finish(), breaks, times, resources }
}

/// Calls the plugin without replacing it. Returns the duration of the break.
async fn take_break(home: &Home, caller: &mut Caller<'_>) -> Range<Instant> {
    let began = Instant::now();
    while began.elapsed() < BREAK {
        caller.call("/echo break", &[format!("{}: break", home.version())]).await;
    }
    began..Instant::now()
}

/// Replaces the plugin's file, and calls the plugin until the new version answers. Returns the time until that call
/// began, or `None` if the new version doesn't become active.
async fn activate(home: &mut Home, caller: &mut Caller<'_>) -> Option<Duration> {
    let before = home.version();
    home.replace_plugin();
    let after = home.version();
    let replaced = Instant::now();
    for number in 0..CALLS_UNTIL_ACTIVE {
        let began = replaced.elapsed();
        let expected = [after, before].map(|version| format!("{version}: {number}"));
        if caller.call(&format!("/echo {number}"), &expected).await == Some(0) {
            // The replaced version must not answer again.
            caller.call("/echo again", &[format!("{after}: again")]).await;
            return Some(began);
        }
    }
    None
}
