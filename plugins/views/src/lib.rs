//! Renders turns. The `normal` mode shows the answer as one message, and below it a line with the current task and
//! action and the elapsed time. `verbose` adds thoughts, actions and the task list; `smart` and `quiet` omit the text
//! between actions. A mode must not send an empty message, or a message that a later frame removes.

mod german;
mod quiet_and_smart;
mod verbose;

use cordboard_plugin::{
    Reply, View,
    text::{escape, literal, short_span},
    tr,
    view::{Action, Limits, Part, Summary, Turn, TurnFrame},
};

/// The maximum length of a title in the live line, in characters: one or two lines on a phone.
const MAX_TITLE: usize = 80;

/// The maximum length of the current task's title when it precedes an action, in characters.
const MAX_TASK: usize = 40;

struct Views;

impl View for Views {
    fn modes() -> Result<Vec<Summary>, String> {
        let mode = |name: &str, description| Summary { name: name.to_owned(), description };
        Ok(vec![
            mode("normal", tr!("The answer, and one line about the current action of the agent")),
            mode("quiet", tr!("Only the final answer, when the agent has finished")),
            mode("smart", tr!("The final answer, below a summary of the work")),
            mode("verbose", tr!("The answer with the thoughts, actions and tasks of the agent")),
        ])
    }

    fn render(mode: &str, turn: Turn, _limits: Limits) -> Result<TurnFrame, String> {
        match mode {
            "normal" => Ok(normal(&turn)),
            "smart" => Ok(quiet_and_smart::smart(&turn)),
            "quiet" => Ok(quiet_and_smart::quiet(&turn)),
            "verbose" => Ok(verbose::verbose(&turn)),
            other => Err(format!("unknown mode '{other}'")),
        }
    }
}

fn normal(turn: &Turn) -> TurnFrame {
    let answer = answer(turn);
    let live = (!turn.done).then(|| live(turn));
    let message = if turn.done {
        with_end(turn, answer)
    } else if action_follows(turn) {
        Some(format!("{answer}\n")).filter(|_| !answer.is_empty())
    } else {
        Some(answer).filter(|answer| !answer.is_empty())
    };
    TurnFrame { live, messages: message.map(Reply::text).into_iter().collect() }
}

/// Returns the message of a finished turn, which is never empty.
fn with_end(turn: &Turn, text: String) -> Option<String> {
    Some(match (&turn.error, text.is_empty()) {
        (Some(error), true) => error_line(error),
        (Some(error), false) => format!("{}\n\n{}", close_code_block(&text), error_line(error)),
        (None, true) => tr!("Done."),
        (None, false) => text,
    })
}

/// Joins all text parts of the turn as paragraphs.
fn answer(turn: &Turn) -> String {
    joined(&turn.parts)
}

/// Joins the text parts as paragraphs.
fn joined(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim_matches('\n').trim_end()).filter(|text| !text.trim().is_empty()),
        Part::Action(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// Returns whether an action follows the last text. If so, the text's last line is complete, and a console can print
/// it.
fn action_follows(turn: &Turn) -> bool {
    let last = turn.parts.iter().rfind(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
    matches!(last, Some(Part::Action(_)))
}

/// Returns the current task and the running action with the elapsed time. If there is neither, returns "Writing" or
/// "Thinking" instead, so that a stalled answer doesn't look complete.
fn live(turn: &Turn) -> String {
    let running = |wanted: fn(&Action) -> bool| {
        turn.parts.iter().rev().find_map(|part| match part {
            Part::Action(action) if !action.done && wanted(action) => Some(action.title.as_str()),
            Part::Action(_) | Part::Text(_) => None,
        })
    };
    let (task, action) = (running(verbose::is_list), running(|action| !verbose::is_list(action)));
    let what = match (task, action) {
        (Some(task), Some(action)) => escape(&one_line(&format!("{} · {action}", one_line(task, MAX_TASK)), MAX_TITLE)),
        (Some(title), None) | (None, Some(title)) => escape(&one_line(title, MAX_TITLE)),
        (None, None) if answer(turn).is_empty() || action_follows(turn) => tr!("Thinking"),
        (None, None) => tr!("Writing"),
    };
    if turn.elapsed == 0 { format!("{what}…") } else { format!("{what}… {}", short_span(turn.elapsed)) }
}

/// Cuts the title to one line and strips trailing dots, because an ellipsis or a separator follows.
fn one_line(title: &str, most: usize) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(most).collect();
    short.trim_end_matches(['…', '.', ' ']).to_owned()
}

fn error_line(error: &str) -> String {
    let error = error.trim();
    let reason = if error.is_empty() { tr!("The agent failed without giving a reason.") } else { literal(error) };
    format!("⚠ {reason}")
}

/// Closes an open code block, so that the following text isn't part of it.
fn close_code_block(text: &str) -> String {
    let mut open: Option<&str> = None;
    for line in text.lines().map(str::trim_start) {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match open {
            None if ticks >= 3 => open = Some(&line[..ticks]),
            Some(fence) if ticks >= fence.len() && line[ticks..].trim().is_empty() => open = None,
            None | Some(_) => {}
        }
    }
    open.map_or_else(|| text.to_owned(), |fence| format!("{text}\n{fence}"))
}

cordboard_plugin::export!(Views: view; german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::{session, with_translation};

    use super::*;

    fn turn(parts: Vec<Part>) -> Turn {
        Turn { session: session("x"), elapsed: 12, parts, done: false, error: None, cost_usd: None, facts: vec![] }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn action(title: &str, done: bool) -> Part {
        let (id, kind) = (title.to_owned(), "tool".to_owned());
        Part::Action(Action {
            id,
            kind,
            title: title.to_owned(),
            detail: String::new(),
            done,
            failed: false,
            facts: vec![],
        })
    }

    fn detailed(kind: &str, title: &str, detail: &str, done: bool) -> Part {
        let Part::Action(action) = action(title, done) else { unreachable!("an action") };
        Part::Action(Action { kind: kind.to_owned(), detail: detail.to_owned(), ..action })
    }

    fn failed(title: &str, detail: &str) -> Part {
        let Part::Action(action) = detailed("tool", title, detail, true) else { unreachable!("an action") };
        Part::Action(Action { failed: true, ..action })
    }

    fn shown(turn: &Turn) -> (Option<String>, Vec<String>) {
        texts(normal(turn))
    }

    fn shown_verbosely(turn: &Turn) -> (Option<String>, Vec<String>) {
        texts(verbose::verbose(turn))
    }

    fn texts(frame: TurnFrame) -> (Option<String>, Vec<String>) {
        (frame.live, frame.messages.into_iter().map(|message| message.text).collect())
    }

    #[test]
    fn a_running_turn_shows_its_text_and_activity() {
        assert_eq!(shown(&turn(vec![])), (Some("Thinking… 12 s".into()), vec![]));
        assert_eq!(shown(&turn(vec![text("Hel")])), (Some("Writing… 12 s".into()), vec!["Hel".into()]));
        let mut parts = vec![text("I look.\n"), action("Read a.rs", true), action("Run  tests\nnow", false), text("")];
        assert_eq!(shown(&turn(parts.clone())), (Some("Run tests now… 12 s".into()), vec!["I look.\n".into()]));
        parts[2] = action("Run", true);
        assert_eq!(shown(&turn(parts)).0, Some("Thinking… 12 s".into()));
    }

    #[test]
    fn a_truncated_title_has_one_ellipsis() {
        let title = format!("Bash: {}…", "x".repeat(70));
        let now = Turn { elapsed: 0, ..turn(vec![action(&title, false)]) };
        assert_eq!(shown(&now).0, Some(title));
        let longer = Turn { elapsed: 0, ..turn(vec![action(&"y".repeat(200), false)]) };
        assert_eq!(shown(&longer).0, Some(format!("{}…", "y".repeat(MAX_TITLE))));
    }

    #[test]
    fn the_live_line_follows_the_language() {
        with_translation(&german::GERMAN, || {
            assert_eq!(shown(&turn(vec![])).0, Some("Denkt nach… 12 s".into()));
            assert_eq!(shown(&turn(vec![text("Hal")])).0, Some("Schreibt… 12 s".into()));
            let done = Turn { done: true, ..turn(vec![action("x", true)]) };
            assert_eq!(shown(&done).1, ["Fertig."]);
            let summary = texts(quiet_and_smart::smart(&done)).1;
            assert!(summary[0].ends_with("12 s"), "{summary:?}");
        });
    }

    #[test]
    fn a_finished_turn_is_never_empty() {
        let done = |parts| Turn { done: true, ..turn(parts) };
        assert_eq!(shown(&done(vec![text("A"), action("x", false), text("B")])), (None, vec!["A\n\nB".into()]));
        assert_eq!(shown(&done(vec![action("x", true)])), (None, vec!["Done.".into()]));
    }

    #[test]
    fn an_error_is_shown_below_the_partial_text() {
        let failed = |parts| Turn { done: true, error: Some("it died".into()), ..turn(parts) };
        assert_eq!(shown(&failed(vec![])).1, ["⚠ it died"]);
        let mute = Turn { done: true, error: Some(" ".into()), ..turn(vec![]) };
        assert_eq!(shown(&mute).1, ["⚠ The agent failed without giving a reason."]);
        assert_eq!(shown(&failed(vec![text("Half")])).1, ["Half\n\n⚠ it died"]);
        assert_eq!(shown(&failed(vec![text("```rust\nfn")])).1, ["```rust\nfn\n```\n\n⚠ it died"]);
        let nasty = Turn { done: true, error: Some("__x__ failed:\nno \\d+".into()), ..turn(vec![]) };
        assert_eq!(shown(&nasty).1, ["⚠ `__x__ failed:`\n`no \\d+`"]);
        assert_eq!(close_code_block("```\na\n```\nb"), "```\na\n```\nb");
    }

    #[test]
    fn the_current_task_precedes_the_action() {
        let list = |done| detailed("todo", "2/3 Run the tests", "☑ Read\n☐ Run the tests\n☐ Write", done);
        let live = |parts| shown(&turn(parts)).0.unwrap();
        assert_eq!(live(vec![list(false)]), "2/3 Run the tests… 12 s");
        assert_eq!(
            live(vec![list(false), action("Bash: cargo test", false)]),
            "2/3 Run the tests · Bash: cargo test… 12 s"
        );
        assert_eq!(live(vec![list(false), action("Bash: ls", true), text("So")]), "2/3 Run the tests… 12 s");
        assert_eq!(live(vec![list(true), text("So")]), "Writing… 12 s");
        let long = detailed("todo", &"x".repeat(80), "", false);
        assert_eq!(live(vec![long, action("Bash: ls", false)]), format!("{} · Bash: ls… 12 s", "x".repeat(MAX_TASK)));
    }

    #[test]
    fn normal_hides_thoughts_and_the_list() {
        let parts =
            vec![detailed("think", "Thinking", "Deep.", true), detailed("todo", "1/1 a", "☐ a", true), text("A")];
        assert_eq!(shown(&Turn { done: true, ..turn(parts) }), (None, vec!["A".into()]));
    }

    #[test]
    fn verbose_shows_thoughts_actions_and_the_list() {
        let parts = vec![
            detailed("think", "Thinking", "First,\n\nI *look*.", true),
            detailed("todo", "2/2 Run", "☑ Read\n☐ Run", false),
            action("Read: a_.rs", true),
            failed("Bash: ls", "no\n\nsuch `file`"),
            text("It is```\nhere.\n"),
            detailed("think", "Thinking", "", true),
            action("Bash: cargo test", false),
        ];
        let begun =
            "> First,\n> \n> I \\*look\\*.\n\n✓ Read: a\\_.rs\n✗ Bash: ls\n`no`\n`` such `file` ``\n\nIt is```\nhere.";
        let live = "2/2 Run · Bash: cargo test… 12 s\n☑ Read\n☐ Run";
        assert_eq!(shown_verbosely(&turn(parts.clone())), (Some(live.into()), vec![format!("{begun}\n")]));
        let done = Turn { done: true, ..turn(parts.clone()) };
        assert_eq!(shown_verbosely(&done), (None, vec![format!("{begun}\n\n☑ Read\n☐ Run")]));
        let failed = Turn { error: Some("it died".into()), ..done };
        assert_eq!(shown_verbosely(&failed).1, [format!("{begun}\n\n☑ Read\n☐ Run\n\n⚠ it died")]);
    }

    #[test]
    fn quiet_shows_only_the_quiet_and_smart() {
        let parts = vec![text("I look."), action("Read: a", true), text("It is 4.")];
        assert_eq!(texts(quiet_and_smart::quiet(&turn(parts.clone()))), (None, vec![]));
        let done = |parts| texts(quiet_and_smart::quiet(&Turn { done: true, ..turn(parts) })).1;
        assert_eq!(done(parts), ["It is 4."]);
        assert_eq!(done(vec![text("I look."), action("Read: a", true)]), ["I look."]);
        assert_eq!(done(vec![action("Read: a", true)]), ["Done."]);
    }

    #[test]
    fn smart_streams_the_beginning_and_sums_up_the_work() {
        let smart = |turn: &Turn| texts(quiet_and_smart::smart(turn));
        let mut parts = vec![detailed("think", "Thinking", "Deep.", true), text("I look.")];
        assert_eq!(smart(&turn(parts.clone())), (Some("Writing… 12 s".into()), vec!["I look.".into()]));
        assert_eq!(smart(&Turn { done: true, ..turn(parts.clone()) }), (None, vec!["I look.".into()]));
        parts.extend([action("Read: a", true), text("Hm."), failed("Bash: ls", "no"), action("Bash: b_c", false)]);
        assert_eq!(smart(&turn(parts.clone())), (Some("Bash: b_c… 12 s".into()), vec!["I look.\n".into()]));
        parts.push(text("It is 4."));
        let done = Turn { done: true, ..turn(parts.clone()) };
        assert_eq!(smart(&done).1, ["I look.\n\n✓ 2× Bash, 1× Read (1 failed), 12 s\n\nIt is 4."]);
        let stopped = Turn { error: Some("it died".into()), ..done };
        assert!(smart(&stopped).1[0].ends_with("It is 4.\n\n⚠ it died"));
        let repeated = detailed("retry", "API overloaded (529); retry 1 of 10 in 1 s", "overloaded", true);
        let parts = vec![text("I look."), repeated.clone(), action("Read: a", true), repeated, text("It is 4.")];
        assert_eq!(smart(&Turn { done: true, ..turn(parts) }).1, ["I look.\n\n✓ 1× Read, 12 s\n\nIt is 4."]);
        let many = "abcdef".chars().map(|name| action(&name.to_string(), true)).collect();
        assert_eq!(smart(&Turn { done: true, ..turn(many) }).1, ["✓ 1× a, 1× b, 1× c, 1× d, 2 other uses, 12 s"]);
    }

    #[test]
    fn verbose_is_never_empty_at_the_end() {
        assert_eq!(shown_verbosely(&turn(vec![])), (Some("Thinking… 12 s".into()), vec![]));
        assert_eq!(shown_verbosely(&turn(vec![action("Read", false)])), (Some("Read… 12 s".into()), vec![]));
        assert_eq!(shown_verbosely(&Turn { done: true, ..turn(vec![]) }), (None, vec!["Done.".into()]));
        assert_eq!(shown_verbosely(&turn(vec![text("Hel")])).1, ["Hel"]);
    }

    #[test]
    fn verbose_closes_a_code_block_before_an_action() {
        let parts = vec![text("```rust\nfn"), action("Read", true)];
        assert_eq!(shown_verbosely(&turn(parts)).1, ["```rust\nfn\n```\n\n✓ Read\n"]);
    }
}
