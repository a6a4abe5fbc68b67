//! Tests permission requests: the questions, the facts that permission rules compare, and the answers.

use expect_test::expect;

use super::*;

fn option(id: &str, kind: &str, name: &str) -> Value {
    json!({ "optionId": id, "kind": kind, "name": name })
}

fn ask(id: Value, call: Value, options: &[Value]) -> Value {
    let params = json!({ "sessionId": "s1", "toolCall": call, "options": options });
    json!({ "id": id, "method": "session/request_permission", "params": params })
}

fn usual_options() -> [Value; 3] {
    [
        option("a", "allow_always", "Always allow"),
        option("o", "allow_once", "Allow"),
        option("r", "reject_once", "Reject"),
    ]
}

/// Asks about a tool call, and returns the script.
fn asked(call: Value) -> Script {
    let mut script = Script::in_turn();
    script.agent(&ask(json!(7), call, &usual_options()));
    script
}

#[test]
fn options_keep_their_names_and_get_known_ids() {
    let mut script = Script::in_turn();
    let options = [
        option("x", "allow_always", "Always, for this tool"),
        option("y", "allow_always", "Always, for this server"),
        option("z", "allow_once", " "),
        option("n", "reject_always", "Never"),
        option("f", "of_the_future", "?"),
    ];
    script.agent(&ask(json!("a"), json!({ "toolCallId": "t1", "title": "Run" }), &options));
    let shown: Vec<_> = script.asked[0].options.iter().map(|one| format!("{} {}", one.id, one.label)).collect();
    assert_eq!(
        shown,
        ["allow Allow once", "session Always, for this tool", "session2 Always, for this server", "deny Never",]
    );
}

#[test]
fn each_answer_selects_an_option() {
    let answer = |answer: &RequestAnswer| {
        let mut script = asked(json!({ "toolCallId": "t1", "title": "Run" }));
        script.answer(answer);
        let line = script.trace_end();
        script.answer(answer);
        assert_eq!(script.trace_end(), line, "a question is answered once");
        line
    };
    let chosen = |id: &str| RequestAnswer::Options { ids: vec![id.to_owned()], text: None };
    let selected = |id: &str| format!(r#"> answer 7 {{"outcome":{{"outcome":"selected","optionId":"{id}"}}}}"#);
    assert_eq!(answer(&chosen(RequestOption::ALLOW)), selected("o"));
    assert_eq!(answer(&chosen(RequestOption::ALLOW_FOR_SESSION)), selected("a"));
    assert_eq!(answer(&chosen(RequestOption::DENY)), selected("r"));
    assert_eq!(answer(&RequestAnswer::Denied("a rule".to_owned())), selected("r"));
    let canceled = r#"> answer 7 {"outcome":{"outcome":"cancelled"}}"#;
    assert_eq!(answer(&RequestAnswer::Nobody), canceled);
    // An option that the agent doesn't offer allows nothing.
    assert_eq!(answer(&chosen("other")), canceled);
}

#[test]
fn only_options_of_the_agent_are_shown() {
    let shown = |options: &[Value], answer: RequestAnswer| {
        let mut script = Script::in_turn();
        script.agent(&ask(json!(7), json!({ "toolCallId": "t1", "title": "Run" }), options));
        let shown: Vec<_> = script.asked[0].options.iter().map(|one| format!("{} {}", one.id, one.label)).collect();
        script.answer(&answer);
        format!("{shown:?} {}", script.trace_end())
    };
    let chosen = |id: &str| RequestAnswer::Options { ids: vec![id.to_owned()], text: None };
    let denied = || RequestAnswer::Denied("a rule".to_owned());
    let canceled = r#"> answer 7 {"outcome":{"outcome":"cancelled"}}"#;
    let selected = |id: &str| format!(r#"> answer 7 {{"outcome":{{"outcome":"selected","optionId":"{id}"}}}}"#);
    let (once, always) = (option("r", "reject_once", "No"), option("n", "reject_always", "Never"));
    let both = [always.clone(), once];
    assert_eq!(shown(&both, denied()), format!(r#"["deny No", "never Never"] {}"#, selected("r")));
    assert_eq!(shown(&[always], denied()), format!(r#"["deny Never"] {}"#, selected("n")));
    assert_eq!(shown(&both, chosen(RequestOption::ALLOW)), format!(r#"["deny No", "never Never"] {canceled}"#));
    let allows = [option("a", "allow_always", "Always")];
    for answer in [denied(), chosen(RequestOption::DENY), chosen(RequestOption::ALLOW), RequestAnswer::Nobody] {
        assert_eq!(shown(&allows, answer), format!(r#"["session Always", "deny Cancel"] {canceled}"#));
    }
}

#[test]
fn a_request_without_an_option_to_allow_once_allows_nothing() {
    let mut script = Script::in_turn();
    script.agent(&ask(json!(7), json!({ "toolCallId": "t1" }), &[option("a", "allow_always", "Always")]));
    script.choose(RequestOption::ALLOW);
    assert_eq!(script.trace_end(), r#"> answer 7 {"outcome":{"outcome":"cancelled"}}"#);
}

#[test]
fn a_repeated_request_is_not_asked_again() {
    let mut script = asked(json!({ "toolCallId": "t1", "title": "Run" }));
    script.agent(&ask(json!(7), json!({ "toolCallId": "t2", "title": "Other" }), &usual_options()));
    assert_eq!(script.asked.len(), 1);
    // The agent may reuse the number after an answer. The new question has another id.
    script.choose(RequestOption::DENY);
    script.agent(&ask(json!(7), json!({ "toolCallId": "t2", "title": "Other" }), &usual_options()));
    assert_ne!(script.asked[0].id, script.asked[1].id);
}

#[test]
fn a_question_ends_with_its_turn_or_by_the_agent() {
    let mut script = asked(json!({ "toolCallId": "t1", "title": "Run" }));
    script.agent(&ask(json!(8), json!({ "toolCallId": "t2", "title": "Other" }), &usual_options()));
    script.agent(&json!({ "method": "$/cancel_request", "params": { "requestId": 8 } }));
    script.agent(&json!({ "id": 3, "result": { "stopReason": "end_turn" } }));
    let lines = script.lines();
    let about: Vec<_> = lines.iter().filter(|line| line.contains("cancel")).collect();
    assert_eq!(about, ["cancels 8", r#"> answer 8 {"code":-32800,"message":"Request cancelled"}"#, "cancels 7"]);
}

#[test]
fn a_plan_is_approved_by_a_person_only() {
    let call = json!({ "toolCallId": "t1", "title": "Ready to code?", "kind": "switch_mode",
        "content": [{ "type": "content", "content": { "type": "text", "text": "# Plan\n1. look" } }] });
    let request = asked(call).asked.remove(0);
    assert_eq!((request.kind, request.text.shown.as_str(), request.tool_use), ("plan", "# Plan\n1. look", None));
}

/// Checks the question and the facts that permission rules compare, for calls in the formats of several agents.
#[test]
fn a_call_is_shown_exactly_and_compared_with_rules() {
    let path = format!("{FOLDER}/a.rs");
    let diff =
        |path: &str, old: Value, new: &str| json!({ "type": "diff", "path": path, "oldText": old, "newText": new });
    let calls = [
        json!({ "title": "Edit a.rs", "kind": "edit", "_meta": { "claudeCode": { "toolName": "Edit" } },
            "rawInput": { "file_path": path, "old_string": "a", "new_string": "b" } }),
        json!({ "title": "a.rs", "kind": "edit", "content": [diff(&path, json!("a\n"), "b\n")],
            "locations": [{ "path": path }] }),
        json!({ "title": "edit", "kind": "edit", "rawInput": { "filepath": path, "diff": "-a\n+b" } }),
        json!({ "title": "two", "kind": "edit", "content": [diff(&path, json!("a"), "b"), diff("/etc/x", Value::Null, "c")] }),
        json!({ "title": "ls -la [in the folder]", "kind": "execute" }),
        json!({ "title": "shell", "kind": "execute", "rawInput": { "command": ["bash", "-lc", "git push"], "cwd": "/w" } }),
        json!({ "title": "bash", "name": "bash", "kind": "execute", "rawInput": { "command": "make", "description": "build" } }),
        json!({ "title": "Fetch", "kind": "fetch", "rawInput": { "url": "https://example.org/" } }),
        json!({ "title": "Fetch something", "kind": "fetch" }),
        json!({ "title": "Read", "kind": "read" }),
        json!({ "title": "grep x", "kind": "search", "rawInput": { "pattern": "x" } }),
        json!({ "title": "Send it", "kind": "other", "name": "mcp__mail__send", "rawInput": { "to": "ada" } }),
        json!({ "title": "Something new", "kind": "of_the_future" }),
    ];
    let mut shown = String::new();
    for (number, mut call) in calls.into_iter().enumerate() {
        call["toolCallId"] = number.to_string().into();
        let request = asked(call).asked.remove(0);
        let tool_use = request.tool_use.unwrap();
        let facts = (&tool_use.tool, &tool_use.command, &tool_use.paths, &tool_use.url);
        shown.push_str(&format!("{}\n{facts:?}\n---\n", request.text.shown));
    }
    expect![[r#"
        **Edit** `a.rs`
        ```diff
        -a
        +b
        ```
        ("Edit", None, ["/home/user/work_acp/a.rs"], None)
        ---
        **Edit** `a.rs`
        ```diff
        -a
        +b
        ```
        ("Edit", None, ["/home/user/work_acp/a.rs"], None)
        ---
        **Edit** `a.rs`
        ```diff
        -a
        +b
        ```
        ("Edit", None, ["/home/user/work_acp/a.rs"], None)
        ---
        **Edit**
        ```diff
        a.rs
        -a
        +b
        /etc/x
        +c
        ```
        ("Edit", None, ["/home/user/work_acp/a.rs", "/etc/x"], None)
        ---
        **Bash**
        ```sh
        ls -la [in the folder]
        ```
        ("Bash", Some("ls -la [in the folder]\n\0"), [], None)
        ---
        **Bash**
        ```sh
        git push
        ```
        With `cwd: "/w"`
        ("Bash", Some("git push"), [], None)
        ---
        **Bash**
        build
        ```sh
        make
        ```
        ("Bash", Some("make"), [], None)
        ---
        **WebFetch**
        ```
        https://example.org/
        ```
        ("WebFetch", None, [], Some("https://example.org/"))
        ---
        **WebFetch**
        ```json
        {
          "title": "Fetch something"
        }
        ```
        ("WebFetch", None, [], Some("\0"))
        ---
        **Read**
        ```json
        {
          "title": "Read"
        }
        ```
        ("Read", None, ["\0"], None)
        ---
        **Grep**
        ```json
        {
          "pattern": "x"
        }
        ```
        ("Grep", None, ["/home/user/work_acp"], None)
        ---
        **mcp\_\_mail\_\_send**
        ```json
        {
          "to": "ada"
        }
        ```
        ("mcp__mail__send", None, [], None)
        ---
        **Something new**
        ```json
        {
          "title": "Something new"
        }
        ```
        ("Something new", None, [], None)
        ---
    "#]]
    .assert_eq(&shown);
}

/// A request often repeats only part of a call that the agent has already announced.
#[test]
fn a_request_is_completed_from_the_announced_call() {
    let mut script = Script::in_turn();
    script.update(json!({ "sessionUpdate": "tool_call", "toolCallId": "t1", "title": "Bash", "kind": "execute",
        "rawInput": { "command": "make" } }));
    script.agent(&ask(json!(7), json!({ "toolCallId": "t1" }), &usual_options()));
    let tool_use = script.asked.remove(0).tool_use.unwrap();
    assert_eq!((tool_use.tool.as_str(), tool_use.command.as_deref()), ("Bash", Some("make")));
}
