//! Tests how background work is tracked.

use super::*;

fn task(id: &str, about: &str) -> Value {
    json!({ "task_id": id, "task_type": "local_bash", "description": about })
}

#[test]
fn background_work_is_tracked_from_each_message() {
    let in_foreground = json!({ "task_id": "f", "description": "wait", "is_backgrounded": false });
    let lines = decode(&[
        system("task_started", in_foreground),
        system("background_tasks_changed", json!({ "tasks": [task("a", "build"), task("b", "")] })),
        system("task_started", task("a", "build")),
        system("task_started", task("c", "a subagent")),
        system("task_updated", json!({ "task_id": "a", "patch": { "status": "running" } })),
        system("task_updated", json!({ "task_id": "a", "patch": { "status": "completed" } })),
        system("task_notification", json!({ "task_id": "b", "status": "failed" })),
        system("task_notification", json!({ "task_id": "b", "status": "failed" })),
        system("background_tasks_changed", json!({ "tasks": [] })),
        system("background_tasks_changed", json!({})),
    ]);
    assert_eq!(
        lines,
        [
            r#"background ["build", "local_bash"]"#,
            r#"background ["build", "local_bash", "a subagent"]"#,
            r#"background ["local_bash", "a subagent"]"#,
            r#"background ["a subagent"]"#,
            "background []",
        ]
    );
}

fn result(result: &Value) -> Value {
    json!({ "type": "user", "message": { "content": [] }, "tool_use_result": result })
}

#[test]
fn a_wake_up_is_read_from_its_tool_result() {
    let result = |time: Value| result(&json!({ "scheduledFor": time }));
    let lines = decode(&[
        result(json!(1_795_246_666_409_u64)),
        result(json!(1_795_246_666)),
        result(json!("2026-11-21T07:37:46.409Z")),
        result(Value::Null),
        result(json!("soon")),
        result(json!(1_795_246_666)),
        result(json!(0)),
        json!({ "type": "user", "message": { "content": [] }, "tool_use_result": "scheduledFor" }),
    ]);
    assert_eq!(
        lines,
        [
            r#"background ["a wake-up until 1795246666409"]"#,
            r#"background ["a wake-up until 1795246666000"]"#,
            r#"background ["a wake-up until 1795246666409"]"#,
            "background []",
            r#"background ["a wake-up until 1795246666000"]"#,
            "background []",
        ]
    );
}

/// The tool results are from version 2.1.329 of the CLI.
#[test]
fn scheduled_jobs_are_background_work() {
    let created = json!({ "id": "5ec44a43", "humanSchedule": "Every 5 minutes", "recurring": true, "durable": false,
        "nextFireAt": 1_795_861_655_504_u64 });
    let once = json!({ "id": "5e1ebf38", "humanSchedule": "Every day at 4:30 AM", "recurring": false, "durable": false,
        "nextFireAt": 1_795_926_566_910.900_4 });
    let listed = json!({ "jobs": [{ "id": "5e1ebf38", "cron": "30 4 * * *", "humanSchedule": "Every day at 4:30 AM",
        "prompt": "once", "durable": false, "nextFireAt": 1_795_926_566_910.900_4 }] });
    let mut of_subagent = result(&json!({ "jobs": [] }));
    of_subagent["parent_tool_use_id"] = "t1".into();
    let lines = decode(&[
        result(&created),
        system("background_tasks_changed", json!({ "tasks": [task("a", "build")] })),
        result(&once),
        result(&json!("Error: Too many scheduled jobs (max 50). Cancel one first.")),
        result(&json!({ "id": "another" })),
        result(&json!({ "scheduledFor": 1_795_861_500_000_u64 })),
        result(&json!({ "id": "loop", "endedLoopWakeup": true })),
        result(&json!({ "id": "5ec44a43" })),
        result(&created),
        result(&listed),
        of_subagent,
        result(&json!({ "jobs": [] })),
    ]);
    let (job, once) = (r#""wake-ups (Every 5 minutes) until 1796466455504""#, r#""a wake-up until 1795926566910""#);
    assert_eq!(
        lines,
        [
            format!("background [{job}]"),
            format!(r#"background ["build", {job}]"#),
            format!(r#"background ["build", {job}, {once}]"#),
            format!(r#"background ["build", {job}, {once}, "a wake-up until 1795861500000"]"#),
            format!(r#"background ["build", {job}, {once}]"#),
            format!(r#"background ["build", {once}]"#),
            format!(r#"background ["build", {once}, {job}]"#),
            format!(r#"background ["build", {once}]"#),
            r#"background ["build"]"#.to_owned(),
        ]
    );
}
