//! Removes secrets from the results of plugin calls, and measures the results' size for the `reply` limit.
//! [`run`](super::call::run) can return only types that implement [`CallOutput`].

use cordboard_core::scrub;

use super::bindings::{
    approval::exports::cordboard::plugin::approval, filter::exports::cordboard::plugin::filter,
    lifecycle::exports::cordboard::plugin::lifecycle, persona::exports::cordboard::plugin::persona, types,
    view::exports::cordboard::plugin::view, webhook::exports::cordboard::plugin::webhook,
};

/// A type that a plugin call may return.
pub trait CallOutput: Sized {
    /// Removes secrets from all texts and bytes of the value.
    #[must_use]
    fn scrubbed(self) -> Self;

    /// Returns the size that counts against the `reply` limit, in bytes.
    fn bytes(&self) -> usize;
}

impl CallOutput for () {
    fn scrubbed(self) -> Self {}

    fn bytes(&self) -> usize {
        0
    }
}

impl CallOutput for String {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn scrubbed(self) -> Self {
        scrub::text(self)
    }
}

impl CallOutput for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn scrubbed(self) -> Self {
        scrub::bytes(&self).into_owned()
    }
}

impl<T: CallOutput> CallOutput for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, CallOutput::bytes)
    }

    fn scrubbed(self) -> Self {
        self.map(|value| value.scrubbed())
    }
}

impl<T: CallOutput, E: CallOutput> CallOutput for Result<T, E> {
    fn bytes(&self) -> usize {
        match self {
            Ok(value) => value.bytes(),
            Err(error) => error.bytes(),
        }
    }

    fn scrubbed(self) -> Self {
        self.map(|value| value.scrubbed()).map_err(|error| error.scrubbed())
    }
}

impl CallOutput for lifecycle::Verdict {
    fn scrubbed(self) -> Self {
        self
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl CallOutput for approval::Decision {
    fn bytes(&self) -> usize {
        let why = match &self.outcome {
            approval::Outcome::Deny(why) => why.len(),
            approval::Outcome::AskWith(buttons) => buttons.iter().map(CallOutput::bytes).sum(),
            approval::Outcome::Allow | approval::Outcome::AllowForSession | approval::Outcome::Ask => 0,
        };
        why + self.rule.bytes()
    }

    fn scrubbed(self) -> Self {
        let outcome = match self.outcome {
            approval::Outcome::Deny(why) => approval::Outcome::Deny(why.scrubbed()),
            approval::Outcome::AskWith(buttons) => {
                approval::Outcome::AskWith(buttons.into_iter().map(CallOutput::scrubbed).collect())
            }
            decided @ (approval::Outcome::Allow | approval::Outcome::AllowForSession | approval::Outcome::Ask) => {
                decided
            }
        };
        Self { outcome, rule: self.rule.scrubbed() }
    }
}

impl CallOutput for filter::Outcome {
    fn bytes(&self) -> usize {
        match self {
            filter::Outcome::Pass => 0,
            filter::Outcome::Replace(change) | filter::Outcome::Annotate(change) => {
                let facts = change.facts.iter().map(|(name, value)| name.len() + value.len());
                change.text.len() + change.notice.bytes() + facts.sum::<usize>()
            }
            filter::Outcome::Reject(why) => why.len(),
        }
    }

    fn scrubbed(self) -> Self {
        let change = |filter::Change { text, notice, facts }| filter::Change {
            text: text.scrubbed(),
            notice: notice.scrubbed(),
            facts: facts.into_iter().map(|(name, value)| (name.scrubbed(), value.scrubbed())).collect(),
        };
        match self {
            filter::Outcome::Pass => filter::Outcome::Pass,
            filter::Outcome::Replace(changed) => filter::Outcome::Replace(change(changed)),
            filter::Outcome::Annotate(changed) => filter::Outcome::Annotate(change(changed)),
            filter::Outcome::Reject(why) => filter::Outcome::Reject(why.scrubbed()),
        }
    }
}

impl CallOutput for persona::PersonaSettings {
    fn bytes(&self) -> usize {
        self.instructions.len() + self.model.bytes() + self.greeting.bytes()
    }

    fn scrubbed(self) -> Self {
        Self {
            instructions: self.instructions.scrubbed(),
            model: self.model.scrubbed(),
            greeting: self.greeting.scrubbed(),
            ..self
        }
    }
}

impl CallOutput for view::TurnFrame {
    fn bytes(&self) -> usize {
        self.live.bytes() + self.messages.iter().map(CallOutput::bytes).sum::<usize>()
    }

    fn scrubbed(self) -> Self {
        let messages = self.messages.into_iter().map(|message| message.scrubbed()).collect();
        Self { live: self.live.scrubbed(), messages }
    }
}

impl CallOutput for webhook::Response {
    fn bytes(&self) -> usize {
        self.body.len() + self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }

    fn scrubbed(self) -> Self {
        let header = |(name, value): (String, String)| (name.scrubbed(), value.scrubbed());
        Self {
            status: self.status,
            headers: self.headers.into_iter().map(header).collect(),
            body: self.body.scrubbed(),
        }
    }
}

impl CallOutput for types::Button {
    fn bytes(&self) -> usize {
        self.label.len() + self.command.len()
    }

    fn scrubbed(self) -> Self {
        Self { label: self.label.scrubbed(), command: self.command.scrubbed() }
    }
}

impl CallOutput for types::Reply {
    fn bytes(&self) -> usize {
        let buttons = self.buttons.iter().flatten().map(CallOutput::bytes);
        self.text.len() + buttons.sum::<usize>() + self.attachments.iter().map(CallOutput::bytes).sum::<usize>()
    }

    fn scrubbed(self) -> Self {
        let row = |row: Vec<types::Button>| row.into_iter().map(CallOutput::scrubbed).collect();
        Self {
            text: self.text.scrubbed(),
            buttons: self.buttons.into_iter().map(row).collect(),
            attachments: self.attachments.into_iter().map(|one| one.scrubbed()).collect(),
            in_place: self.in_place,
        }
    }
}

impl CallOutput for types::Attachment {
    fn bytes(&self) -> usize {
        let content = match &self.content {
            types::Content::Text(text) | types::Content::File(text) => text.len(),
            types::Content::Bytes(bytes) => bytes.len(),
        };
        self.name.len() + self.media_type.len() + content
    }

    fn scrubbed(self) -> Self {
        let content = match self.content {
            types::Content::Text(text) => types::Content::Text(text.scrubbed()),
            types::Content::Bytes(bytes) => types::Content::Bytes(bytes.scrubbed()),
            types::Content::File(path) => types::Content::File(path.scrubbed()),
        };
        Self { name: self.name.scrubbed(), media_type: self.media_type.scrubbed(), content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_an_attachment_is_scrubbed_and_counted() {
        const SECRET: &str = "x9Kq-Zt7w-Vb3m-Lp5r";
        scrub::remember("(secret a)", SECRET);
        let attachment =
            |content| types::Attachment { name: SECRET.to_owned(), media_type: SECRET.to_owned(), content };
        for content in [
            types::Content::Text(SECRET.to_owned()),
            types::Content::Bytes(SECRET.into()),
            types::Content::File(format!("/srv/{SECRET}")),
        ] {
            let attachment = attachment(content);
            assert!(attachment.bytes() >= 3 * SECRET.len());
            let scrubbed = attachment.scrubbed();
            assert_eq!([&scrubbed.name, &scrubbed.media_type], ["(secret a)", "(secret a)"]);
            match scrubbed.content {
                types::Content::Text(text) => assert_eq!(text, "(secret a)"),
                types::Content::Bytes(bytes) => assert_eq!(bytes, b"(secret a)"),
                types::Content::File(path) => assert_eq!(path, "/srv/(secret a)"),
            }
        }
    }
}
