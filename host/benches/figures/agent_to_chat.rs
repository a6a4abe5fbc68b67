//! Measures how long a turn's first line takes from the agent's pipe to the chat, through the codec, session, presenter
//! and view plugin.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
    sync::mpsc,
};

use crate::{
    fake_agent, runtime,
    table::{Row, Spans, spell},
    wired_host::WiredHost,
};

const TURNS: usize = 200;

/// Measures the time from the agent's write until the host passes the frame to the chat. The moment when the host reads
/// the line can't be measured, so the latency of a bare pipe to a reader in the same runtime is subtracted.
pub fn measure() -> Vec<Row> {
    let (turns, pipe) = runtime().block_on(async { (turns().await, pipe().await) });
    let figure = Duration::from_micros(150);
    let from_reading = turns.p50().saturating_sub(pipe.p50());
    vec![
        Row {
            what: "host reads the first line of a turn → chat gets the frame, view included",
            measured: format!("{}, the difference of the next two rows", spell(from_reading)),
            figure: format!("p50 ≤ {}", spell(figure)),
            reached: from_reading <= figure,
        },
        Row::floor("the same from the agent's write", &turns),
        Row::floor("a bare pipe: a line written → read", &pipe),
    ]
}

/// Measures the time from writing a line until tokio's reader returns it.
async fn pipe() -> Spans {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(fake_agent::WRITER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (spans, mut measured) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let seen = fake_agent::now();
            let span = fake_agent::written(&line).map(|written| seen.saturating_sub(written)).unwrap();
            spans.send(Duration::from_nanos(u64::try_from(span).unwrap())).await.unwrap();
        }
    });
    let mut all = Vec::new();
    for _ in 0..TURNS {
        stdin.write_all(b"\n").await.unwrap();
        all.push(measured.recv().await.unwrap());
    }
    Spans::new(all)
}

async fn turns() -> Spans {
    let mut host = WiredHost::new(0).await;
    host.answer("/new bench").await;
    let mut spans = Vec::new();
    for _ in 0..TURNS {
        host.typed("go on").await;
        let mut first = None;
        host.post(|screen, at| {
            // The agent reports wall-clock time, so convert the frame's `Instant` to wall-clock time.
            let seen = fake_agent::now() - at.elapsed().as_nanos();
            let written = screen.messages.first().and_then(|message| message.text.parse::<u128>().ok());
            first = first.or(written.map(|written| seen.saturating_sub(written)));
        })
        .await;
        spans.extend(first.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos));
    }
    Spans::new(spans)
}
