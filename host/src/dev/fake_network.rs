//! The network of a conversation: returns the responses in the file, and records the requests. All other addresses
//! are unreachable.

use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordboard_core::config::parse_duration;
use cordboard_runtime::{FakeNetwork, HttpRequest, HttpResponse};

use super::recorded_action::RecordedAction;

#[derive(Default)]
pub struct Far(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The latest page first, because later lines override earlier ones.
    pages: Vec<Page>,
    ports: Vec<(String, Option<Duration>)>,
    deeds: Vec<RecordedAction>,
}

struct Page {
    method: String,
    /// An address. A `*` at its end matches every address with this prefix.
    url: String,
    /// `None` means that the address is unreachable.
    answer: Option<HttpResponse>,
}

/// Marks an unreachable address.
const DOWN: &str = "down";

impl Far {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a response: `METHOD URL STATUS BODY`, `METHOD URL STATUS <FILE` or `METHOD URL down`.
    pub fn add_http(&self, words: &str, folder: &Path) -> Result<(), String> {
        let shape = || "write @http METHOD URL STATUS BODY, STATUS <FILE, or down instead of both".to_owned();
        let (method, rest) = words.split_once(' ').ok_or_else(shape)?;
        let (url, rest) = rest.trim_start().split_once(' ').ok_or_else(shape)?;
        let (status, body) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let answer =
            if status == DOWN { None } else { Some(answer(status.parse().map_err(|_| shape())?, body, folder)?) };
        self.inner().pages.insert(0, Page { method: method.to_owned(), url: url.to_owned(), answer });
        Ok(())
    }

    /// Adds a port: `HOST:PORT SPAN` or `HOST:PORT down`.
    pub fn add_tcp(&self, words: &str) -> Result<(), String> {
        let shape = || "write @tcp HOST:PORT and a time such as 12ms, or down".to_owned();
        let (port, span) = words.split_once(' ').ok_or_else(shape)?;
        let took = if span.trim() == DOWN { None } else { Some(milliseconds(span.trim()).ok_or_else(shape)?) };
        self.inner().ports.insert(0, (port.to_owned(), took));
        Ok(())
    }

    pub fn take_deeds(&self) -> Vec<RecordedAction> {
        std::mem::take(&mut self.inner().deeds)
    }
}

fn milliseconds(span: &str) -> Option<Duration> {
    let short = span.strip_suffix("ms").and_then(|number| number.parse().ok()).map(Duration::from_millis);
    short.or_else(|| parse_duration(span))
}

fn answer(status: u16, body: &str, folder: &Path) -> Result<HttpResponse, String> {
    let body = match body.strip_prefix('<') {
        Some(file) => {
            let path = folder.join(file.trim());
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => body.as_bytes().to_vec(),
    };
    let is_json = body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[");
    let media_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    Ok(HttpResponse { status, media_type: media_type.to_owned(), body })
}

impl Page {
    fn is_for(&self, errand: &HttpRequest) -> bool {
        let here = match self.url.strip_suffix('*') {
            Some(beginning) => errand.url.starts_with(beginning),
            None => errand.url == self.url,
        };
        here && self.method.eq_ignore_ascii_case(&errand.method)
    }
}

impl FakeNetwork for Far {
    fn request(&self, errand: &HttpRequest) -> Result<HttpResponse, String> {
        let mut inner = self.inner();
        let what = format!("{} {}", errand.method, errand.url);
        let answer = match inner.pages.iter().find(|page| page.is_for(errand)) {
            Some(page) => page.answer.clone().ok_or_else(|| format!("{} cannot be reached", errand.url)),
            None => Err(format!("the conversation has no @http {what}")),
        };
        inner
            .deeds
            .push(RecordedAction::Requested(what, answer.as_ref().map(|answer| answer.status).map_err(Clone::clone)));
        answer
    }

    fn connect(&self, host: &str, port: u16) -> Result<Duration, String> {
        let at = format!("{host}:{port}");
        let inner = self.inner();
        match inner.ports.iter().find(|(known, _)| *known == at) {
            Some((_, took)) => took.ok_or_else(|| format!("{at} cannot be reached")),
            None => Err(format!("the conversation has no @tcp {at}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripted_requests_are_answered_and_others_fail() {
        let far = Far::default();
        let ask = |url: &str| far.request(&HttpRequest { method: "GET".into(), url: url.into(), body: Vec::new() });
        for words in ["GET https://hub/a* 200 {\"a\": 1}", "GET https://hub/ab 401 no", "get https://hub/c down"] {
            far.add_http(words, Path::new("")).expect("valid input");
        }
        assert_eq!(ask("https://hub/ax").expect("there").media_type, "application/json");
        assert_eq!(ask("https://hub/ab").map(|answer| answer.status), Ok(401));
        assert_eq!(ask("https://hub/c"), Err("https://hub/c cannot be reached".to_owned()));
        assert_eq!(ask("https://hub/b"), Err("the conversation has no @http GET https://hub/b".to_owned()));
        assert_eq!(far.take_deeds().len(), 4);
        assert!(far.add_http("GET https://hub", Path::new("")).is_err());
        far.add_tcp("nas:22 12ms").expect("valid input");
        assert_eq!(far.connect("nas", 22), Ok(Duration::from_millis(12)));
    }
}
