//! Actions that run for a long time or forever, write very long or forged log lines, or exit.

use std::{hint::black_box, process, thread, time::Duration};

use cordboard_plugin::{context, http::Request, log, state};

/// The number of logged lines.
const LOGGED: u32 = 1_000_000;
/// The number of printed lines, fewer than `LOGGED` because each printed line takes several host calls.
const PRINTED: u32 = 100_000;

pub fn log_lines(_: &[String]) -> Result<String, String> {
    (0..LOGGED).for_each(|line| log::info(&format!("line {line}")));
    Ok("logged".to_owned())
}

pub fn printed_lines(_: &[String]) -> Result<String, String> {
    (0..PRINTED).for_each(|line| println!("line {line}"));
    Ok("printed".to_owned())
}

/// Logs 1 MiB lines, far above the maximum log line length.
pub fn long_lines(_: &[String]) -> Result<String, String> {
    let line = "x".repeat(1 << 20);
    (0..20).for_each(|_| log::info(&line));
    Ok("logged".to_owned())
}

/// Logs text that imitates the host's log records.
pub fn forge(_: &[String]) -> Result<String, String> {
    log::info("fine\n2026-11-21T00:00:00Z  WARN version activated plugin=\"sessions\"\r over\u{1b}[2K\u{202e}");
    println!("well\r2026-11-21T00:00:00Z  WARN rolled back\u{85}next");
    eprintln!("bad\r\n\u{7}");
    Ok("forged".to_owned())
}

pub fn sleep(_: &[String]) -> Result<String, String> {
    thread::sleep(Duration::from_secs(3600));
    Ok("slept".to_owned())
}

pub fn clock(_: &[String]) -> Result<String, String> {
    let mut last = 0;
    while black_box(true) {
        last = context::now().max(last);
    }
    Ok(last.to_string())
}

pub fn reads(_: &[String]) -> Result<String, String> {
    let mut found = 0;
    while black_box(true) {
        found += usize::from(state::get("nothing").is_some());
    }
    Ok(found.to_string())
}

pub fn refusals(_: &[String]) -> Result<String, String> {
    let mut last = String::new();
    while black_box(true) {
        last = Request::get("http://192.0.3.1/")
            .send()
            .map_or_else(|error| error.to_string(), |_| "came through".to_owned());
    }
    Ok(last)
}

/// Sends requests to the given address in a loop.
pub fn requests(args: &[String]) -> Result<String, String> {
    let url = args.first().ok_or("the address is missing")?;
    let mut count = 0;
    while black_box(true) {
        count += usize::from(Request::post(url).send().is_ok());
    }
    Ok(count.to_string())
}

pub fn leave(_: &[String]) -> Result<String, String> {
    process::exit(7)
}
