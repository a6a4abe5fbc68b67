//! Captures the lines that a plugin logs during a `cordboard plugin` command, so that they are recorded like its other
//! actions.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_runtime::LOG_TARGET;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::recorded_action::RecordedAction;
use crate::logging::{self, LineWriter};

/// The message of host log records that contain a line logged by the plugin.
const PLUGIN_MESSAGE: &str = "plugin message";

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<RecordedAction>>>);

impl Log {
    /// Starts capturing the lines that plugins log. The host's own log records go to standard error: only errors,
    /// unless `CORDBOARD_LOG` sets another filter. Call this once per process.
    pub fn start() -> Self {
        let log = Self::default();
        let default = format!("error,{LOG_TARGET}=off");
        let wanted = std::env::var("CORDBOARD_LOG").unwrap_or_else(|_| default.clone());
        let filter = logging::parse_filter(&wanted).or_else(|_| logging::parse_filter(&default)).unwrap_or_default();
        let lines = || LineWriter(std::io::stderr());
        let host = tracing_subscriber::fmt::layer().with_writer(lines).with_ansi(false).with_target(false);
        tracing_subscriber::registry().with(log.clone()).with(host.with_filter(filter)).init();
        log
    }

    pub fn take(&self) -> Vec<RecordedAction> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if !event.metadata().target().starts_with(LOG_TARGET) {
            return;
        }
        let mut line = EventText::default();
        event.record(&mut line);
        let said = match (line.plugin_text, line.host_text, line.why) {
            (Some(plugin_text), _, _) => Some(plugin_text),
            (None, Some(host_text), Some(why)) => Some(format!("{host_text}: {why}")),
            (None, host_text, _) => host_text,
        };
        let action = said.map(|text| RecordedAction::Logged(level(*event.metadata().level()), text));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(action);
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// The text of a log event: the line that the plugin logged, or else the host's message.
#[derive(Default)]
struct EventText {
    plugin_text: Option<String>,
    host_text: Option<String>,
    why: Option<String>,
}

impl Visit for EventText {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.plugin_text = Some(value.to_owned()),
            "why" => self.why = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.host_text = (text != PLUGIN_MESSAGE).then_some(text),
            "why" => self.why = Some(text),
            _ => {}
        }
    }
}
