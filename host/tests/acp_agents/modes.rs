//! Tests the permission modes that each agent offers.

use crate::{
    agent::{Agent, suspend},
    agent_host::AgentHost,
};

#[test]
fn claude_edits_without_a_question_in_its_mode() {
    Agent::Claude.run("", |host| {
        host.ask("/new a", "Session 'a' created.");
        let inside = host.path("state/sessions/a/made");
        let write = format!("write {}", inside.display());
        host.ask(&write, "/answer #1 deny");
        host.ask("/permissions mode acceptEdits", "Permission mode of session 'a': acceptEdits.");
        host.ask("/deny", "The tool said: ");
        host.phase("idle");
        assert!(!inside.exists());
        let shown = host.ask(&write, "The tool said: ");
        assert!(inside.exists() && !shown.contains("asks for permission"), "{shown}");
        suspend(host);
        std::fs::remove_file(&inside).unwrap();
        let shown = host.ask(&write, "The tool said: ");
        assert!(inside.exists() && !shown.contains("asks for permission"), "{shown}");
        host.phase("idle");
        host.ask("/permissions mode default", "Permission mode of session 'a': default.");
        std::fs::remove_file(&inside).unwrap();
        host.ask(&write, "/answer #2 deny");
        host.ask("/deny", "The tool said: ");
        assert!(!inside.exists());
    });
}

/// opencode offers the modes `build` (its default) and `plan`, and stores the mode with the conversation.
#[test]
fn opencode_plans_until_the_mode_is_default() {
    Agent::Opencode.run("", |host| {
        host.ask("/new a", "Session 'a' created.");
        assert!(!plans(host, "one"));
        host.ask("/permissions mode plan", "Permission mode of session 'a': plan.");
        assert!(plans(host, "two"));
        suspend(host);
        assert!(plans(host, "three"));
        host.ask("/permissions mode default", "Permission mode of session 'a': default.");
        assert!(!plans(host, "four"));
        // Setting a mode that the agent doesn't offer has no effect.
        host.ask(
            "/permissions mode acceptEdits",
            "rejected the permission mode and keeps its own. It offers: build, plan.",
        );
        host.ask("bash touch made", "/answer #1 deny");
        host.ask("/allow", "The tool said: ");
    });
}

/// Returns whether the prompt tells the model to plan.
fn plans(host: &mut AgentHost, prompt: &str) -> bool {
    host.ask(prompt, &format!("You said: {prompt}"));
    host.phase("idle");
    host.api.last()["messages"].as_array().unwrap().last().unwrap().to_string().contains("Plan mode ACTIVE")
}
