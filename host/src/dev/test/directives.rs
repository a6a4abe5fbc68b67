//! Executes a conversation's directives: lines that begin with `@`. Directives set the sender, the time, sessions, the
//! network and the configuration, act as an agent, or call the plugin.

use std::{str::FromStr, time::Duration};

use cordboard_core::{
    config::{Config, parse_duration},
    types::{ContextUse, Exchange, Phase, Reply, Role, SessionName, SessionRecord, Timestamp},
};
use cordboard_runtime::HostApi as _;

use super::{hooks_jobs_webhooks::verbatim, step_error::StepError, step_runner::StepRunner};
use crate::{
    dev::{
        fake_host::{CONVERSATION, SessionSetup},
        harness::person,
    },
    standard_plugins::{STANDARD, built_in},
};

const KNOWN: &str = "@as, @attach, @budget, @clock, @config, @does, @done, @event, @exchange, @fails, @file, @header, @http, @job, @locale, @permission, @persona, @plug, \
                     @plugin, @question, @request, @resume, @review, @says, @secret, @session, @tcp, @turn, @usage, @with";

impl StepRunner {
    /// Runs a directive and returns the reply to show, which is empty for a directive that only prepares a call.
    pub async fn direct(&mut self, name: &str, words: &str) -> Result<Reply, StepError> {
        match name {
            "as" => self.speak_as(words)?,
            "attach" => self.attach(words)?,
            "budget" => self.set_budget(words)?,
            "clock" => match moment(words) {
                Some(moment) => self.harness.set_now(moment).await,
                None => self.harness.set_now(self.harness.host.now().after(forward(words)?)).await,
            },
            "config" => self.configure(|runner| runner.config_lines.push(words.to_owned())),
            "plugin" => self.configure(|runner| runner.plugin_lines.push(words.to_owned())),
            "locale" => self.harness.locale = (!words.is_empty()).then(|| words.to_owned()),
            "file" => self.add_file(words)?,
            "http" => self.network.add_http(words, &self.folder)?,
            "tcp" => self.network.add_tcp(words)?,
            "secret" => {
                self.secrets.add(words)?;
                self.stale = true;
            }
            "session" => self.add_session(words)?,
            "usage" => self.add_usage(words)?,
            "with" => {
                for standard in words.split_whitespace() {
                    self.activate_standard(standard).await?;
                }
            }
            "header" => self.header(words)?,
            "question" => self.question(words)?,
            "exchange" => self.add_exchange(words)?,
            "event" => return self.event(words).await,
            "does" => return self.does(words).await,
            "done" => return self.end_turn(None).await,
            "fails" => return self.end_turn(Some(words)).await,
            "says" => return self.says(words).await,
            "turn" => return self.turn(words).await,
            "job" => return self.job(words).await,
            "permission" => return self.permission(words).await,
            "persona" => return self.persona(words).await,
            "request" => return self.request(words).await,
            "resume" => return self.resume(words).await,
            "review" => return self.review(words).await,
            // Show why the plugin can't be activated, so that a conversation can expect the error.
            "plug" => {
                self.config()?;
                return Ok(verbatim(self.activate().await.err().map(|error| error.to_string()).unwrap_or_default()));
            }
            _ => return Err(StepError::Directive { name: name.to_owned(), known: KNOWN }),
        }
        Ok(Reply::default())
    }

    /// `SESSION PROMPT => ANSWER`: adds an exchange to the session's history.
    fn add_exchange(&self, words: &str) -> Result<(), StepError> {
        let (name, texts) = words.split_once(' ').unwrap_or((words, ""));
        let (prompt, answer) = texts.split_once(" => ").unwrap_or((texts, ""));
        let (name, at) = (self.session(name)?.record.name, Some(self.harness.host.now()));
        let exchange = Exchange { prompt: prompt.to_owned(), answer: answer.to_owned(), at };
        self.harness.host.add_exchange(name, exchange);
        Ok(())
    }

    fn configure(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.stale = true;
    }

    fn speak_as(&mut self, words: &str) -> Result<(), StepError> {
        let (role, name) = words.split_once(char::is_whitespace).unwrap_or((words, "ada"));
        self.harness.caller = person(name.trim(), role.parse()?);
        Ok(())
    }

    async fn activate_standard(&self, name: &str) -> Result<(), StepError> {
        let standard = built_in(name).ok_or_else(|| {
            let known: Vec<&str> = STANDARD.iter().map(|standard| standard.name).collect();
            StepError::StandardPlugin { name: name.to_owned(), known: known.join(", ") }
        })?;
        self.harness.activate_standard(standard, &Config::defaults()).await.map_err(StepError::OtherRejected)
    }

    /// Adds a session: `NAME PHASE [active] [key=value…]`. Unless it is archived, the session becomes the active one if
    /// the place has none or if `active` is given.
    fn add_session(&mut self, words: &str) -> Result<(), StepError> {
        let mut words = words.split_whitespace();
        let name: SessionName = words.next().unwrap_or_default().parse()?;
        let phase = phase(words.next().unwrap_or("suspended"))?;
        let (host, caller, place) = (&self.harness.host, &self.harness.caller, &self.harness.place);
        let folder = format!("/sessions/{name}").into();
        let record = SessionRecord::new(name.clone(), caller.id.clone(), folder, "demo", host.now());
        let mut setup = SessionSetup { phase, ..SessionSetup::new(record, place.clone()) };
        let mut active = host.active(caller, place).is_none();
        for word in words {
            match word.split_once('=') {
                Some((key, value)) => set(&mut setup, key, value)?,
                None if word == "active" => active = true,
                None => return Err(StepError::Property(word.to_owned())),
            }
        }
        host.set_up(setup)?;
        if active && phase != Phase::Archived {
            host.bind(caller, place, &name);
        }
        Ok(())
    }
}

/// Parses the value of a property as a number.
pub(super) fn number<T: FromStr>(key: &str, value: &str) -> Result<T, StepError> {
    value.parse().map_err(|_| StepError::Value { given: format!("{key}={value}"), what: "a number" })
}

pub(super) fn forward(words: &str) -> Result<Duration, StepError> {
    let span = words.strip_prefix('+').and_then(parse_duration);
    span.ok_or_else(|| StepError::Duration(words.to_owned()))
}

/// Parses a time in UTC, such as `2026-11-21 13:45`.
fn moment(words: &str) -> Option<Timestamp> {
    let (date, time) = words.split_once(' ')?;
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| (0..10_000).contains(number));
    let date: Vec<i64> = date.split('-').map(number).collect::<Option<_>>()?;
    let time: Vec<i64> = time.split(':').map(number).collect::<Option<_>>()?;
    let ([year, month @ 1..=12, day @ 1..=31], [hour @ 0..=23, minute @ 0..=59]) = (&date[..], &time[..]) else {
        return None;
    };
    // Days since 1970, with years that start in March, so that a leap day is the last day of its year.
    let (year, month) = if *month <= 2 { (year - 1, month + 9) } else { (*year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from((days * 24 + hour) * 60 + minute).ok().map(|minutes| Timestamp(minutes * 60_000))
}

const PHASES: [Phase; 8] = [
    Phase::Suspended,
    Phase::Starting,
    Phase::Idle,
    Phase::Busy,
    Phase::Stopping,
    Phase::Asking,
    Phase::Broken,
    Phase::Archived,
];

fn phase(word: &str) -> Result<Phase, StepError> {
    PHASES.into_iter().find(|phase| phase.as_str() == word).ok_or_else(|| {
        let known: Vec<&str> = PHASES.iter().map(|phase| phase.as_str()).collect();
        StepError::Unknown { given: word.to_owned(), what: "a phase", known: known.join(", ") }
    })
}

fn set(setup: &mut SessionSetup, key: &str, value: &str) -> Result<(), StepError> {
    let text = || Some(value.to_owned());
    match key {
        "agent" => value.clone_into(&mut setup.record.agent),
        "persona" => setup.record.persona = text(),
        "mode" => setup.record.mode = text(),
        "owner" => setup.record.owner = person(value, Role::Member).id,
        "model" => setup.record.model = text(),
        "models" => setup.models = value.split(',').map(str::to_owned).collect(),
        "why" => setup.why = text(),
        "queued" => setup.queued = number(key, value)?,
        "interrupted" => setup.interrupted = number(key, value)?,
        "turns" => {
            setup.record.turns = number(key, value)?;
            setup.record.conversation = Some(CONVERSATION.to_owned()).filter(|_| setup.record.turns > 0);
            setup.record.resumable = setup.record.conversation.is_some();
        }
        "context" => setup.record.context = Some(context(value)?),
        "timeout" => {
            let span = parse_duration(value);
            let wrong = || StepError::Value { given: format!("timeout={value}"), what: "a duration such as 10m" };
            setup.record.idle_timeout = Some(span.ok_or_else(wrong)?);
        }
        _ => return Err(StepError::PropertyKey { key: key.to_owned(), known: PROPERTIES }),
    }
    Ok(())
}

/// Parses `TOKENS[/MAXIMUM]`: the number of tokens in a session's context, and the model's maximum.
fn context(value: &str) -> Result<ContextUse, StepError> {
    let (tokens, window) = value.split_once('/').map_or((value, None), |(tokens, window)| (tokens, Some(window)));
    let window = window.map(|window| number("context", window)).transpose()?;
    Ok(ContextUse { tokens: number("context", tokens)?, window })
}

const PROPERTIES: &str =
    "agent, persona, mode, owner, model, models, why, queued, interrupted, turns, context, timeout";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_parsed() {
        assert_eq!(moment("2026-01-01 09:00"), Some(Timestamp(1_767_258_000_000)));
        assert_eq!(moment("2024-02-29 23:59"), Some(Timestamp(1_709_251_140_000)));
        assert_eq!(moment("1970-01-01 00:00"), Some(Timestamp(0)));
        for wrong in ["+5m", "2026-13-01 00:00", "2026-01-01", "2026-01-01 24:00", "1969-01-01 00:00"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
