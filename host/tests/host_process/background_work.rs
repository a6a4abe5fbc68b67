//! Tests background work that continues after a turn, and processes that outlive their agent.

use std::path::Path;

use super::{
    cgroups::{HIDE, cgroups, is_running},
    support::{Home, Host, until},
};

/// An agent that reports the background work named in a prompt, but doesn't perform it. Only the prompt `hide` starts a
/// real process.
const WORKER: &str = r#"
PATH=/usr/local/bin:/usr/bin:/bin
result() { say '{"type":"user","message":{"role":"user","content":[]},"tool_use_result":'"$1"'}'; }
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      text=done
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      case "$line" in
        *'"build"'*) say '{"type":"system","subtype":"background_tasks_changed","tasks":[{"task_id":"b","description":"build"}]}' ;;
        *'"schedule"'*) result '{"id":"5ec44a43","humanSchedule":"Every 5 minutes","recurring":true,"durable":false}' ;;
        *'"cancel"'*) result '{"id":"5ec44a43"}' ;;
        *'"hide"'*) text="process $(hide)" ;;
      esac
      say '{"type":"result","subtype":"success","result":"'"$text"'","user_message_uuids":["'$id'"]}' ;;
  esac
done
"#;

fn worker(more: &str) -> Home {
    let home = Home::new();
    let command = home.script("agent", &format!("hide() {{ {HIDE}; }}\n{WORKER}"));
    let agent = format!("[agents]\ndefault = \"worker\"\n[agents.worker]\nkind = \"claude\"\ncommand = {command:?}");
    home.write_config(&format!("{agent}\n{more}"));
    home
}

/// Makes the agent run [`HIDE`], and returns the pid of the hidden process.
fn hide(host: &mut Host<'_>) -> String {
    host.say("hide");
    host.expect("process ");
    host.expect("\n").trim().to_owned()
}

#[test]
fn hidden_processes_end_with_suspend_and_after_a_kill() {
    let home = worker("");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    let pid = hide(&mut host);
    let environment = std::fs::read(format!("/proc/{}/environ", host.agent("a"))).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let state = environment.split('\0').find_map(|variable| variable.strip_prefix("CORDBOARD_HOST=")).unwrap();
    let permitted = !cgroups(state).is_empty();
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    if !permitted {
        host.expect(&format!("the host found running processes that it can't attribute to any agent: {pid}."));
        return;
    }
    host.await_phase("a", "suspended");
    assert!(!is_running(&pid), "{pid} outlived its agent");
    assert_eq!(cgroups(state), [] as [&Path; 0]);

    let pid = hide(&mut host);
    host.kill();
    assert!(is_running(&pid));
    let host = home.start();
    until("the next host ends the process", || !is_running(&pid));
    until("the cgroup is removed", || cgroups(state).is_empty());
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn a_killed_host_is_followed_by_a_notice_of_ended_work() {
    let home = worker("");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("build", "done");
    host.kill();
    let mut host = home.start();
    host.expect(
        "Cordboard was stopped while the agent of session 'a' was working in the background: build. That work has ended. \
         Ask the agent to start it again.\n",
    );
    host.ask("hello", "done");
    assert_eq!(host.end(), (String::new(), Some(0)));
    assert_eq!(home.start().end(), (String::new(), Some(0)));
}

#[test]
fn a_session_with_scheduled_prompts_is_not_suspended() {
    let home = worker("[sessions]\nidle_timeout = \"1s\"");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("schedule", "done");
    host.ask(
        "/suspend",
        "The agent of session 'a' is still working in the background: wake-ups (Every 5 minutes). To end that work, use \
         /suspend a anyway.\n  [Suspend anyway] /suspend a anyway",
    );
    assert_eq!(host.session("a")["background"][0], "wake-ups (Every 5 minutes)");
    host.ask("cancel", "done");
    host.await_phase("a", "suspended");
    assert_eq!(host.end(), (String::new(), Some(0)));
}
