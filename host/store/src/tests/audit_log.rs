//! Tests the audit log.

use cordboard_core::{
    scrub,
    types::{AuditEntry, DecidedBy},
};

use super::*;

fn entry(session: &str, text: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp(5),
        session: name(session),
        kind: "permission".to_owned(),
        title: format!("Bash: {text}"),
        tool: Some(format!("Bash {text}")),
        input_sha256: None,
        outcome: format!("Allow {text}"),
        by: DecidedBy::User,
        user: Some(format!("Ada {text}")),
        reason: Some(format!("because {text}")),
    }
}

#[tokio::test]
async fn decisions_are_listed_in_order_and_by_session() {
    let state = State::new();
    let (store, _) = state.open();
    assert_eq!(audit_log(state.path(), None).unwrap(), [], "a host without decisions has an empty log");
    let entries = [entry("alpha", "a"), entry("beta", "b"), entry("alpha", "c")];
    for entry in &entries {
        store.append_audit(entry.clone()).await.unwrap();
    }
    assert_eq!(audit_log(state.path(), None).unwrap(), entries);
    let of_alpha = audit_log(state.path(), Some(&name("alpha"))).unwrap();
    assert_eq!(of_alpha, [entries[0].clone(), entries[2].clone()]);
}

#[tokio::test]
async fn decisions_of_a_renamed_session_are_listed_by_its_new_name() {
    let state = State::new();
    let (store, _) = state.open();
    let mut record = record("alpha");
    store.save_session(&record).await.unwrap();
    store.append_audit(entry("alpha", "a")).await.unwrap();
    record.rename(name("beta"));
    store.rename_session(&name("alpha"), &record).await.unwrap();
    store.append_audit(entry("beta", "b")).await.unwrap();
    let of = |session| audit_log(state.path(), Some(&name(session))).unwrap();
    assert_eq!(of("beta"), [entry("alpha", "a"), entry("beta", "b")], "each entry keeps the name at its time");
    assert_eq!(of("alpha"), []);
}

#[tokio::test]
async fn no_text_of_a_decision_contains_a_secret() {
    const SECRET: &str = "sk-audit-7314-Q";
    scrub::remember("(secret audit)", SECRET);
    let state = State::new();
    let (store, _) = state.open();
    store.append_audit(entry("alpha", SECRET)).await.unwrap();
    assert_eq!(audit_log(state.path(), None).unwrap(), [entry("alpha", "(secret audit)")]);
}

#[test]
fn a_state_directory_that_no_host_used_is_an_error() {
    let state = State::new();
    for path in [state.path().to_owned(), state.path().join("missing")] {
        let error = audit_log(&path, None).expect_err("nothing was stored").to_string();
        let text = format!(
            "read the audit log of state directory {}: it contains no database cordboard.db, so no host has used it; \
             name the directory of your host with --state",
            path.display()
        );
        assert_eq!(error, text);
    }
}
