//! Tests the extension points that users don't call: hooks, jobs and webhooks.

use cordboard::dev::RecordedAction;
use cordboard_core::{
    agent_event::PromptId,
    event::{CausationChain, EventKind, SessionEvent},
    render,
    turn::Turn,
    types::{Phase, Place, Timestamp},
};
use cordboard_runtime::{CallError, DueJob, WebRequest, WebResponse};

use crate::{
    components::{bad, extra},
    sample_sessions::{NOW, session},
    test_host::TestHost,
};

/// Returns the text of the posted messages as shown in the chat.
fn posted(host: &TestHost) -> Vec<String> {
    let posts = host.memory.take_actions().into_iter().filter_map(|action| {
        let RecordedAction::Posted(_, reply) = action else { return None };
        Some(render::plain(&reply.text).trim_end().to_owned())
    });
    posts.collect()
}

fn finished(host: &TestHost, seconds: u64, place: Place) -> SessionEvent {
    let mut view = session("alpha", &host.caller);
    view.record.place = Some(place.clone());
    let turn = Turn::new(PromptId("1".to_owned()), place, Timestamp(NOW.0 - seconds * 1000));
    SessionEvent::turn_finished(&turn, view, NOW, CausationChain::default())
}

#[tokio::test]
async fn notify_reports_long_turns_in_other_places() {
    let host = TestHost::of("[plugins.notify]\ngrants = [\"chat\"]\n[plugins.notify.config]\nafter = \"2m\"");
    host.plug("notify", &extra("notify")).await.unwrap();
    assert_eq!(host.registry.snapshot().hooks().collect::<Vec<_>>(), ["notify"]);
    let long = finished(&host, 125, Place::new("telegram", "7"));
    host.registry.hook(&host.host_api, "notify", &long).await.unwrap();
    assert_eq!(posted(&host), [] as [String; 0], "no chat is set");
    assert_eq!(host.read("notify here").await, "Turns of at least 2 minutes that end elsewhere are reported here.");
    host.registry.hook(&host.host_api, "notify", &long).await.unwrap();
    host.registry.hook(&host.host_api, "notify", &finished(&host, 119, Place::new("telegram", "7"))).await.unwrap();
    host.registry.hook(&host.host_api, "notify", &finished(&host, 125, host.place.clone())).await.unwrap();
    assert_eq!(posted(&host), ["alpha has finished after 2 minutes 5 seconds.\nUse /session alpha to switch to it."]);
    let mut broken = session("alpha", &host.caller);
    (broken.phase, broken.why) = (Phase::Broken, Some("no such command".to_owned()));
    let broken = SessionEvent::of(EventKind::Broken, broken, NOW, CausationChain::default());
    host.registry.hook(&host.host_api, "notify", &broken).await.unwrap();
    assert_eq!(posted(&host), ["alpha needs you: no such command\nUse /retry alpha to try again."]);
    assert_eq!(host.read("notify off").await, "Reports are off.");
    host.registry.hook(&host.host_api, "notify", &long).await.unwrap();
    assert_eq!(posted(&host), [] as [String; 0]);
    assert_eq!(host.status("notify"), ("ok".to_owned(), String::new()));
}

#[tokio::test]
async fn a_wrong_configuration_of_notify_is_refused() {
    let host = TestHost::of("[plugins.notify]\ngrants = [\"chat\"]\n[plugins.notify.config]\nafter = \"soon\"");
    let why = host.refused("notify", &extra("notify")).await;
    assert!(why.contains("`after` must be a duration such as \"5m\", not \"soon\""), "{why}");
}

#[tokio::test]
async fn remind_posts_when_due_and_not_before() {
    let host = TestHost::of("[plugins.remind]\ngrants = [\"chat\"]");
    host.plug("remind", &extra("remind")).await.unwrap();
    assert_eq!(host.read("remind 10m tea").await, "I will remind you in 10 minutes.");
    assert_eq!(host.read("remind 10m milk").await, "I will remind you in 10 minutes.");
    assert_eq!(host.read("remind 2h bread").await, "I will remind you in 2 hours.");
    assert!(host.read("remind 3s eggs").await.starts_with("The shortest time is one minute"));
    let look = async |minutes: u64| {
        let due = DueJob { name: "look".to_owned(), at: Timestamp(NOW.0 + minutes * 60_000), missed: 0 };
        host.registry.run_job(&host.host_api, "remind", &due).await.unwrap();
        posted(&host)
    };
    assert_eq!(look(9).await, [] as [String; 0]);
    assert_eq!(look(10).await, ["\u{23f0} tea", "\u{23f0} milk"]);
    assert_eq!(look(11).await, [] as [String; 0]);
    let listed = host.call("remind").await.unwrap();
    assert_eq!(render::plain(&listed.text).trim_end(), "• in 2 hours: bread");
    assert_eq!(look(5 * 60).await, ["\u{23f0} bread (due 3 hours ago)"]);
    assert!(host.read("remind").await.starts_with("No reminders here."));
}

#[tokio::test]
async fn a_reminder_is_dropped_only_in_its_own_place() {
    let mut host = TestHost::of("[plugins.remind]\ngrants = [\"chat\"]");
    host.plug("remind", &extra("remind")).await.unwrap();
    drop(host.read("remind 10m tea").await);
    let button = host.call("remind").await.unwrap().buttons[0][0].command.clone();
    let line = button.trim_start_matches('/').to_owned();
    host.place = Place::new("telegram", "9");
    assert_eq!(host.read(&line).await, "That reminder no longer exists.");
    host.place = Place::new("console", "local");
    assert_eq!(host.read(&line).await, "Dropped.");
    assert_eq!(host.read(&line).await, "That reminder no longer exists.");
}

#[tokio::test]
async fn jobs_are_listed_and_invalid_schedules_rejected() {
    let of = |jobs: &str| TestHost::of(&format!("[plugins.scheduled_jobs.config.jobs]\n{jobs}"));
    let host = of("a = \"*/5 * * * *\"\nb = \"30 7 * * mon-fri\"");
    host.plug("scheduled_jobs", &bad("scheduled_jobs")).await.unwrap();
    let table = host.registry.snapshot();
    let jobs: Vec<_> =
        table.jobs().flat_map(|(_, jobs)| jobs).map(|(name, cron)| (name.as_str(), cron.as_str())).collect();
    assert_eq!(jobs, [("a", "*/5 * * * *"), ("b", "30 7 * * mon-fri")]);
    let why = async |jobs: &str| of(jobs).refused("scheduled_jobs", &bad("scheduled_jobs")).await;
    assert_eq!(
        why("a = \"61 * * * *\"").await,
        "its job 'a' has the invalid schedule \"61 * * * *\": '61' is not a valid minute"
    );
    assert!(why("a = \"* * * *\"").await.contains("it has 4 fields instead of five"));
    assert!(why("\"a b\" = \"* * * * *\"").await.contains("is not a job name"));
    let many: String = (0..65).map(|job| format!("j{job} = \"* * * * *\"\n")).collect();
    assert!(why(&many).await.contains("more than the allowed 64 jobs"));
}

#[tokio::test]
async fn a_failed_job_returns_its_error_and_a_trap_is_listed() {
    let host = TestHost::of("");
    host.plug("scheduled_jobs", &bad("scheduled_jobs")).await.unwrap();
    let run = async |name: &str| {
        let due = DueJob { name: name.to_owned(), at: NOW, missed: 2 };
        host.registry.run_job(&host.host_api, "scheduled_jobs", &due).await
    };
    assert_eq!(run("fine").await, Ok(()));
    assert_eq!(run("fail").await, Err(CallError::Plugin("the job failed".to_owned())));
    assert_eq!(host.status("scheduled_jobs").0, "ok");
    assert!(matches!(run("trap").await, Err(CallError::Trap(why)) if why.contains("the job panicked")));
    assert_eq!(host.status("scheduled_jobs").0, "failing");
    assert_eq!(
        host.registry.run_job(&host.host_api, "nobody", &DueJob { name: "a".into(), at: NOW, missed: 0 }).await,
        Err(CallError::NotOffered("schedule"))
    );
}

fn push(delivery: &str) -> WebRequest {
    let body = r#"{"ref":"refs/heads/main","commits":[{"message":"Mend it"}],"repository":{"full_name":"ada/board"},"sender":{"login":"ada"}}"#;
    let headers = [("x-github-event", "push"), ("x-github-delivery", delivery), ("content-type", "application/json")];
    WebRequest {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.as_bytes().to_vec(),
        ..WebRequest::default()
    }
}

fn read(response: &WebResponse) -> (u16, String) {
    (response.status, String::from_utf8(response.body.clone()).unwrap())
}

#[tokio::test]
async fn github_posts_each_delivery_once() {
    let host = TestHost::of("[plugins.github]\ngrants = [\"chat\"]");
    host.plug("github", &extra("github")).await.unwrap();
    let receive =
        async |request: WebRequest| read(&host.registry.receive(&host.host_api, "github", &request).await.unwrap());
    assert!(receive(push("1")).await.1.contains("send `/github here`"));
    assert_eq!(host.read("github here").await, "GitHub's events are posted here.");
    assert_eq!(receive(push("1")).await, (200, "posted\n".to_owned()));
    assert_eq!(receive(push("1")).await, (200, "this delivery was already reported\n".to_owned()));
    assert_eq!(receive(push("2")).await, (200, "posted\n".to_owned()));
    let texts = posted(&host);
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0], "ada pushed 1 commit to main of ada/board:\n• Mend it");
    assert_eq!(receive(WebRequest { body: b"payload=x".to_vec(), ..push("3") }).await.0, 400);
    assert_eq!(receive(WebRequest { headers: Vec::new(), ..push("4") }).await.0, 400);
}

#[tokio::test]
async fn webhook_errors_and_traps_are_reported() {
    let host = TestHost::of("");
    host.plug("webhook_echo", &bad("webhook_echo")).await.unwrap();
    let receive = async |path: &str| {
        let request = WebRequest { method: "GET".to_owned(), path: path.to_owned(), ..WebRequest::default() };
        host.registry.receive(&host.host_api, "webhook_echo", &request).await
    };
    assert_eq!(read(&receive("/a/b").await.unwrap()), (200, "GET /a/b ?\n\n\n".to_owned()));
    assert_eq!(receive("/sorry").await, Err(CallError::Plugin("the key is at /home/ada".to_owned())));
    let error = receive("/big").await.unwrap_err().to_string();
    assert!(error.contains("`reply`"), "{error}");
    assert!(matches!(receive("/trap").await, Err(CallError::Trap(why)) if why.contains("the handler panicked")));
    assert_eq!(host.status("webhook_echo").0, "failing");
}
