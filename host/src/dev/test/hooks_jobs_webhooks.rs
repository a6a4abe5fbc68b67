//! Implements the directives for calls that aren't made by users: events, jobs, webhook requests, reviews, resume
//! notices and personas. The results of these calls are shown like replies.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    config::{format_duration, parse_size},
    event::{CausationChain, EventKind, SessionEvent},
    session::Verdict,
    types::{Authorship, Reply, SessionView},
};
use cordboard_runtime::{CallError, DueJob, HostApi, Load, WebRequest};

use super::{directives::forward, step_error::StepError, step_runner::StepRunner};
use crate::webhook::{self, METHODS};

const KINDS: [EventKind; 12] = [
    EventKind::HostStarted,
    EventKind::Created,
    EventKind::Started,
    EventKind::Resumed,
    EventKind::TurnStarted,
    EventKind::TurnFinished,
    EventKind::Suspended,
    EventKind::Asking,
    EventKind::Broken,
    EventKind::Archived,
    EventKind::Restored,
    EventKind::Renamed,
];

impl StepRunner {
    pub(super) fn host(&self) -> Arc<dyn HostApi> {
        Arc::new(self.harness.host.clone()) as Arc<dyn HostApi>
    }

    pub(super) fn session(&self, name: &str) -> Result<SessionView, StepError> {
        self.harness.host.session(name).ok_or_else(|| StepError::Session(name.to_owned()))
    }

    /// Delivers an event: `KIND [SESSION] [JSON]`.
    pub async fn event(&mut self, words: &str) -> Result<Reply, StepError> {
        let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
        let found = KINDS.into_iter().find(|one| one.as_str() == kind);
        let kind = found.ok_or_else(|| {
            let known = KINDS.map(EventKind::as_str).join(", ");
            StepError::Unknown { given: kind.to_owned(), what: "an event", known }
        })?;
        let (session, data) = match rest.find('{') {
            Some(at) => (rest[..at].trim(), &rest[at..]),
            None => (rest.trim(), "{}"),
        };
        let session = if session.is_empty() { None } else { Some(self.session(session)?) };
        let at = self.harness.host.now();
        let event = SessionEvent { kind, at, session, data: data.to_owned(), causes: CausationChain::default() };
        self.activate().await?;
        let result = self.harness.registry.hook(&self.host(), &self.harness.subject.name, &event).await;
        Ok(outcome_reply(result.map(|()| String::new())))
    }

    /// Runs a job: `NAME`.
    pub async fn job(&mut self, words: &str) -> Result<Reply, StepError> {
        self.activate().await?;
        let due = DueJob { name: words.to_owned(), at: self.harness.host.now(), missed: 0 };
        let result = self.harness.registry.run_job(&self.host(), &self.harness.subject.name, &due).await;
        Ok(outcome_reply(result.map(|()| String::new())))
    }

    /// Sends a webhook request: `METHOD PATH[?QUERY] [BODY]`.
    pub async fn request(&mut self, words: &str) -> Result<Reply, StepError> {
        let (method, rest) = words.split_once(' ').ok_or(StepError::Usage("@request METHOD PATH BODY"))?;
        if !METHODS.contains(&method) {
            return Err(StepError::Method { method: method.to_owned(), known: METHODS.join(", ") });
        }
        let name = self.harness.subject.name.clone();
        let auth = self.config()?.plugins.webhook_auth_of(&name);
        if let Some((header, _)) = self.headers.iter().find(|(header, _)| webhook::is_withheld(&auth, header)) {
            return Err(StepError::Header(header.clone()));
        }
        let (target, body) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = WebRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: self.headers.clone(),
            body: body.as_bytes().to_vec(),
        };
        self.activate().await?;
        let answer = self.harness.registry.receive(&self.host(), &name, &request).await;
        let answer = answer.and_then(|answer| match webhook::status(answer.status) {
            Ok(_) => Ok(answer),
            Err(error) => Err(CallError::Plugin(error.to_string())),
        });
        Ok(outcome_reply(answer.map(|answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))))
    }

    /// `NAME: VALUE`: sets a header for later requests, or removes it if no value is given.
    pub fn header(&mut self, words: &str) -> Result<(), StepError> {
        let (name, value) = words.split_once(':').ok_or(StepError::Usage("@header NAME: VALUE"))?;
        let name = name.trim().to_ascii_lowercase();
        self.headers.retain(|(known, _)| *known != name);
        if !value.trim().is_empty() {
            self.headers.push((name, value.trim().to_owned()));
        }
        Ok(())
    }

    /// `SESSION [+SPAN] [free=SIZE]`: reviews a session, given this idle time and free memory.
    pub async fn review(&mut self, words: &str) -> Result<Reply, StepError> {
        let (view, load) = self.idle(words)?;
        self.activate().await?;
        let verdict = self.harness.registry.review(&self.host(), &self.harness.subject.name, &view, load).await;
        Ok(outcome_reply(verdict.map(|verdict| match verdict {
            Verdict::Suspend => "suspend".to_owned(),
            Verdict::SuspendAfter(span) => format!("suspend after {}", format_duration(span)),
            Verdict::ReviewIn(span) => format!("review in {}", format_duration(span)),
            Verdict::Keep => "keep".to_owned(),
            Verdict::Absent => "absent".to_owned(),
        })))
    }

    /// `SESSION [+SPAN] [free=SIZE]`: returns the notice for a message that resumes the session.
    pub async fn resume(&mut self, words: &str) -> Result<Reply, StepError> {
        let (view, load) = self.idle(words)?;
        self.activate().await?;
        let notice = self.harness.registry.resume_notice(&self.host(), &self.harness.subject.name, &view, load).await;
        Ok(outcome_reply(notice.map(Option::unwrap_or_default)))
    }

    fn idle(&self, words: &str) -> Result<(SessionView, Load), StepError> {
        let mut words = words.split_whitespace();
        let view = self.session(words.next().unwrap_or_default())?;
        let mut load = Load { live_agents: 1, ..self.harness.host.load(Duration::ZERO) };
        for word in words {
            match word.strip_prefix("free=") {
                Some(size) => {
                    let wrong = || StepError::Value { given: word.to_owned(), what: "a size such as free=512MiB" };
                    load.free_memory = parse_size(size).ok_or_else(wrong)?;
                }
                None => load.idle_for = forward(word)?,
            }
        }
        Ok((view, load))
    }

    /// Resolves a persona: `NAME SESSION`.
    pub async fn persona(&mut self, words: &str) -> Result<Reply, StepError> {
        let (name, session) = words.split_once(' ').ok_or(StepError::Usage("@persona NAME SESSION"))?;
        let view = self.session(session.trim())?;
        self.activate().await?;
        let settings = self.harness.registry.resolve(&self.host(), name, &view).await;
        Ok(outcome_reply(settings.map(|settings| {
            let mut lines = vec![settings.instructions];
            lines.extend(settings.model.map(|model| format!("model: {model}")));
            lines.extend(settings.idle_timeout.map(|span| format!("idle timeout: {}", format_duration(span))));
            lines.extend(settings.greeting.map(|text| format!("greeting: {text}")));
            lines.join("\n")
        })))
    }
}

/// Returns a reply whose text is shown as written, even if it contains Markdown.
pub(super) fn verbatim(text: String) -> Reply {
    Reply { author: Authorship::Agents, ..Reply::text(text) }
}

pub(super) fn outcome_reply(outcome: Result<String, CallError>) -> Reply {
    verbatim(match outcome {
        Ok(text) => text,
        Err(CallError::Plugin(why)) => format!("failed: {why}"),
        Err(error) => format!("failed: it {error}"),
    })
}
