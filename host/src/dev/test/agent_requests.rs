//! Implements `@permission` and `@question`, the directives that make a session's agent ask the user.

use cordboard_core::{
    messages, render,
    session::{Decision, DecisionOutcome},
    types::{AgentRequest, OptionText, Reply, RequestId, RequestOption, SessionView},
};
use serde_json::{Value, json};

use super::{hooks_jobs_webhooks::outcome_reply, step_error::StepError, step_runner::StepRunner};

/// The word that marks a question as multiple-choice. It precedes the question's text.
const MULTIPLE: &str = "multiple ";

impl StepRunner {
    /// `SESSION TOOL [DETAIL]`: asks for permission, with the choices of the `claude` agent. Returns the decision of
    /// the approval plugin. If the decision is left to the user, the reply is empty and the question is posted.
    pub async fn permission(&mut self, words: &str) -> Result<Reply, StepError> {
        let usage = || StepError::Usage("@permission SESSION TOOL DETAIL, as in @permission alpha Bash ls -la");
        let (session, asked) = words.split_once(' ').ok_or_else(usage)?;
        let (tool, detail) = asked.trim().split_once(' ').unwrap_or((asked.trim(), ""));
        let (title, text) = match detail {
            "" => (tool.to_owned(), render::escape(tool)),
            detail => (format!("{tool}: {detail}"), render::code(detail)),
        };
        let options = [
            (RequestOption::ALLOW, "Allow once", OptionText::No),
            (RequestOption::ALLOW_FOR_SESSION, "Allow for this session", OptionText::No),
            (RequestOption::DENY, "Deny", OptionText::Optional),
            (RequestOption::DENY_WITH_REASON, "Deny and say why", OptionText::Required),
        ];
        let options = options.map(|(id, label, text)| option(id, label, text)).to_vec();
        let view = self.session(session)?;
        let folder = view.record.folder.display().to_string();
        let tool_use = Some(Box::new(cordboard_agents::tool_use(tool, &tool_input(tool, detail), &folder)));
        self.activate().await?;
        let kind = "permission";
        self.ask(&view, |id| AgentRequest {
            kind,
            text: text.into(),
            options,
            tool_use,
            ..AgentRequest::new(id, title)
        })?;
        self.harness.settle().await;
        let decision = self.harness.host.take_decision();
        Ok(decision.map_or_else(Reply::default, |decision| outcome_reply(decision.map(decision_text))))
    }

    /// `SESSION [multiple] TEXT | CHOICE | CHOICE…`: asks a question. The ids of the choices are their numbers. Appends
    /// the choice `other`, which requires text.
    pub fn question(&self, words: &str) -> Result<(), StepError> {
        let usage = || {
            StepError::Usage(
                "@question SESSION TEXT | CHOICE | CHOICE, with `multiple` before TEXT if several choices are allowed",
            )
        };
        let (session, asked) = words.split_once(' ').ok_or_else(usage)?;
        let (multiple, asked) = asked.strip_prefix(MULTIPLE).map_or((false, asked), |asked| (true, asked));
        let (text, choices) = asked.split_once('|').ok_or_else(usage)?;
        let numbered = choices.split('|').zip(1_u32..);
        let mut options: Vec<RequestOption> =
            numbered.map(|(label, number)| option(&number.to_string(), label.trim(), OptionText::No)).collect();
        options.push(option("other", &messages::labels::something_else(), OptionText::Required));
        let (title, text) = (text.trim().to_owned(), render::escape(text.trim()));
        let (kind, view) = ("question", self.session(session)?);
        self.ask(&view, |id| AgentRequest {
            kind,
            text: text.into(),
            options,
            multiple,
            ..AgentRequest::new(id, title)
        })
    }

    fn ask(&self, view: &SessionView, request: impl FnOnce(RequestId) -> AgentRequest) -> Result<(), StepError> {
        let name = &view.record.name;
        if self.harness.host.ask(name, request) {
            return Ok(());
        }
        Err(StepError::CannotAsk { session: name.to_string(), phase: view.phase.as_str() })
    }
}

fn option(id: &str, label: &str, text: OptionText) -> RequestOption {
    RequestOption { id: id.to_owned(), label: label.to_owned(), text }
}

/// Returns the input for one of the `claude` agent's tools: `detail` itself if it is a JSON object, or else an object
/// that contains `detail` as the tool's main argument. If the main argument is unknown, the object is empty.
fn tool_input(tool: &str, detail: &str) -> Value {
    if let Ok(input @ Value::Object(_)) = serde_json::from_str(detail) {
        return input;
    }
    let argument = match tool {
        "Bash" => "command",
        "Edit" | "MultiEdit" | "Read" | "Write" => "file_path",
        "NotebookEdit" => "notebook_path",
        "Glob" | "Grep" | "LS" => "path",
        "WebFetch" => "url",
        "WebSearch" => "query",
        _ => return json!({}),
    };
    if detail.is_empty() { json!({}) } else { json!({ argument: detail }) }
}

/// Returns the line that shows a decision. It is empty if the decision is left to the user, because the question is
/// shown next.
fn decision_text(decision: Decision) -> String {
    let outcome = match decision.outcome {
        DecisionOutcome::Allow => "allow".to_owned(),
        DecisionOutcome::AllowForSession => "allow for this session".to_owned(),
        DecisionOutcome::Deny(why) => format!("deny: {why}"),
        DecisionOutcome::Ask(_) | DecisionOutcome::Failed => return String::new(),
    };
    match decision.rule {
        Some(rule) => format!("{outcome} (rule: {rule})"),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_becomes_the_input_of_its_tool() {
        for (tool, detail, input) in [
            ("Bash", "ls -la", json!({ "command": "ls -la" })),
            ("Bash", "{ ls; }", json!({ "command": "{ ls; }" })),
            ("Edit", "src/main.rs", json!({ "file_path": "src/main.rs" })),
            ("Edit", r#"{"file_path":"a","old_string":"b"}"#, json!({ "file_path": "a", "old_string": "b" })),
            ("NotebookEdit", "a.ipynb", json!({ "notebook_path": "a.ipynb" })),
            ("Grep", "", json!({})),
            ("WebFetch", "https://hub.example", json!({ "url": "https://hub.example" })),
            ("mcp__hub__close", r#"{"issue":1}"#, json!({ "issue": 1 })),
            ("mcp__hub__close", "1", json!({})),
        ] {
            assert_eq!(tool_input(tool, detail), input, "{tool} {detail}");
        }
    }

    #[test]
    fn a_decision_is_one_line_unless_a_user_decides() {
        let text = |outcome, rule: Option<&str>| decision_text(Decision { outcome, rule: rule.map(str::to_owned) });
        assert_eq!(text(DecisionOutcome::Allow, Some("Read")), "allow (rule: Read)");
        assert_eq!(text(DecisionOutcome::AllowForSession, None), "allow for this session");
        assert_eq!(text(DecisionOutcome::Deny("no".to_owned()), Some("Bash")), "deny: no (rule: Bash)");
        assert_eq!(text(DecisionOutcome::Ask(Vec::new()), Some("Bash")), "");
    }
}
