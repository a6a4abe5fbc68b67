//! Exports a trace of each answered turn to an OpenTelemetry collector: a span from the update to the last message, and
//! spans for its parts. The spans contain names and times, but no text of users, agents or plugins.

use std::{
    fmt::{self, Debug},
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;

use crate::pending_operations::PendingOperations;

/// The maximum time of an export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of plugin calls in a trace. A long turn has many frames, each of which calls a view plugin.
const MAX_CALLS: usize = 100;

/// The traces of all turns that have begun.
#[derive(Default)]
pub(super) struct TurnTraces {
    provider: OnceLock<SdkTracerProvider>,
    turns: PendingOperations<OpenTurn>,
}

/// The times of a turn that is not answered yet.
#[derive(Default)]
struct OpenTurn {
    received: Option<Instant>,
    sent: Option<Instant>,
    ended: Option<Instant>,
    calls: Vec<PluginCall>,
    omitted_calls: i64,
}

/// A call of a plugin for a turn.
pub(super) struct PluginCall {
    pub plugin: String,
    pub extension_point: &'static str,
    pub began: Instant,
    pub ended: Instant,
}

/// Converts times of the monotonic clock.
#[derive(Clone, Copy)]
struct Clocks {
    instant: Instant,
    wall: SystemTime,
}

impl Clocks {
    fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    fn wall(self, at: Instant) -> SystemTime {
        self.wall - self.instant.saturating_duration_since(at)
    }
}

impl TurnTraces {
    /// Begins to export, to the collector that the environment names.
    pub fn start(&self, runtime: Handle) -> Result<(), ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http().with_http_client(RuntimeClient::new(runtime)).build()?;
        self.export_to(exporter);
        Ok(())
    }

    fn export_to(&self, exporter: SpanExporter) {
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => Resource::builder(),
            None => Resource::builder().with_service_name("cordboard"),
        };
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
        // The process starts its traces once.
        drop(self.provider.set(provider.build()));
    }

    /// Exports what is left. Blocks, and needs the runtime.
    pub fn stop(&self) {
        if let Some(provider) = self.provider.get() {
            // The provider logs a failure itself.
            drop(provider.shutdown_with_timeout(EXPORT_TIMEOUT));
        }
    }

    pub fn update_received(&self, prompt: &str, at: Instant) {
        self.record(prompt, |turn| turn.received = Some(at));
    }

    /// Forgets an update that doesn't become a prompt.
    pub fn update_handled(&self, prompt: &str) {
        self.turns.end(prompt);
    }

    pub fn prompt_sent(&self, prompt: &str) {
        self.record(prompt, |turn| turn.sent = Some(Instant::now()));
    }

    pub fn turn_ended(&self, prompt: &str) {
        self.record(prompt, |turn| turn.ended = Some(Instant::now()));
    }

    pub fn plugin_called(&self, prompt: &str, call: PluginCall) {
        self.record(
            prompt,
            |turn| {
                if turn.calls.len() < MAX_CALLS { turn.calls.push(call) } else { turn.omitted_calls += 1 }
            },
        );
    }

    fn record(&self, prompt: &str, change: impl FnOnce(&mut OpenTurn)) {
        if self.provider.get().is_some() {
            self.turns.change(prompt, change);
        }
    }

    /// Exports the trace of a turn whose last message was sent.
    pub fn answer_sent(&self, prompt: &str) {
        let Some(provider) = self.provider.get() else { return };
        let Some(turn) = self.turns.end(prompt) else { return };
        let (clocks, tracer) = (Clocks::now(), provider.tracer("cordboard"));
        let begin = |name: &'static str, at| SpanBuilder::from_name(name).with_start_time(clocks.wall(at));
        let began = turn.received.or(turn.sent).or(turn.ended).unwrap_or(clocks.instant);
        let attributes = [
            KeyValue::new("cordboard.prompt", prompt.to_owned()),
            KeyValue::new("cordboard.omitted_plugin_calls", turn.omitted_calls),
        ];
        let whole = begin("turn", began).with_kind(SpanKind::Server).with_attributes(attributes);
        let parent = Context::new().with_span(tracer.build_with_context(whole, &Context::new()));
        let part = |builder: SpanBuilder, ended| {
            tracer.build_with_context(builder, &parent).end_with_timestamp(clocks.wall(ended));
        };
        let parts = [
            ("wait for the agent", turn.received, turn.sent),
            ("agent turn", turn.sent, turn.ended),
            ("delivery", turn.ended, Some(clocks.instant)),
        ];
        for (name, began, ended) in parts {
            if let (Some(began), Some(ended)) = (began, ended) {
                part(begin(name, began), ended);
            }
        }
        for call in turn.calls {
            let attributes = [
                KeyValue::new("cordboard.plugin", call.plugin),
                KeyValue::new("cordboard.extension_point", call.extension_point),
            ];
            part(begin("plugin call", call.began).with_attributes(attributes), call.ended);
        }
        parent.span().end_with_timestamp(clocks.wall);
    }
}

/// Sends requests on the runtime, because the exporter's own thread has none.
struct RuntimeClient {
    http: reqwest::Client,
    runtime: Handle,
}

impl RuntimeClient {
    fn new(runtime: Handle) -> Self {
        Self { http: reqwest::Client::new(), runtime }
    }
}

impl Debug for RuntimeClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RuntimeClient")
    }
}

#[async_trait]
impl HttpClient for RuntimeClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(EXPORT_TIMEOUT);
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let response = http.execute(request).await?;
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            *answer.body_mut() = response.bytes().await?;
            Ok::<_, reqwest::Error>(answer)
        });
        Ok(sent.await??)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use opentelemetry_otlp::{Protocol, WithExportConfig as _};
    use serde_json::Value;

    use super::*;

    /// Answers one request, and returns its first line and its body.
    fn collect(listener: &TcpListener) -> (String, Value) {
        let mut stream = BufReader::new(listener.accept().expect("a client connects").0);
        let (mut line, mut first, mut length) = (String::new(), String::new(), 0);
        while stream.read_line(&mut line).expect("the head is readable") > 2 {
            if first.is_empty() {
                line.trim_end().clone_into(&mut first);
            } else if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("the length is a number");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("the body is readable");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.get_mut().write_all(answer).expect("the client reads the answer");
        (first, serde_json::from_slice(&body).expect("the body is JSON"))
    }

    fn nanoseconds(span: &Value, key: &str) -> u64 {
        span[key].as_str().and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("no {key} in {span}"))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answered_turn_is_one_trace() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let collector = thread::spawn(move || collect(&listener));
        let traces = TurnTraces::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("http://{address}/v1/traces"))
            .with_protocol(Protocol::HttpJson)
            .with_http_client(RuntimeClient::new(Handle::current()));
        traces.update_received("before the start", Instant::now());
        traces.export_to(exporter.build().expect("the address is valid"));
        traces.update_received("p1", Instant::now() - Duration::from_secs(3));
        traces.update_received("not answered", Instant::now());
        traces.prompt_sent("p1");
        for _ in 0..MAX_CALLS + 2 {
            let (began, ended) = (Instant::now(), Instant::now());
            traces.plugin_called("p1", PluginCall { plugin: "view".to_owned(), extension_point: "view", began, ended });
        }
        traces.turn_ended("p1");
        traces.answer_sent("p1");
        traces.answer_sent("p1");
        traces.answer_sent("before the start");
        tokio::task::block_in_place(|| traces.stop());
        let (request, body) = collector.join().expect("the collector ends");
        assert_eq!(request, "POST /v1/traces HTTP/1.1");
        let resource = body["resourceSpans"][0]["resource"].to_string();
        assert!(resource.contains("\"cordboard\""), "{resource}");
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("there are spans");
        let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
        assert_eq!(spans.len(), 4 + MAX_CALLS);
        let [turn] = named("turn")[..] else { panic!("one root: {body}") };
        for part in spans.iter().filter(|span| span["name"] != "turn") {
            assert_eq!((&part["traceId"], &part["parentSpanId"]), (&turn["traceId"], &turn["spanId"]), "{part}");
            assert!(nanoseconds(turn, "startTimeUnixNano") <= nanoseconds(part, "startTimeUnixNano"), "{part}");
            assert!(nanoseconds(part, "endTimeUnixNano") <= nanoseconds(turn, "endTimeUnixNano"), "{part}");
        }
        let wait = named("wait for the agent")[0];
        let waited = nanoseconds(wait, "endTimeUnixNano") - nanoseconds(wait, "startTimeUnixNano");
        assert!((3_000_000_000..60_000_000_000).contains(&waited), "{wait}");
        assert_eq!((named("agent turn").len(), named("delivery").len(), named("plugin call").len()), (1, 1, MAX_CALLS));
        assert!(turn["attributes"].to_string().contains("\"p1\"") && turn["attributes"].to_string().contains("\"2\""));
    }
}
