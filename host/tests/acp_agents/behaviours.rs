//! Tests the behaviors that both agents share. Each function tests one behavior and runs once per agent.

use crate::{
    agent::{Agent, processes, suspend},
    agent_host::eventually,
};

/// Declares one test per behavior and agent.
macro_rules! for_each_agent {
    ($($behaviour:ident),+ $(,)?) => {$(
        mod $behaviour {
            use crate::agent::Agent;

            #[test]
            fn of_claude() {
                super::$behaviour(Agent::Claude);
            }

            #[test]
            fn of_opencode() {
                super::$behaviour(Agent::Opencode);
            }
        }
    )+};
}

for_each_agent!(
    stream,
    permission,
    denied_tool,
    stop,
    stop_during_a_question,
    resume,
    fork,
    model,
    persona,
    api_error,
    agent_command,
    killed_host,
);

const CREATED: &str = "Session 'a' created.";

fn stream(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("count 400", "line 1\n");
        assert_eq!(host.session()["phase"], "busy");
        let pid = host.pid();
        host.until("line 400\n");
        host.ask("hello there", "You said: hello there");
        assert_eq!(host.phase("idle")["turns"], 2);
        assert_eq!(host.pid(), pid);
        assert_eq!(host.api.said(), ["count 400", "hello there"]);
    });
}

fn permission(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        let made = host.path("state/sessions/a/made");
        let shown = host.ask("bash touch made", "/answer #1 deny");
        assert!(shown.contains("Session 'a' in ") && shown.contains(" asks for permission:"), "{shown}");
        assert!(shown.contains("**Bash**\n") && shown.contains("```sh\ntouch made\n```\n"), "{shown}");
        assert!(!made.exists());
        host.ask("/allow", "The tool said: ");
        assert!(made.exists());
        host.phase("idle");
        host.ask("bash touch denied", "/answer #2 deny");
        host.ask("/deny", "Answered: Reject.");
        host.phase("idle");
        assert!(!host.path("state/sessions/a/denied").exists());
        // claude reports the denial to the model in the same turn; opencode reports it with the next prompt.
        let answer = match agent {
            Agent::Claude => "You said: hello",
            Agent::Opencode => "The tool said: The user rejected permission to use this specific tool call.",
        };
        let shown = host.ask("hello", answer);
        let claude = "The tool said: User refused permission to run tool";
        assert_eq!(host.api.last().to_string().contains(claude), matches!(agent, Agent::Claude), "{shown}");
    });
}

fn denied_tool(agent: Agent) {
    agent.run("[access]\ndeny_tools = [\"Bash(touch:*)\"]\n", |host| {
        host.ask("/new a", CREATED);
        host.ask("bash touch denied", "Denied: Bash `touch denied`");
        host.phase("idle");
        assert!(!host.path("state/sessions/a/denied").exists());
        // opencode sends the tool result with this prompt.
        host.ask("hello", " said: ");
        host.phase("idle");
        host.ask("bash mkdir made", "/answer #1 deny");
        host.ask("/allow", "The tool said: ");
        assert!(host.path("state/sessions/a/made").exists());
    });
}

fn stop(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("count 10000", "line 1\n");
        let pid = host.pid();
        host.ask("/stop", "Stopped.");
        host.ask("hello", "You said: hello");
        host.phase("idle");
        host.say("hang");
        // On a busy machine, the agent may miss a cancellation that arrives before the turn has begun.
        eventually("the API has the prompt", || (host.api.count("hang") == 1).then_some(()));
        host.ask("/stop", "Stopped.");
        let shown = host.ask("again", "You said: again");
        assert!(!shown.contains("Stopped"), "the notice is repeated: {shown}");
        assert_eq!(host.pid(), pid);
    });
}

fn stop_during_a_question(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("bash touch stopped", "/answer #1 deny");
        host.ask("/stop", "Stopped.");
        host.phase("idle");
        host.ask("/answer #1 allow", "Session 'a' has no open request #1.");
        host.ask("hello", " said: ");
        assert!(!host.path("state/sessions/a/stopped").exists());
    });
}

fn resume(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("hello", "You said: hello");
        let pid = host.pid();
        suspend(host);
        let shown = host.ask("hello again", "You said: hello again");
        assert!(shown.contains("Resuming session") && !shown.contains("You said: hello\n"), "{shown}");
        assert_ne!(host.pid(), pid);
        assert_eq!(host.api.said(), ["hello", "hello again"]);
        suspend(host);
        host.ask("third", "You said: third");
        assert_eq!(host.api.said(), ["hello", "hello again", "third"]);
    });
}

fn fork(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("hello", "You said: hello");
        host.phase("idle");
        host.ask("/fork b", "Session 'b' continues the conversation of 'a'");
        host.ask("in the fork", "You said: in the fork");
        assert_eq!(host.api.said(), ["hello", "in the fork"]);
        host.ask("/session a", "Switched to session 'a'.");
        host.ask("in the origin", "You said: in the origin");
        assert_eq!(host.api.said(), ["hello", "in the origin"]);
    });
}

fn model(agent: Agent) {
    let name = match agent {
        Agent::Claude => "haiku",
        Agent::Opencode => "anthropic/claude-haiku-4-5",
    };
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("hello", "You said: hello");
        host.ask("/model", &format!("/model {name}"));
        host.ask("/model nonsense", "Unknown model 'nonsense'. Known: ");
        host.ask(&format!("/model {name}"), &format!("Model set to {name} for session 'a'."));
        host.ask("hello again", "You said: hello again");
        let last = host.api.last();
        assert!(last["model"].as_str().unwrap().contains("haiku"), "{}", last["model"]);
        assert_eq!(host.api.said(), ["hello", "hello again"]);
    });
}

fn persona(agent: Agent) {
    let pirate = "[plugins.persona.config.personas.pirate]\ninstructions = \"Talk like a pirate.\"\n";
    agent.run(pirate, |host| {
        host.ask("/new a pirate", "Session 'a' created with persona 'pirate'.");
        host.ask("hello", "You said: hello");
        // Neither agent accepts a system prompt, so the instructions precede the first message.
        assert_eq!(host.api.said(), ["Talk like a pirate.", "hello"]);
        suspend(host);
        host.ask("hello again", "You said: hello again");
        assert_eq!(host.api.said(), ["Talk like a pirate.", "hello", "hello again"]);
    });
}

fn api_error(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("hello", "You said: hello");
        let pid = host.pid();
        let shown = host.ask("error 401", "The fake API says 401.");
        host.phase("idle");
        let after = host.ask("hello again", "You said: hello again");
        let all = format!("{shown}{after}");
        assert_eq!(all.matches("The fake API says 401.").count(), 1, "{all}");
        assert_eq!(all.matches('⚠').count(), 1, "{all}");
        // Both agents retry a request that fails with status 500.
        host.phase("idle");
        let shown = host.ask("stumble 500", "You said: stumble 500");
        assert!(!shown.contains('⚠'), "{shown}");
        assert_eq!(host.api.count("stumble 500"), 2);
        assert_eq!(host.pid(), pid);
    });
}

fn agent_command(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("hello", "You said: hello");
        let listed = host.ask("/commands", "//init");
        assert!(listed.contains("//greet"), "{listed}");
        host.ask("//nonsense", "has no command //nonsense.");
        host.ask("//greet @/etc/passwd", "can't contain a word that starts with '@'");
        host.ask("//greet the parser", "You said: Good morning, the parser");
        // A command in the middle of a message is plain text.
        host.ask("what does /greet do", "You said: what does /greet do");
    });
}

fn killed_host(agent: Agent) {
    agent.run("", |host| {
        host.ask("/new a", CREATED);
        host.ask("count 10000", "line 1\n");
        host.kill();
        host.start();
        host.until("Cordboard was stopped while session 'a' was answering “count 10000”.");
        eventually("the end of the agent", || processes(host).is_empty().then_some(()));
        host.ask("hello", "You said: hello");
    });
}
