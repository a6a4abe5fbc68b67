//! Measures the host's latency between users and agents: until a question is shown, until the agent reads the decision,
//! until `/stop` reaches the agent, and until a resumed agent reads its prompt.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    fake_agent, runtime,
    table::{Row, Spans, spell},
    wired_host::WiredHost,
};

const TURNS: usize = 100;

/// The number of agent starts with the host, and then without it. Lower than [`TURNS`], because a start takes longer
/// than a turn.
const RESUMES: usize = 30;

pub fn measure() -> Vec<Row> {
    let (asked, decided) = runtime().block_on(questions());
    let stopped = runtime().block_on(stops());
    let resumed = runtime().block_on(resumes());
    let spawned = spawns();
    let share = resumed.p50().saturating_sub(spawned.p50());
    let figure = Duration::from_millis(10);
    vec![
        Row::at_most("agent asks for permission → chat gets the question", &asked, Duration::from_millis(5)),
        Row::at_most("user allows it → agent reads the decision", &decided, Duration::from_millis(2)),
        Row::at_most("user sends /stop → agent reads the interrupt", &stopped, Duration::from_millis(2)),
        Row {
            what: "message to a suspended session → agent reads it, without the start of the agent",
            measured: format!("{}, the difference of the next two rows", spell(share)),
            figure: format!("p50 ≤ {}", spell(figure)),
            reached: share <= figure,
        },
        Row::floor("the same with the start of the agent", &resumed),
        Row::floor("the same command started without the host → it reads a line", &spawned),
    ]
}

/// Returns the times until a question is shown and until the agent receives the decision.
async fn questions() -> (Spans, Spans) {
    let mut host = WiredHost::new(0).await;
    host.answer("/new bench").await;
    let (mut asked, mut decided, mut allowed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        host.typed(fake_agent::ASK).await;
        // The host runs in this process, so the benchmark receives the post as soon as the host shows it.
        let (written, shown) = (newer_time(&mut host, allowed).await, fake_agent::now());
        asked.push(since(written, shown));
        allowed = fake_agent::now();
        host.typed("/allow").await;
        decided.push(since(allowed, newer_time(&mut host, allowed).await));
    }
    (Spans::new(asked), Spans::new(decided))
}

/// Returns the times until the agent receives `/stop`'s interrupt.
async fn stops() -> Spans {
    let mut host = WiredHost::new(0).await;
    host.answer("/new bench").await;
    let mut spans = Vec::new();
    for _ in 0..TURNS {
        host.typed(fake_agent::WAIT).await;
        host.frame("begun").await;
        let stopped = fake_agent::now();
        host.typed("/stop").await;
        spans.push(since(stopped, newer_time(&mut host, stopped).await));
    }
    Spans::new(spans)
}

/// Returns the times until a suspended session's new agent process receives its first prompt.
async fn resumes() -> Spans {
    let mut host = WiredHost::new(0).await;
    host.answer("/new bench").await;
    let mut spans = Vec::new();
    for _ in 0..RESUMES {
        let typed = fake_agent::now();
        host.typed("go on").await;
        spans.push(since(typed, newer_time(&mut host, typed).await));
        host.typed("/suspend").await;
        host.post(|_, _| {}).await;
        // Let the process and its descendants exit first, so that the next start doesn't wait for them.
        sleep(Duration::from_millis(500)).await;
    }
    // The first start isn't a resume.
    Spans::new(spans.split_off(1))
}

/// Starts the fake agent without the host. Returns the times until it receives a prompt.
fn spawns() -> Spans {
    let spawn = || {
        let began = fake_agent::now();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(fake_agent::ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", json!({ "type": "user", "uuid": "a", "message": { "content": "go on" } })).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The result's text is the time when the agent read the prompt.
        let result = lines.filter_map(|line| times(&line).next().filter(|_| line.contains("\"result\""))).next();
        drop(stdin);
        child.wait().unwrap();
        since(began, result.unwrap())
    };
    Spans::new((0..RESUMES).map(|_| spawn()).collect())
}

/// Waits for a post that contains a time later than `after`, and returns the last time in the post.
async fn newer_time(host: &mut WiredHost, after: u128) -> u128 {
    loop {
        let post = host.post(|_, _| {}).await;
        if let Some(time) = times(&post.text).filter(|time| *time > after).last() {
            return time;
        }
    }
}

fn since(began: u128, ended: u128) -> Duration {
    Duration::from_nanos(u64::try_from(ended.saturating_sub(began)).unwrap())
}

/// Returns the times in a text, in nanoseconds since 1970.
pub fn times(text: &str) -> impl Iterator<Item = u128> {
    // A time has 19 digits; a process id or a request id has fewer.
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| digits.len() >= 19)
        .filter_map(|digits| digits.parse().ok())
}
