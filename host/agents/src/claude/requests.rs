//! Converts the CLI's `can_use_tool` requests to questions for a person: tool permissions, plan approvals, and
//! questions with options. Converts the answers to responses. The CLI waits for each response without a time limit.

use std::collections::BTreeMap;

use cordboard_core::{
    agent_event::AgentEvent,
    messages::{self, labels},
    render,
    types::{AgentRequest, OptionText, QuestionText, RequestAnswer, RequestId, RequestOption, ToolUse},
};
use serde_json::{Value, json};

use super::{
    control,
    denials::{PLAN_TOOL, QUESTION_TOOL},
    text,
};
use crate::{Decoded, shown_action, tool_input, visible_text};

const ALLOW: &str = RequestOption::ALLOW;
const ALLOW_SESSION: &str = RequestOption::ALLOW_FOR_SESSION;
const DENY: &str = RequestOption::DENY;
const DENY_WITH_REASON: &str = RequestOption::DENY_WITH_REASON;
const OTHER: &str = "other";

/// The maximum length of a plan in a question, in UTF-16 units. A plan may span several messages.
const MAX_PLAN: usize = 20_000;

/// The maximum length of a prompt that a plan would allow, in UTF-16 units: in the message and in the whole question,
/// respectively.
const MAX_PROMPT: usize = 100;
const MAX_WHOLE_PROMPT: usize = 500;

/// The maximum length of the title of a question with options, in UTF-16 units.
const MAX_TITLE: usize = 200;

/// The maximum length of an option's label, in UTF-16 units.
const MAX_LABEL: usize = 100;

/// The maximum number of options to show. A person can type any other answer.
const MAX_OPTIONS: usize = 40;

/// The requests that wait for an answer, by the id of the open question.
#[derive(Debug, Default)]
pub(super) struct Requests(BTreeMap<String, Pending>);

#[derive(Debug)]
struct Pending {
    /// The id of the control request. A request can consist of several questions, which are asked one after the other.
    control_id: String,
    tool: String,
    input: Value,
    tool_use: ToolUse,
    /// Permission updates that make the CLI allow similar calls until its process ends.
    session_rules: Vec<Value>,
    /// The questions in the series that have been answered, with their answers.
    answers: Vec<(String, String)>,
}

impl Requests {
    /// Records a `can_use_tool` request and returns its first question. Paths inside `folder`, the folder of the
    /// session, are shown relative to it. Returns `None` if a request with this id is already open, because an answer
    /// must apply only to the input that was shown. `tool_use` contains the parts of the use that rules are matched
    /// against.
    pub(super) fn ask(
        &mut self,
        control_id: &str,
        request: &Value,
        tool_use: ToolUse,
        folder: &str,
    ) -> Option<AgentRequest> {
        if self.0.values().any(|pending| pending.control_id == control_id) {
            tracing::warn!("ignored a request from the agent, because an open request has the same id");
            return None;
        }
        let pending = Pending {
            control_id: control_id.to_owned(),
            tool: text(request, "tool_name").to_owned(),
            input: request["input"].clone(),
            tool_use,
            session_rules: session_rules(&request["permission_suggestions"]),
            answers: Vec::new(),
        };
        Some(self.insert(pending, folder))
    }

    fn insert(&mut self, pending: Pending, folder: &str) -> AgentRequest {
        let question = pending.question(folder);
        self.0.insert(question.id.0.clone(), pending);
        question
    }

    /// Removes the request that the CLI has canceled. Returns the id of its open question.
    pub(super) fn cancel(&mut self, control_id: &str) -> Option<RequestId> {
        let (id, _) = self.0.iter().find(|(_, pending)| pending.control_id == control_id)?;
        let id = id.clone();
        self.0.remove(&id);
        Some(RequestId(id))
    }

    /// Returns whether this answer changes the process's permission mode.
    pub(super) fn changes_mode(&self, id: &RequestId, answer: &RequestAnswer) -> bool {
        let RequestAnswer::Options { ids, .. } = answer else { return false };
        let is_for_session = ids.iter().any(|id| id == ALLOW_SESSION);
        let mut rules = self.0.get(&id.0).into_iter().flat_map(|pending| &pending.session_rules);
        is_for_session && rules.any(|rule| text(rule, "type") == "setMode")
    }

    /// Returns the response to the CLI, or the next question of a series. The result is empty if the question is not
    /// open.
    pub(super) fn answer(&mut self, id: &RequestId, answer: &RequestAnswer, folder: &str) -> Decoded {
        let Some(mut pending) = self.0.remove(&id.0) else { return Decoded::default() };
        let (ids, reason) = match answer {
            RequestAnswer::Options { ids, text } => (ids.as_slice(), text.as_deref()),
            RequestAnswer::Denied(why) => return pending.deny(&format!("Not allowed here: {why}")),
            RequestAnswer::Nobody | RequestAnswer::NoObjection | RequestAnswer::MustAsk => return pending.deny(NOBODY),
        };
        if pending.next_question().is_some() {
            pending.record(ids, reason);
            if pending.next_question().is_some() {
                let next = AgentEvent::Requested(self.insert(pending, folder));
                return Decoded { events: vec![next], ..Decoded::default() };
            }
            let answers = std::mem::take(&mut pending.answers);
            pending.input["answers"] =
                answers.into_iter().map(|(asked, answer)| (asked, Value::from(answer))).collect();
            return pending.allow(Vec::new());
        }
        match (ids.first().map(String::as_str), reason) {
            (Some(ALLOW), _) => pending.allow(Vec::new()),
            (Some(ALLOW_SESSION), _) => {
                let rules = std::mem::take(&mut pending.session_rules);
                pending.allow(rules)
            }
            (_, Some(reason)) => pending.deny(&format!("The user denied this and said: {reason}")),
            (_, None) => pending.deny("The user denied this."),
        }
    }
}

/// The text that the model receives if no user answers a request.
const NOBODY: &str = "The user did not answer. Continue without an answer, or say why you need one.";

impl Pending {
    fn question(&self, folder: &str) -> AgentRequest {
        match (self.next_question(), self.tool.as_str()) {
            (Some(question), _) => self.choice(question),
            (None, PLAN_TOOL) => self.plan(),
            (None, _) => self.permission(folder),
        }
    }

    /// Returns the first unanswered question of a series, or `None` if there is none.
    fn next_question(&self) -> Option<&Value> {
        let questions = self.input["questions"].as_array().filter(|_| self.tool == QUESTION_TOOL)?;
        questions.get(self.answers.len()).filter(|question| !text(question, "question").is_empty())
    }

    fn permission(&self, folder: &str) -> AgentRequest {
        let mut options = vec![option(ALLOW, &labels::allow_once(), OptionText::No)];
        if !self.session_rules.is_empty() {
            options.push(option(ALLOW_SESSION, &labels::allow_for_session(), OptionText::No));
        }
        options.push(option(DENY, &labels::deny(), OptionText::Optional));
        options.push(option(DENY_WITH_REASON, &labels::deny_with_reason(), OptionText::Required));
        let rules = |most| self.session_rules.iter().flat_map(|rule| describe_rules(rule, most)).collect();
        let session_rules = tool_input::describe_rules(rules);
        let body = tool_input::describe(&self.tool, &self.input, folder);
        let title = shown_action::tool("", &self.tool, &self.input, folder).title;
        let tool_use = Some(Box::new(self.tool_use.clone()));
        AgentRequest { tool_use, session_rules, ..self.request("permission", title, body, options) }
    }

    fn plan(&self) -> AgentRequest {
        let body = QuestionText::new(self.plan_text(MAX_PROMPT), self.plan_text(MAX_WHOLE_PROMPT));
        let options = vec![
            option(ALLOW, &labels::approve(), OptionText::No),
            option(DENY, &labels::keep_planning(), OptionText::Optional),
            option(DENY_WITH_REASON, &labels::keep_planning_with_reason(), OptionText::Required),
        ];
        self.request("plan", "Plan".to_owned(), body, options)
    }

    /// Returns the plan and the prompts that it would allow, with each prompt cut to `most_of_prompt` UTF-16 units.
    fn plan_text(&self, most_of_prompt: usize) -> String {
        let mut body = match text(&self.input, "plan") {
            "" => messages::no_plan(),
            plan => tool_input::cut_with_note(plan, MAX_PLAN),
        };
        let prompts = self.input["allowedPrompts"].as_array().into_iter().flatten();
        let code = |allowed: &Value| visible_text::code(&allowed.to_string(), most_of_prompt);
        let prompts: Vec<String> = prompts.map(code).collect();
        if !prompts.is_empty() {
            body.push_str("\n\n");
            body.push_str(&messages::plan_also_allows(&prompts.join(", ")));
        }
        body
    }

    fn choice(&self, question: &Value) -> AgentRequest {
        let asked = text(question, "question");
        let [shown, whole] = [&SHOWN_QUESTION, &WHOLE_QUESTION].map(|limits| limits.describe(question));
        let mut options = Vec::new();
        for (index, offered) in question["options"].as_array().into_iter().flatten().take(MAX_OPTIONS).enumerate() {
            let (id, label) = ((index + 1).to_string(), tool_input::cut(text(offered, "label"), MAX_LABEL));
            options.push(option(&id, &label, OptionText::No));
        }
        options.push(option(OTHER, &labels::something_else(), OptionText::Required));
        let multiple = question["multiSelect"] == true;
        let body = QuestionText::new(shown, whole);
        let title = tool_input::cut(asked.lines().next().unwrap_or_default(), MAX_TITLE);
        AgentRequest { multiple, ..self.request("question", title, body, options) }
    }

    fn request(
        &self,
        kind: &'static str,
        title: String,
        text: QuestionText,
        options: Vec<RequestOption>,
    ) -> AgentRequest {
        // Each question in a series has its own id, so that pressing a button twice doesn't answer the next question.
        let id = format!("{}:{}", self.control_id, self.answers.len());
        AgentRequest { kind, text, options, ..AgentRequest::new(RequestId(id), title) }
    }

    /// Records the answer to the open question of a series. The CLI expects the labels of the options, not their ids.
    fn record(&mut self, ids: &[String], other: Option<&str>) {
        let Some(question) = self.next_question() else { return };
        let label = |id: &String| {
            let index = id.parse::<usize>().ok()?.checked_sub(1)?;
            Some(text(&question["options"][index], "label").to_owned())
        };
        let labels: Vec<String> = ids.iter().filter_map(label).chain(other.map(str::to_owned)).collect();
        let asked = text(question, "question").to_owned();
        self.answers.push((asked, labels.join(", ")));
    }

    fn allow(self, rules: Vec<Value>) -> Decoded {
        let mut response = json!({ "behavior": "allow", "updatedInput": self.input });
        if !rules.is_empty() {
            response["updatedPermissions"] = rules.into();
        }
        control::respond(&self.control_id, &response)
    }

    fn deny(self, message: &str) -> Decoded {
        control::respond(&self.control_id, &json!({ "behavior": "deny", "message": message, "interrupt": false }))
    }
}

/// The limits of a question with options, in UTF-16 units.
struct QuestionLimits {
    question: usize,
    label: usize,
    detail: usize,
}

const SHOWN_QUESTION: QuestionLimits = QuestionLimits { question: 2_000, label: MAX_LABEL, detail: 300 };
const WHOLE_QUESTION: QuestionLimits = QuestionLimits { question: 6_000, label: 200, detail: 500 };

impl QuestionLimits {
    fn describe(&self, question: &Value) -> String {
        let asked = tool_input::cut_with_note(text(question, "question"), self.question);
        let mut body = render::escape(&asked);
        let offered = question["options"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (offered, number) in offered.iter().zip(1..).take(MAX_OPTIONS) {
            let label = tool_input::cut(text(offered, "label"), self.label);
            let detail = tool_input::cut(text(offered, "description"), self.detail);
            let detail = if detail.is_empty() { String::new() } else { format!(": {}", render::escape(&detail)) };
            body.push_str(&format!("\n{number}\\. **{}**{detail}", render::escape(&label)));
        }
        body.push_str(&tool_input::note(offered.len().saturating_sub(MAX_OPTIONS), "option"));
        if question["multiSelect"] == true {
            body.push_str(&format!("\n\n{}", messages::choose_several()));
        }
        body
    }
}

fn option(id: &str, label: &str, text: OptionText) -> RequestOption {
    RequestOption { id: id.to_owned(), label: label.to_owned(), text }
}

/// Returns the suggested permission updates that a user may accept. Limits them to the CLI process, because the CLI
/// would otherwise write some of them to its settings on disk. If some of them add rules, omits the others, which may
/// be broader, such as another permission mode.
fn session_rules(suggestions: &Value) -> Vec<Value> {
    let all: Vec<&Value> = suggestions.as_array().into_iter().flatten().filter(|one| is_offered(one)).collect();
    let is_rule = |suggestion: &&&Value| text(suggestion, "type") == "addRules";
    let rules: Vec<&Value> = all.iter().filter(is_rule).copied().collect();
    let chosen = if rules.is_empty() { all } else { rules };
    let in_session = |suggestion: &Value| {
        let mut suggestion = suggestion.clone();
        suggestion["destination"] = "session".into();
        suggestion
    };
    chosen.into_iter().map(in_session).collect()
}

/// Returns whether a suggestion may be offered to a user. A suggestion that denies something, replaces rules or
/// bypasses all permissions is not offered.
fn is_offered(suggestion: &Value) -> bool {
    match text(suggestion, "type") {
        "addRules" => matches!(text(suggestion, "behavior"), "" | "allow"),
        "addDirectories" => true,
        "setMode" => text(suggestion, "mode") != "bypassPermissions",
        _ => false,
    }
}

/// Describes in Markdown the calls that a suggestion allows: one text for each rule, folder or mode, whose name is cut
/// to `most` UTF-16 units.
fn describe_rules(suggestion: &Value, most: usize) -> Vec<String> {
    let list = |name: &str| suggestion[name].as_array().into_iter().flatten();
    let code = |name: &str| visible_text::code(name, most);
    let rule = |rule: &Value| match text(rule, "ruleContent") {
        "" => code(text(rule, "toolName")),
        content => code(&format!("{}({content})", text(rule, "toolName"))),
    };
    match text(suggestion, "type") {
        "addRules" => list("rules").map(rule).collect(),
        "addDirectories" => {
            let folders = list("directories").filter_map(Value::as_str);
            folders.map(|folder| messages::rule_for_folder(&code(folder))).collect()
        }
        "setMode" => vec![messages::rule_for_mode(&code(text(suggestion, "mode")))],
        other => vec![code(other)],
    }
}
