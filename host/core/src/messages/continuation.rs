//! The note that tells an agent to continue a turn that the end of the previous host interrupted.

/// The maximum length of a quoted prompt, in characters. Agents have the whole prompt in their conversation.
const PROMPT_LENGTH: usize = 1000;
/// The maximum length of the quoted end of the answer, in characters.
const SHOWN_LENGTH: usize = 1000;
/// The maximum number of quoted prompts.
const MAX_PROMPTS: usize = 5;

/// Returns the note about a turn with these prompts. `shown` is the part of the answer that the chat shows, if it is
/// known.
#[must_use]
pub fn continuation_prompt(prompts: &[&str], shown: Option<&str>) -> String {
    let mut note =
        "[This is a note from Cordboard, not a new request. Cordboard was stopped while you were working on the message \
         or messages below, and your conversation was resumed. Continue where you were interrupted: first check what you \
         have already done, and don't do it again. If you can't find a message in your conversation, tell the user that \
         it was lost.]"
            .to_owned();
    for prompt in prompts.iter().take(MAX_PROMPTS) {
        note.push_str(&format!("\n\nThe message:\n{}", quoted(&beginning(prompt))));
    }
    match prompts.len().saturating_sub(MAX_PROMPTS) {
        0 => {}
        more => note.push_str(&format!("\n\nMore messages: {more}")),
    }
    match shown.map(str::trim).filter(|shown| !shown.is_empty()) {
        Some(shown) => {
            note.push_str(&format!("\n\nThe user has seen your answer up to this point:\n{}", quoted(&end(shown))))
        }
        None => note.push_str("\n\nIt is unknown how much of your answer the user has seen."),
    }
    note
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(PROMPT_LENGTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn end(text: &str) -> String {
    match text.char_indices().rev().nth(SHOWN_LENGTH) {
        Some((at, letter)) => format!("…{}", &text[at + letter.len_utf8()..]),
        None => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_quotes_the_message_and_the_end_of_the_answer() {
        let note = continuation_prompt(&["fix\nit"], Some("I look at the file.\nIt has"));
        assert!(note.ends_with("\n\nThe message:\n> fix\n> it\n\nThe user has seen your answer up to this point:\n> I look at the file.\n> It has"), "{note}");
        let note = continuation_prompt(&["fix"], None);
        assert!(note.ends_with("> fix\n\nIt is unknown how much of your answer the user has seen."), "{note}");
    }

    #[test]
    fn quotes_in_a_note_are_bounded() {
        let long = "ä".repeat(3000);
        let note = continuation_prompt(&[long.as_str(); 9], Some(&format!("{long}end")));
        assert!(note.ends_with("ääend") && note.contains("> …ää") && note.contains("\n\nMore messages: 4"), "{note}");
        assert!(note.chars().count() < 7000, "{}", note.chars().count());
    }
}
