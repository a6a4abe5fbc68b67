//! The directives for calls without a user: events, jobs, webhook requests, reviews, resume notices and personas.
//! Their results are shown like replies.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    config::{parse_size, spell_duration},
    event::{CausationChain, Kind, SessionEvent},
    session::Verdict,
    types::{Authorship, Reply, SessionView},
};
use cordboard_runtime::{CallError, DueJob, HostApi, Load, WebRequest};

use super::{actor::Actor, directives::forward};
use crate::webhook::{self, METHODS};

const KINDS: [Kind; 11] = [
    Kind::HostStarted,
    Kind::Created,
    Kind::Started,
    Kind::Resumed,
    Kind::TurnStarted,
    Kind::TurnFinished,
    Kind::Suspended,
    Kind::Asking,
    Kind::Broken,
    Kind::Archived,
    Kind::Restored,
];

impl Actor {
    pub(super) fn board(&self) -> Arc<dyn HostApi> {
        Arc::new(self.stage.board.clone()) as Arc<dyn HostApi>
    }

    pub(super) fn session(&self, name: &str) -> Result<SessionView, String> {
        self.stage.board.session(name).ok_or_else(|| format!("unknown session '{name}': add it with @session"))
    }

    /// Delivers an event: `KIND [SESSION] [JSON]`.
    pub async fn event(&mut self, words: &str) -> Result<Reply, String> {
        let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
        let known = || KINDS.map(Kind::as_str).join(", ");
        let found = KINDS.into_iter().find(|one| one.as_str() == kind);
        let kind = found.ok_or_else(|| format!("'{kind}' is not an event: use {}", known()))?;
        let (session, data) = match rest.find('{') {
            Some(at) => (rest[..at].trim(), &rest[at..]),
            None => (rest.trim(), "{}"),
        };
        let session = if session.is_empty() { None } else { Some(self.session(session)?) };
        let at = self.stage.board.now();
        let happening = SessionEvent { kind, at, session, data: data.to_owned(), trail: CausationChain::default() };
        self.plug().await?;
        let done = self.stage.plugs.hook(&self.board(), &self.stage.subject.name, &happening).await;
        Ok(told(done.map(|()| String::new())))
    }

    /// Runs a job: `NAME`.
    pub async fn job(&mut self, words: &str) -> Result<Reply, String> {
        self.plug().await?;
        let due = DueJob { name: words.to_owned(), at: self.stage.board.now(), missed: 0 };
        let done = self.stage.plugs.run_job(&self.board(), &self.stage.subject.name, &due).await;
        Ok(told(done.map(|()| String::new())))
    }

    /// Sends a webhook request: `METHOD PATH[?QUERY] [BODY]`.
    pub async fn request(&mut self, words: &str) -> Result<Reply, String> {
        let (method, rest) = words.split_once(' ').ok_or("write @request METHOD PATH BODY")?;
        if !METHODS.contains(&method) {
            return Err(format!("a host rejects {method}: use {}", METHODS.join(", ")));
        }
        let name = self.stage.subject.name.clone();
        let proofs = self.config()?.plugins.webhook_auth_of(&name);
        if let Some((header, _)) = self.headers.iter().find(|(header, _)| webhook::is_withheld(&proofs, header)) {
            return Err(format!("a host removes '{header}', because it authenticates the sender: remove that @header"));
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
        self.plug().await?;
        let answer = self.stage.plugs.receive(&self.board(), &name, &request).await;
        let answer =
            answer.and_then(|answer| webhook::status(answer.status).map(|_| answer).map_err(CallError::Plugin));
        Ok(told(answer.map(|answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))))
    }

    /// `NAME: VALUE`: sets a header of later requests. Without a value, removes it.
    pub fn header(&mut self, words: &str) -> Result<(), String> {
        let (name, value) = words.split_once(':').ok_or("write @header NAME: VALUE")?;
        let name = name.trim().to_ascii_lowercase();
        self.headers.retain(|(known, _)| *known != name);
        if !value.trim().is_empty() {
            self.headers.push((name, value.trim().to_owned()));
        }
        Ok(())
    }

    /// `SESSION [+SPAN] [free=SIZE]`: reviews a session with this idle time and free memory.
    pub async fn review(&mut self, words: &str) -> Result<Reply, String> {
        let (view, load) = self.idle(words)?;
        self.plug().await?;
        let verdict = self.stage.plugs.review(&self.board(), &self.stage.subject.name, (&view, load)).await;
        Ok(told(verdict.map(|verdict| match verdict {
            Verdict::Suspend => "suspend".to_owned(),
            Verdict::SuspendAfter(span) => format!("suspend after {}", spell_duration(span)),
            Verdict::ReviewIn(span) => format!("review in {}", spell_duration(span)),
            Verdict::Keep => "keep".to_owned(),
            Verdict::Absent => "absent".to_owned(),
        })))
    }

    /// `SESSION [+SPAN] [free=SIZE]`: returns the notice for a message that resumes the session.
    pub async fn resume(&mut self, words: &str) -> Result<Reply, String> {
        let (view, load) = self.idle(words)?;
        self.plug().await?;
        let notice = self.stage.plugs.resume_notice(&self.board(), &self.stage.subject.name, (&view, load)).await;
        Ok(told(notice.map(Option::unwrap_or_default)))
    }

    fn idle(&self, words: &str) -> Result<(SessionView, Load), String> {
        let mut words = words.split_whitespace();
        let view = self.session(words.next().unwrap_or_default())?;
        let mut load = Load { live_agents: 1, ..self.stage.board.load(Duration::ZERO) };
        for word in words {
            match word.strip_prefix("free=") {
                Some(size) => {
                    let size = parse_size(size);
                    load.free_memory = size.ok_or_else(|| format!("{word}: expected a size such as free=512MiB"))?;
                }
                None => load.idle_for = forward(word)?,
            }
        }
        Ok((view, load))
    }

    /// Resolves a persona: `NAME SESSION`.
    pub async fn persona(&mut self, words: &str) -> Result<Reply, String> {
        let (name, session) = words.split_once(' ').ok_or("write @persona NAME SESSION")?;
        let view = self.session(session.trim())?;
        self.plug().await?;
        let brief = self.stage.plugs.resolve(&self.board(), name, &view).await;
        Ok(told(brief.map(|brief| {
            let mut lines = vec![brief.instructions];
            lines.extend(brief.model.map(|model| format!("model: {model}")));
            lines.extend(brief.idle_timeout.map(|span| format!("idle timeout: {}", spell_duration(span))));
            lines.extend(brief.greeting.map(|text| format!("greeting: {text}")));
            lines.join("\n")
        })))
    }
}

/// Returns a reply whose text is not Markdown and is compared literally.
pub(super) fn verbatim(text: String) -> Reply {
    Reply { words: Authorship::Agents, ..Reply::text(text) }
}

pub(super) fn told(outcome: Result<String, CallError>) -> Reply {
    verbatim(match outcome {
        Ok(text) => text,
        Err(CallError::Plugin(why)) => format!("failed: {why}"),
        Err(error) => format!("failed: it {error}"),
    })
}
