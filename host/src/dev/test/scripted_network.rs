//! A conversation's fake network: answers as declared by the `@http` and `@tcp` lines, and records the HTTP requests.
//! Requests and connections to any other address fail with an error that names the missing directive.

use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cordboard_core::config::parse_duration;
use cordboard_runtime::{FakeNetwork, FakeNetworkError, HttpRequest, HttpResponse};

use super::step_error::StepError;
use crate::dev::recorded_action::RecordedAction;

#[derive(Default)]
pub struct ScriptedNetwork(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The responses, most recently declared first, because later lines override earlier ones.
    responses: Vec<ScriptedResponse>,
    ports: Vec<(String, Option<Duration>)>,
    requests: Vec<RecordedAction>,
}

struct ScriptedResponse {
    method: String,
    /// An address. A `*` at its end matches every address with this prefix.
    url: String,
    /// `None` means that the address is unreachable.
    answer: Option<HttpResponse>,
}

/// The word for an unreachable address.
const DOWN: &str = "down";

impl ScriptedNetwork {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a response: `METHOD URL STATUS BODY`, `METHOD URL STATUS <FILE` or `METHOD URL down`.
    pub fn add_http(&self, words: &str, folder: &Path) -> Result<(), StepError> {
        let usage = || StepError::Usage("@http METHOD URL STATUS BODY, STATUS <FILE, or down instead of both");
        let (method, rest) = words.split_once(' ').ok_or_else(usage)?;
        let (url, rest) = rest.trim_start().split_once(' ').ok_or_else(usage)?;
        let (status, body) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let answer =
            if status == DOWN { None } else { Some(answer(status.parse().map_err(|_| usage())?, body, folder)?) };
        self.inner().responses.insert(0, ScriptedResponse { method: method.to_owned(), url: url.to_owned(), answer });
        Ok(())
    }

    /// Adds a port: `HOST:PORT SPAN` or `HOST:PORT down`.
    pub fn add_tcp(&self, words: &str) -> Result<(), StepError> {
        let usage = || StepError::Usage("@tcp HOST:PORT and a time such as 12ms, or down");
        let (port, span) = words.split_once(' ').ok_or_else(usage)?;
        let time = if span.trim() == DOWN { None } else { Some(milliseconds(span.trim()).ok_or_else(usage)?) };
        self.inner().ports.insert(0, (port.to_owned(), time));
        Ok(())
    }

    pub fn take_requests(&self) -> Vec<RecordedAction> {
        std::mem::take(&mut self.inner().requests)
    }
}

fn milliseconds(span: &str) -> Option<Duration> {
    let short = span.strip_suffix("ms").and_then(|number| number.parse().ok()).map(Duration::from_millis);
    short.or_else(|| parse_duration(span))
}

fn answer(status: u16, body: &str, folder: &Path) -> Result<HttpResponse, StepError> {
    let body = match body.strip_prefix('<') {
        Some(file) => {
            let path = folder.join(file.trim());
            fs::read(&path).map_err(|source| StepError::File { path, source })?
        }
        None => body.as_bytes().to_vec(),
    };
    let is_json = body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[");
    let media_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    Ok(HttpResponse { status, media_type: media_type.to_owned(), body })
}

impl ScriptedResponse {
    fn is_for(&self, request: &HttpRequest) -> bool {
        let is_url = match self.url.strip_suffix('*') {
            Some(beginning) => request.url.starts_with(beginning),
            None => request.url == self.url,
        };
        is_url && self.method.eq_ignore_ascii_case(&request.method)
    }
}

impl FakeNetwork for ScriptedNetwork {
    fn request(&self, request: &HttpRequest) -> Result<HttpResponse, FakeNetworkError> {
        let mut inner = self.inner();
        let what = format!("{} {}", request.method, request.url);
        let answer = match inner.responses.iter().find(|response| response.is_for(request)) {
            Some(response) => response.answer.clone().ok_or_else(|| FakeNetworkError::Down(request.url.clone())),
            None => Err(FakeNetworkError::NotDeclared(format!("@http {what}"))),
        };
        inner.requests.push(RecordedAction::Requested(
            what,
            answer.as_ref().map(|answer| answer.status).map_err(ToString::to_string),
        ));
        answer
    }

    fn connect(&self, host: &str, port: u16) -> Result<Duration, FakeNetworkError> {
        let at = format!("{host}:{port}");
        let inner = self.inner();
        match inner.ports.iter().find(|(known, _)| *known == at) {
            Some((_, time)) => time.ok_or(FakeNetworkError::Down(at)),
            None => Err(FakeNetworkError::NotDeclared(format!("@tcp {at}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripted_requests_are_answered_and_others_fail() {
        let network = ScriptedNetwork::default();
        let ask = |url: &str| network.request(&HttpRequest { method: "GET".into(), url: url.into(), body: Vec::new() });
        for words in ["GET https://hub/a* 200 {\"a\": 1}", "GET https://hub/ab 401 no", "get https://hub/c down"] {
            network.add_http(words, Path::new("")).expect("valid input");
        }
        assert_eq!(ask("https://hub/ax").expect("there").media_type, "application/json");
        assert_eq!(ask("https://hub/ab").map(|answer| answer.status), Ok(401));
        assert_eq!(ask("https://hub/c"), Err(FakeNetworkError::Down("https://hub/c".to_owned())));
        assert_eq!(ask("https://hub/b"), Err(FakeNetworkError::NotDeclared("@http GET https://hub/b".to_owned())));
        assert_eq!(network.take_requests().len(), 4);
        assert!(network.add_http("GET https://hub", Path::new("")).is_err());
        network.add_tcp("nas:22 12ms").expect("valid input");
        assert_eq!(network.connect("nas", 22), Ok(Duration::from_millis(12)));
    }
}
