//! Implements the directives with which the agent of a session asks: `@permission` and `@question`.

use cordboard_core::{
    render,
    types::{AgentRequest, OptionText, RequestId, RequestOption},
};

use super::{error::StepError, step_runner::StepRunner};

/// Marks a question that accepts several choices.
const MULTIPLE: &str = "multiple ";

impl StepRunner {
    /// `SESSION TOOL [DETAIL]`: asks for a permission, with the choices of the `claude` agent.
    pub fn permission(&self, words: &str) -> Result<(), StepError> {
        let usage = || StepError::Usage("@permission SESSION TOOL DETAIL, as in @permission alpha Bash ls -la");
        let (session, asked) = words.split_once(' ').ok_or_else(usage)?;
        let (title, text) = match asked.trim().split_once(' ') {
            Some((tool, detail)) => (format!("{tool}: {detail}"), render::code(detail)),
            None => (asked.trim().to_owned(), render::escape(asked.trim())),
        };
        let options = [
            ("allow", "Allow once", OptionText::No),
            ("session", "Allow for this session", OptionText::No),
            ("deny", "Deny", OptionText::Optional),
            ("why", "Deny and say why", OptionText::Required),
        ];
        let options = options.map(|(id, label, text)| option(id, label, text)).to_vec();
        self.ask(session, |id| AgentRequest { id, kind: "permission", title, text, options, multiple: false })
    }

    /// `SESSION [multiple] TEXT | CHOICE | CHOICE…`: asks a question. The ids of the choices are their numbers, and
    /// `other` takes a text.
    pub fn question(&self, words: &str) -> Result<(), StepError> {
        let usage = || {
            StepError::Usage(
                "@question SESSION TEXT | CHOICE | CHOICE, with `multiple` before TEXT if it has several answers",
            )
        };
        let (session, asked) = words.split_once(' ').ok_or_else(usage)?;
        let (multiple, asked) = asked.strip_prefix(MULTIPLE).map_or((false, asked), |asked| (true, asked));
        let (text, choices) = asked.split_once('|').ok_or_else(usage)?;
        let numbered = choices.split('|').zip(1_u32..);
        let mut options: Vec<RequestOption> =
            numbered.map(|(label, number)| option(&number.to_string(), label.trim(), OptionText::No)).collect();
        options.push(option("other", "Something else", OptionText::Required));
        let (title, text) = (text.trim().to_owned(), render::escape(text.trim()));
        self.ask(session, |id| AgentRequest { id, kind: "question", title, text, options, multiple })
    }

    fn ask(&self, session: &str, request: impl FnOnce(RequestId) -> AgentRequest) -> Result<(), StepError> {
        let view = self.session(session)?;
        let (host, name) = (&self.harness.host, &view.record.name);
        if host.ask(name, request) {
            return Ok(());
        }
        Err(StepError::CannotAsk { session: session.to_owned(), phase: view.phase.as_str() })
    }
}

fn option(id: &str, label: &str, text: OptionText) -> RequestOption {
    RequestOption { id: id.to_owned(), label: label.to_owned(), text }
}
