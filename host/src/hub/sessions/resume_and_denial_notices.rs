//! Owns the notices that the host adds to a turn: resume notices and tool denials.

use cordboard_core::{
    agent_event::PromptId,
    messages,
    turn::Turn,
    types::{Alert, Place, Reply},
};

/// The maximum number of denials listed per turn. More would add no information: the agent is just retrying.
const DENIALS: usize = 20;

#[derive(Default)]
pub struct Notices {
    /// The prompt of the running turn.
    turn: Option<PromptId>,
    /// A resume notice, which arrives before its turn and is shown at the top of it.
    pub resuming: Option<(Place, String)>,
    denials: usize,
    /// The list of denials so far. Each remedy is listed once.
    denied: String,
}

impl Notices {
    pub fn begin(&mut self, turn: &PromptId) {
        if self.turn.as_ref() != Some(turn) {
            self.turn = Some(turn.clone());
            (self.denials, self.denied) = (0, String::new());
        }
    }

    pub fn end(&mut self) {
        self.turn = None;
        self.resuming = None;
    }

    /// Inserts the resume notice at the start of the turn's first message.
    pub fn head(&self, turn: &Turn, messages: &mut Vec<Reply>) {
        let Some((_, text)) = self.resuming.as_ref().filter(|(place, _)| *place == turn.place) else { return };
        match messages.first_mut() {
            Some(first) => first.text = format!("{text}\n\n{}", first.text),
            None => messages.push(Reply::text(text.clone())),
        }
    }

    /// Adds a denial to the list of the turn. Returns the list as a silent message that replaces the previous one. If
    /// no turn is running, returns `notice` unchanged.
    pub fn denied(&mut self, notice: Reply) -> Reply {
        let Some(turn) = &self.turn else { return notice };
        self.denials += 1;
        match self.denials {
            ..=DENIALS => {
                for (index, line) in notice.text.lines().enumerate() {
                    // List every denial, but each remedy only once.
                    let is_known = index > 0 && self.denied.lines().any(|known| known == line);
                    if !is_known {
                        self.denied.push_str(line);
                        self.denied.push('\n');
                    }
                }
            }
            _ if self.denied.ends_with(&messages::more_denials()) => {}
            _ => self.denied.push_str(&messages::more_denials()),
        }
        let series = Some(format!("denied {}", turn.0));
        Reply { text: self.denied.trim_end().to_owned(), series, alert: Alert::Silent, ..notice }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        messages::{DenialCause, SessionNotice},
        types::Timestamp,
    };

    use super::*;

    fn denied(tool: &str, detail: &str) -> Reply {
        let (tool, detail, cause) = (tool.to_owned(), detail.to_owned(), DenialCause::Agent("claude".to_owned()));
        SessionNotice::Denied { tool, detail, cause }.reply(&"alpha".parse().unwrap())
    }

    fn begun(turn: &str) -> Notices {
        let mut notices = Notices::default();
        notices.begin(&PromptId(turn.to_owned()));
        notices
    }

    #[test]
    fn denials_of_a_turn_are_one_silent_message() {
        let mut notices = begun("1");
        let replies: Vec<Reply> =
            (0..8).map(|number| notices.denied(denied("Bash", &format!("cmd {number}")))).collect();
        assert!(replies.iter().all(|one| one.series.as_deref() == Some("denied 1") && one.alert == Alert::Silent));
        let text = &replies[7].text;
        assert_eq!((text.matches("Denied: Bash").count(), text.matches("To allow it").count()), (8, 1), "{text}");
        assert!(replies.windows(2).all(|pair| pair[1].text.starts_with(&pair[0].text)), "printed text is not changed");
        let other = notices.denied(denied("Write", "a"));
        assert_eq!(other.text.matches("To allow it").count(), 2);
    }

    #[test]
    fn denials_over_the_limit_are_not_listed() {
        let mut notices = begun("1");
        let replies = (0..100).map(|number| notices.denied(denied("Bash", &number.to_string()))).last().unwrap();
        assert_eq!(replies.text.matches("Denied: ").count(), DENIALS);
        assert!(replies.text.ends_with("\n…and more."), "{}", replies.text);
        notices.begin(&PromptId("2".to_owned()));
        let next = notices.denied(denied("Bash", "x"));
        assert_eq!((next.series.as_deref(), next.text.matches("Denied: ").count()), (Some("denied 2"), 1));
        notices.end();
        assert_eq!(notices.denied(denied("Bash", "x")), denied("Bash", "x"), "outside a turn");
    }

    #[test]
    fn a_resume_notice_precedes_its_turn() {
        let mut notices = begun("1");
        let place = Place::new("test", "home");
        let turn = |place: &Place| Turn::new(PromptId("1".to_owned()), place.clone(), Timestamp(0));
        notices.resuming = Some((place.clone(), "Resuming session...".to_owned()));
        let mut messages = Vec::new();
        notices.head(&turn(&place), &mut messages);
        assert_eq!(messages, [Reply::text("Resuming session...")]);
        let mut messages = vec![Reply::text("answer"), Reply::text("more")];
        notices.head(&turn(&place), &mut messages);
        assert_eq!(messages, [Reply::text("Resuming session...\n\nanswer"), Reply::text("more")]);
        let mut elsewhere = vec![Reply::text("answer")];
        notices.head(&turn(&Place::new("test", "away")), &mut elsewhere);
        assert_eq!(elsewhere, [Reply::text("answer")]);
    }
}
