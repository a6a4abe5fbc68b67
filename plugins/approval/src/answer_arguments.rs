//! Parses the arguments of the commands that answer a request. Pure: nothing here calls the host.

use cordboard_plugin::{
    requests::{Choice, Request},
    tr,
};

/// The request that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The only open request of the active session.
    Only,
    /// `#number`: a request of the active session.
    Number(u64),
    /// `name#number`: a request of the named session.
    OfSession(String, u64),
}

/// Splits a command's text into the target and the remaining words.
pub fn split_target(text: &str) -> (Target, &str) {
    let (first, rest) = first_word(text);
    let named = first.split_once('#').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    match named {
        Some(("", number)) => (Target::Number(number), rest),
        Some((name, number)) => (Target::OfSession(name.to_owned(), number), rest),
        None => (Target::Only, text.trim()),
    }
}

/// Returns the first word and the rest, both trimmed.
pub fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

/// Returns the session's open request with this number. Without a number, returns the session's only open request.
pub fn find<'a>(open: &'a [Request], session: &str, number: Option<u64>) -> Option<&'a Request> {
    let mut of_session = open
        .iter()
        .filter(|request| request.session == session && number.is_none_or(|number| request.number == number));
    of_session.next().filter(|_| of_session.next().is_none())
}

/// An answer for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The ids of the choices.
    pub choices: Vec<String>,
    pub text: Option<String>,
}

impl Answer {
    pub fn of(choice: &str) -> Self {
        Self { choices: vec![choice.to_owned()], text: None }
    }

    /// Returns the confirmation of an accepted answer, with the labels of its choices.
    pub fn report(&self, open: Option<&Request>) -> String {
        let label =
            |id: &String| open.and_then(|open| open.choice(id)).map_or(id.clone(), |choice| choice.label.clone());
        let labels: Vec<String> = self.choices.iter().map(label).collect();
        tr!("Answered: {}.", labels.join(", "))
    }
}

/// Parses `<choice>… [text]`. Each choice is an id. If the whole text is a label or a position, it selects that choice;
/// see [`whole_choice`]. If the text doesn't begin with a choice, all of it becomes the answer text of the choice that
/// requires one, unless it looks like a misspelled choice.
pub fn parse(open: Option<&Request>, words: &str) -> Answer {
    if let Some(choice) = open.and_then(|open| whole_choice(open, words.trim())) {
        return Answer::of(&choice.id);
    }
    let mut choices = Vec::new();
    let mut rest = words;
    while let (Some((id, behind)), Some(open)) = (open.and_then(|open| leading_choice(open, rest)), open)
        && (open.multiple || choices.is_empty())
    {
        choices.push(id);
        rest = behind;
    }
    if !choices.is_empty() {
        return Answer { choices, text: text(rest) };
    }
    let is_number = words.chars().all(|letter| letter.is_ascii_digit() || letter == ',' || letter.is_whitespace());
    let is_word = open.is_some_and(|open| open.kind != "question") && !words.trim().contains(char::is_whitespace);
    match open.and_then(|open| open.choices.iter().find(|choice| choice.text == "required")) {
        Some(choice) if !is_number && !is_word => Answer { text: text(words), ..Answer::of(&choice.id) },
        // The host rejects words that don't match a choice, and says why.
        Some(_) | None => Answer { choices: words.split_whitespace().map(str::to_owned).collect(), text: None },
    }
}

/// Returns the choice with this id or label or, unless the ids of the choices are numbers, at this position, counted
/// from 1.
fn whole_choice<'a>(open: &'a Request, text: &str) -> Option<&'a Choice> {
    let is_number = |choice: &Choice| choice.id.parse::<usize>().is_ok();
    let position = || text.parse::<usize>().ok()?.checked_sub(1).filter(|_| !open.choices.iter().any(is_number));
    let has_label = |choice: &&Choice| choice.label.eq_ignore_ascii_case(text);
    open.choice(text).or_else(|| open.choices.iter().find(has_label)).or_else(|| open.choices.get(position()?))
}

/// Returns the id of the choice that `text` begins with, and the rest. A comma may follow a choice.
fn leading_choice<'a>(open: &Request, text: &'a str) -> Option<(String, &'a str)> {
    let is_separator = |letter: char| letter == ',' || letter.is_whitespace();
    let text = text.trim_start();
    let (first, rest) = text.split_at(text.find(is_separator).unwrap_or(text.len()));
    Some((open.choice(first)?.id.clone(), rest.trim_start_matches(is_separator)))
}

/// Returns the text of an answer, or `None` if it is empty.
pub fn text(words: &str) -> Option<String> {
    let text = words.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::permission;

    use super::*;

    fn answer(choices: &[&str], text: Option<&str>) -> Answer {
        Answer { choices: choices.iter().map(|&id| id.to_owned()).collect(), text: text.map(str::to_owned) }
    }

    /// Returns a question with the choices 1 and 2, and, if `other` is set, a choice that requires a text.
    fn question(multiple: bool, other: bool) -> Request {
        let choice =
            |id: &str, label: &str, text: &str| Choice { id: id.into(), label: label.into(), text: text.into() };
        let mut choices = vec![choice("1", "Red", "no"), choice("2", "Blue", "no")];
        choices.extend(other.then(|| choice("other", "Something else", "required")));
        Request { kind: "question".to_owned(), choices, multiple, ..permission("alpha", 1) }
    }

    #[test]
    fn a_target_is_a_number_or_a_session_and_a_number() {
        assert_eq!(split_target("#2 allow"), (Target::Number(2), "allow"));
        assert_eq!(
            split_target(" beta#12  why  too\nrisky "),
            (Target::OfSession("beta".to_owned(), 12), "why  too\nrisky")
        );
        assert_eq!(split_target("#3"), (Target::Number(3), ""));
        for text in ["", "allow", "#x allow", "issue#", "C# please"] {
            assert_eq!(split_target(text), (Target::Only, text), "{text}");
        }
    }

    #[test]
    fn a_request_is_found_by_number_or_as_the_only_one() {
        let open = [permission("alpha", 1), permission("beta", 1), permission("alpha", 2)];
        let found = |session, number| find(&open, session, number).map(|one| (one.session.as_str(), one.number));
        assert_eq!(found("alpha", Some(2)), Some(("alpha", 2)));
        assert_eq!(found("beta", None), Some(("beta", 1)));
        assert_eq!([found("alpha", None), found("alpha", Some(3)), found("gamma", None)], [None; 3]);
    }

    #[test]
    fn words_after_a_choice_are_its_text() {
        let open = permission("alpha", 1);
        assert_eq!(parse(Some(&open), "allow"), answer(&["allow"], None));
        assert_eq!(parse(Some(&open), "Deny  not\nnow"), answer(&["deny"], Some("not\nnow")));
        assert_eq!(parse(Some(&open), "deny session"), answer(&["deny"], Some("session")));
    }

    #[test]
    fn a_choice_with_a_word_as_its_id_can_be_given_by_its_position() {
        let open = permission("alpha", 1);
        let ids: Vec<&str> = open.choices.iter().map(|choice| choice.id.as_str()).collect();
        for (position, id) in (1..).zip(&ids) {
            assert_eq!(parse(Some(&open), &position.to_string()), answer(&[id], None));
        }
        assert_eq!(parse(Some(&open), "2 spaces, not tabs"), answer(&["why"], Some("2 spaces, not tabs")));
        let past = (ids.len() + 1).to_string();
        assert_eq!(parse(Some(&open), &past), answer(&[&past], None));
        assert_eq!(parse(Some(&open), "0"), answer(&["0"], None));
        assert_eq!(parse(Some(&question(true, true)), "3"), answer(&["3"], None), "the ids are numbers");
    }

    #[test]
    fn other_words_are_the_text_of_a_choice_that_needs_one() {
        let open = permission("alpha", 1);
        assert_eq!(parse(Some(&open), "use rg  instead"), answer(&["why"], Some("use rg  instead")));
        assert_eq!(parse(Some(&question(true, true)), "green"), answer(&["other"], Some("green")));
        assert_eq!(parse(Some(&question(false, false)), "dark green"), answer(&["dark", "green"], None));
        assert_eq!(parse(None, "allow"), answer(&["allow"], None));
        assert_eq!(parse(Some(&open), ""), answer(&[], None));
    }

    #[test]
    fn a_misspelled_choice_is_no_text() {
        assert_eq!(parse(Some(&permission("alpha", 1)), "alow"), answer(&["alow"], None));
        assert_eq!(parse(Some(&question(false, true)), "9"), answer(&["9"], None));
        assert_eq!(parse(Some(&question(true, true)), "3, 4"), answer(&["3,", "4"], None));
    }

    #[test]
    fn a_label_is_a_choice() {
        assert_eq!(parse(Some(&question(false, true)), "blue"), answer(&["2"], None));
        assert_eq!(parse(Some(&question(false, true)), "something else"), answer(&["other"], None));
        assert_eq!(
            parse(Some(&question(true, true)), "1,2 other and green"),
            answer(&["1", "2", "other"], Some("and green"))
        );
    }

    #[test]
    fn an_id_comes_before_a_label() {
        let mut open = question(false, true);
        for (choice, label) in open.choices.iter_mut().zip(["2", "4"]) {
            choice.label = label.to_owned();
        }
        assert_eq!(parse(Some(&open), "2"), answer(&["2"], None), "buttons send ids");
        assert_eq!(parse(Some(&open), "4"), answer(&["2"], None));
    }

    #[test]
    fn only_a_multiple_request_takes_several_choices() {
        assert_eq!(parse(Some(&question(true, true)), "1, 2"), answer(&["1", "2"], None));
        assert_eq!(parse(Some(&question(true, true)), "2 other and green"), answer(&["2", "other"], Some("and green")));
        assert_eq!(parse(Some(&question(false, true)), "1 2"), answer(&["1"], Some("2")));
    }

    #[test]
    fn an_answer_is_reported_by_its_labels() {
        let open = permission("alpha", 1);
        assert_eq!(Answer::of("session").report(Some(&open)), "Answered: Allow for this session.");
        assert_eq!(answer(&["1", "2"], None).report(Some(&question(true, true))), "Answered: Red, Blue.");
        assert_eq!(Answer::of("allow").report(None), "Answered: allow.");
    }
}
