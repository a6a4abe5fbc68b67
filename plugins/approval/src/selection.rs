//! Lets a user choose several options of a question with buttons. The plugin's state contains the options that are
//! chosen so far, until the question is answered.

use cordboard_plugin::{
    Reply,
    requests::{Choice, Request},
    state, tr,
};

/// The words after `/answer #number` that select or deselect an option, and that answer with the chosen options.
const TOGGLE: &str = "toggle";
const DONE: &str = "done";

const PREFIX: &str = "selected/";

/// The maximum number of attempts to store a choice when other calls store theirs at the same time.
const ATTEMPTS: usize = 20;

/// A step of choosing several options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Selects or deselects the option with this id.
    Toggle(String),
    /// Answers with the chosen options.
    Done,
}

/// Returns the step, or `None` if `words` are an answer. Only questions that accept several options have steps.
pub fn parse(open: &Request, words: &str) -> Option<Step> {
    let mut words = words.split_whitespace();
    let step = match (words.next()?, words.next()) {
        (DONE, None) => Step::Done,
        (TOGGLE, Some(id)) if open.choice(id).is_some_and(needs_no_text) => Step::Toggle(id.to_owned()),
        _ => return None,
    };
    (open.multiple && words.next().is_none()).then_some(step)
}

/// Selects or deselects an option, and returns the ids of the selected ones, in the order of the question.
pub fn toggle(open: &Request, id: &str) -> Result<Vec<String>, String> {
    let key = key(open);
    // The session's earlier questions are closed.
    for old in state::keys(&format!("{PREFIX}{}#", open.session)).iter().filter(|old| **old != key) {
        state::delete(old)?;
    }
    let mut stored = state::get(&key);
    for _ in 0..ATTEMPTS {
        let chosen = toggled(open, &ids(stored.as_deref()), id);
        match state::compare_and_swap(&key, stored.as_deref(), Some(chosen.join(" ").as_bytes())) {
            Ok(()) => return Ok(chosen),
            Err(state::SwapError::Changed(current)) => stored = current,
            Err(state::SwapError::Failed(why)) => return Err(why),
        }
    }
    Err(tr!("Others are choosing options at the same time. Try again."))
}

/// Returns the ids of the chosen options.
pub fn chosen(open: &Request) -> Vec<String> {
    ids(state::get(&key(open)).as_deref())
}

/// Deletes the stored choices of an answered question.
pub fn forget(open: &Request) -> Result<(), String> {
    state::delete(&key(open))
}

/// Returns the question's buttons, which show the chosen options. When a button is pressed, the host replaces only the
/// buttons of the question's message. The text is for users who typed the command.
pub fn page(open: &Request, chosen: &[String]) -> Reply {
    let number = open.number;
    let is_chosen = |choice: &&Choice| chosen.contains(&choice.id);
    let labels: Vec<&str> = open.choices.iter().filter(is_chosen).map(|choice| choice.label.as_str()).collect();
    let text = match labels.as_slice() {
        [] => tr!("Nothing is chosen yet."),
        labels => tr!("Chosen: {labels}. To answer, use /answer #{number} done.", labels = labels.join(", "), number),
    };
    let mut reply = Reply::plain(&text).in_place();
    for choice in &open.choices {
        let Choice { id, label, .. } = choice;
        reply = if needs_no_text(choice) {
            let mark = if is_chosen(&choice) { '☑' } else { '☐' };
            reply.button(format!("{mark} {label}"), format!("/answer #{number} {TOGGLE} {id}"))
        } else {
            reply.button(label.as_str(), format!("/answer #{number} {id}"))
        };
    }
    if labels.is_empty() { reply } else { reply.button(tr!("Done"), format!("/answer #{number} {DONE}")) }
}

fn toggled(open: &Request, chosen: &[String], id: &str) -> Vec<String> {
    let is_chosen = |choice: &&Choice| chosen.contains(&choice.id) != (choice.id == id);
    open.choices.iter().filter(is_chosen).map(|choice| choice.id.clone()).collect()
}

fn key(open: &Request) -> String {
    format!("{PREFIX}{}#{}", open.session, open.number)
}

fn ids(stored: Option<&[u8]>) -> Vec<String> {
    let text = stored.map(String::from_utf8_lossy).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn needs_no_text(choice: &Choice) -> bool {
    choice.text != "required"
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::permission;

    use super::*;

    fn question() -> Request {
        let choice = |id: &str, text: &str| Choice { id: id.into(), label: format!("label {id}"), text: text.into() };
        let choices = vec![choice("1", "no"), choice("2", "no"), choice("other", "required")];
        Request { kind: "question".to_owned(), choices, multiple: true, ..permission("alpha", 4) }
    }

    #[test]
    fn only_questions_with_several_answers_have_steps() {
        let open = question();
        assert_eq!(parse(&open, "toggle 2"), Some(Step::Toggle("2".to_owned())));
        assert_eq!(parse(&open, "done"), Some(Step::Done));
        for words in ["1 2", "toggle", "toggle 3", "toggle other", "toggle 1 2", "done with it"] {
            assert_eq!(parse(&open, words), None, "{words}");
        }
        assert_eq!(parse(&Request { multiple: false, ..open }, "done"), None);
    }

    #[test]
    fn an_option_is_chosen_and_unchosen() {
        let open = question();
        let chosen =
            |before: &[&str], id| toggled(&open, &before.iter().map(|&id| id.to_owned()).collect::<Vec<_>>(), id);
        assert_eq!(chosen(&[], "2"), ["2"]);
        assert_eq!(chosen(&["2"], "1"), ["1", "2"], "in the order of the question");
        assert_eq!(chosen(&["1", "2"], "2"), ["1"]);
    }

    #[test]
    fn the_buttons_show_the_chosen_options() {
        let labels = |chosen: &[String]| {
            let reply = page(&question(), chosen);
            assert!(reply.in_place);
            reply.buttons.into_iter().flatten().map(|button| button.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(&["2".to_owned()]), ["☐ label 1", "☑ label 2", "label other", "Done"]);
        assert_eq!(labels(&[]), ["☐ label 1", "☐ label 2", "label other"], "an empty answer can't be sent");
    }
}
