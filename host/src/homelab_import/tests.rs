//! Tests the plan and the import with folders as the homelab bot writes them.

use std::{collections::BTreeMap, time::SystemTime};

use super::*;

const FIRST: &str = "0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";
const SECOND: &str = "1b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";

/// The bot's folder, and the agent's folder with transcripts.
struct Bot(tempfile::TempDir);

impl Bot {
    fn new() -> Self {
        let bot = Self(tempfile::tempdir().unwrap());
        fs::create_dir(bot.path("sessions")).unwrap();
        bot
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(below)
    }

    fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn context<'c>(&self, config: &'c Config, sessions: Vec<SessionRecord>) -> ImportContext<'c> {
        ImportContext {
            config,
            agent: "claude",
            transcripts_folder: Some(self.path("home/projects")),
            sessions,
            owner: UserId("telegram:7".to_owned()),
            zone: Zone::utc(),
            timeout_unit: TimeoutUnit::Minutes,
            now: Timestamp::parse("2026-11-30T00:00:00Z").unwrap(),
        }
    }

    fn plan(&self, sessions: Vec<SessionRecord>) -> BTreeMap<String, PlannedImport> {
        let config = Config::defaults();
        let (planned, _) = plan(self.path("").as_path(), self.context(&config, sessions)).unwrap();
        planned.into_iter().map(|plan| (plan.row.name.clone(), plan)).collect()
    }
}

#[test]
fn a_folder_becomes_a_session_that_works_in_it() {
    let bot = Bot::new();
    let metadata = r#"{"persona": "planner", "idle_timeout": 20, "last_active": "2026-10-01T12:00:00Z"}"#;
    let folder = bot.write("sessions/web/metadata.json", metadata).parent().unwrap().to_owned();
    let record = bot.plan(Vec::new())["web"].record.clone().unwrap();
    assert_eq!((record.name.as_str(), &record.folder, record.agent.as_str()), ("web", &folder, "claude"));
    assert_eq!(record.persona.as_deref(), Some("planner"));
    assert_eq!(record.idle_timeout, Some(Duration::from_secs(1200)));
    assert_eq!(record.last_active.to_rfc3339(), "2026-10-01T12:00:00Z");
    assert_eq!((record.owner.0.as_str(), record.conversation.as_deref()), ("telegram:7", None));
    assert!(!record.resumable && record.greeted);
}

#[test]
fn persona_json_is_the_fallback_for_the_persona() {
    let bot = Bot::new();
    bot.write("sessions/a/metadata.json", r#"{"last_active": 99999999999}"#);
    bot.write("sessions/a/persona.json", r#"{"name": "sre", "system_prompt": "Watch."}"#);
    let config = Config::defaults();
    let (planned, personas) = plan(&bot.path(""), bot.context(&config, Vec::new())).unwrap();
    assert_eq!(planned[0].row.persona.as_deref(), Some("sre"));
    assert!(planned[0].row.note.contains("add persona 'sre' to the configuration"), "{}", planned[0].row.note);
    assert!(personas.to_toml().starts_with("[plugins.persona.config.personas.sre]\n"), "{}", personas.to_toml());
    assert_eq!(
        planned[0].row.last_active,
        Timestamp::parse("2026-11-30T00:00:00Z").map(|now| now.0),
        "not in the future"
    );
}

#[test]
fn the_conversation_is_the_recorded_one_or_the_latest() {
    let bot = Bot::new();
    let old = bot.write(&format!("sessions/a/.claude/projects/-srv-a/{FIRST}.jsonl"), "{}\n");
    fs::File::options().append(true).open(&old).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let new = bot.write(&format!("sessions/a/.claude/projects/-srv-a/{SECOND}.jsonl"), "{}\n");
    let target = |id: &str| bot.path("home/projects").join(project_name(&bot.path("sessions/a"))).join(id);
    for (metadata, id, from) in
        [("{}".to_owned(), SECOND, &new), (format!(r#"{{"claude_session_id": "{FIRST}"}}"#), FIRST, &old)]
    {
        bot.write("sessions/a/metadata.json", &metadata);
        let plan = &bot.plan(Vec::new())["a"];
        let record = plan.record.as_ref().unwrap();
        assert_eq!(record.conversation.as_deref(), Some(id));
        assert!(record.resumable && record.begun_elsewhere);
        let copy = TranscriptCopy { from: from.clone(), to: target(&format!("{id}.jsonl")) };
        assert_eq!(plan.transcript, Some(copy));
    }
    // A recorded conversation without a transcript can't be resumed.
    let lost = "2b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";
    bot.write("sessions/a/metadata.json", &format!(r#"{{"claude_session_id": "{lost}"}}"#));
    let row = &bot.plan(Vec::new())["a"].row;
    assert_eq!(row.conversation.as_deref(), Some(SECOND));
    assert_eq!(row.note, format!("conversation {lost} has no transcript: the session continues the latest one"));
    bot.write("sessions/c/metadata.json", &format!(r#"{{"claude_session_id": "{lost}"}}"#));
    let row = &bot.plan(Vec::new())["c"].row;
    assert_eq!(
        (row.conversation.as_deref(), row.note.as_str()),
        (None, "no conversation found: the session starts a new one")
    );
    // The transcript is already where the agent looks for it, so nothing is copied.
    bot.write("sessions/b/metadata.json", "{}");
    let project = project_name(&bot.path("sessions/b"));
    bot.write(&format!("home/projects/{project}/{FIRST}.jsonl"), "{}\n");
    let second = SECOND;
    bot.write("sessions/a/metadata.json", &format!(r#"{{"session_id": "{second}"}}"#));
    let plan = &bot.plan(Vec::new())["b"];
    assert_eq!((plan.row.conversation.as_deref(), &plan.transcript), (Some(FIRST), &None));
}

#[test]
fn conflicts_and_bad_files_are_reported_with_reasons() {
    let bot = Bot::new();
    let metadata = |name: &str, text: &str| bot.write(&format!("sessions/{name}/metadata.json"), text);
    metadata("broken", "{");
    metadata("copy", r#"{"name": "good"}"#);
    metadata("good", "{}");
    metadata("long", r#"{"idle_timeout": "30d"}"#);
    metadata("taken", "{}");
    metadata("a name", "{}");
    metadata("same", &format!(r#"{{"session_id": "{FIRST}"}}"#));
    bot.write(&format!("sessions/same/.claude/projects/x/{FIRST}.jsonl"), "{}\n");
    bot.write("sessions/bad-persona/metadata.json", "{}");
    bot.write("sessions/bad-persona/persona.json", "[]");
    bot.write("sessions/empty/notes.txt", "");
    bot.write("sessions/file", "");
    let mut taken = SessionRecord::new(
        "taken".parse().unwrap(),
        UserId("telegram:7".to_owned()),
        PathBuf::from("/srv/taken"),
        "claude",
        Timestamp(0),
    );
    taken.conversation = Some(FIRST.to_owned());
    let planned = bot.plan(vec![taken]);
    let row = |name: &str| (planned[name].row.outcome, planned[name].row.note.as_str());
    let at = |name: &str, file: &str| bot.path("sessions").join(name).join(file).display().to_string();
    assert_eq!(planned.len(), 8, "`copy` has the name of `good`");
    for (name, outcome, note) in [
        ("a name", ImportOutcome::Invalid, "'a name' is not a session name".to_owned()),
        ("bad-persona", ImportOutcome::Invalid, format!("{}: it must contain", at("bad-persona", "persona.json"))),
        ("broken", ImportOutcome::Invalid, format!("{}: it is not valid JSON", at("broken", "metadata.json"))),
        ("empty", ImportOutcome::Invalid, format!("failed to read {}: No such file", at("empty", "metadata.json"))),
        (
            "good",
            ImportOutcome::Conflict,
            format!("a session of this name works in {}", bot.path("sessions/copy").display()),
        ),
        ("long", ImportOutcome::Invalid, "idle_timeout is 30d, but must be between 1s and 7d".to_owned()),
        ("same", ImportOutcome::Conflict, format!("session 'taken' already continues conversation {FIRST}")),
        ("taken", ImportOutcome::Conflict, "a session of this name works in /srv/taken: rename it".to_owned()),
    ] {
        let (found, reason) = row(name);
        assert!(found == outcome && reason.starts_with(&note), "{name}: {found:?} {reason}");
        assert!(planned[name].record.is_none());
    }
    let no_sessions = plan(&bot.path("sessions/good"), bot.context(&Config::defaults(), Vec::new())).unwrap_err();
    assert!(no_sessions.to_string().contains("name the bot's folder, which contains the `sessions` folder"));
}

#[test]
fn an_imported_folder_is_not_imported_again() {
    let bot = Bot::new();
    bot.write("sessions/web/metadata.json", "{}");
    let mut record = bot.plan(Vec::new())["web"].record.clone().unwrap();
    record.rename("site".parse().unwrap());
    let again = &bot.plan(vec![record])["site"];
    assert_eq!((again.row.outcome, &again.record), (ImportOutcome::Exists, &None));
    assert_eq!(again.row.note, "session 'site' works in this folder");
}

#[test]
fn taken_session_id_gets_a_suffix() {
    let bot = Bot::new();
    bot.write("sessions/web/metadata.json", "{}");
    let owner = UserId("telegram:7".to_owned());
    let mut other = SessionRecord::new("web".parse().unwrap(), owner, "/srv/other".into(), "claude", Timestamp(0));
    other.rename("shop".parse().unwrap());
    let record = bot.plan(vec![other])["web"].record.clone().unwrap();
    assert_eq!((record.name.as_str(), record.id().as_str()), ("web", "web-2"));
}

#[tokio::test]
async fn an_imported_session_is_stored_with_its_transcript() {
    let bot = Bot::new();
    bot.write("sessions/web/metadata.json", "{}");
    bot.write(&format!("sessions/web/.claude/projects/x/{FIRST}.jsonl"), "{\"cwd\":\"/x\"}\n");
    bot.write("sessions/unreadable/metadata.json", "{}");
    let config = Config::defaults();
    let (mut planned, _) = plan(&bot.path(""), bot.context(&config, Vec::new())).unwrap();
    // The transcript of the first session can't be copied.
    planned[0].transcript = Some(TranscriptCopy { from: bot.path("missing"), to: bot.path("home/projects/x/y.jsonl") });
    let (store, _) = cordboard_store::open(&bot.path("state")).unwrap();
    store_planned(&store, &mut planned).await;
    store.close().await;
    assert_eq!([planned[0].row.outcome, planned[1].row.outcome], [ImportOutcome::Failed, ImportOutcome::Imported]);
    assert!(planned[0].row.note.starts_with("failed to copy "), "{}", planned[0].row.note);
    let stored = cordboard_store::read_only(&bot.path("state")).unwrap().sessions;
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].name.as_str(), stored[0].conversation.as_deref()), ("web", Some(FIRST)));
    assert!(planned[1].transcript.as_ref().unwrap().to.is_file());
}
