//! Converts `session/request_permission` to questions for a person, and the answers to responses. The agent waits for
//! each response without a time limit.

use std::collections::{BTreeMap, BTreeSet};

use agent_client_protocol_schema::v1::{
    PermissionOption, PermissionOptionId, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionResponse,
    SelectedPermissionOutcome, ToolCall, ToolKind,
};
use cordboard_core::{
    messages::{self, labels},
    types::{AgentRequest, OptionText, QuestionText, RequestAnswer, RequestId, RequestOption},
};
use serde_json::Value;

use super::{rpc, tool_call};
use crate::tool_input;

/// The maximum length of a plan in a question, in UTF-16 units. A plan may span several messages.
const MAX_PLAN: usize = 20_000;
/// The maximum length of an option's label, and of the agent's request id within a question's id, in UTF-16 units.
const MAX_LABEL: usize = 100;

/// The open questions by their ids.
#[derive(Debug, Default)]
pub struct Requests(BTreeMap<String, Pending>);

#[derive(Debug)]
struct Pending {
    /// The id of the agent's request.
    rpc_id: Value,
    /// The agent's options, by the host's ids for them.
    options: Vec<(String, PermissionOption)>,
}

impl Requests {
    /// Records a request, and returns the question. Returns `None` if a request with this id is already open, because
    /// an answer must apply only to the call that was shown.
    pub fn ask(
        &mut self,
        rpc_id: &Value,
        options: Vec<PermissionOption>,
        call: &ToolCall,
        folder: &str,
    ) -> Option<AgentRequest> {
        if self.0.values().any(|pending| pending.rpc_id == *rpc_id) {
            tracing::warn!("ignored a request from the agent, because an open request has the same id");
            return None;
        }
        // The agent numbers its requests, and starts over in each process. The random part keeps a button from an
        // earlier process from answering a different question.
        let id = format!("{}:{}", tool_input::cut(&rpc_id.to_string(), MAX_LABEL), uuid::Uuid::new_v4());
        let options = with_ids(options);
        let question = question(RequestId(id.clone()), &options, call, folder);
        self.0.insert(id, Pending { rpc_id: rpc_id.clone(), options });
        Some(question)
    }

    /// Returns the response to the agent, or `None` if the question is not open.
    pub fn answer(&mut self, id: &RequestId, answer: &RequestAnswer) -> Option<Vec<u8>> {
        let pending = self.0.remove(&id.0)?;
        let chosen = match answer {
            RequestAnswer::Options { ids, .. } => ids.first().and_then(|id| pending.by_id(id)),
            RequestAnswer::Denied(_) => pending.rejection(),
            // The protocol requires this outcome after `session/cancel`. It also fits a question that no user answered.
            RequestAnswer::Nobody | RequestAnswer::NoObjection | RequestAnswer::MustAsk => None,
        };
        let outcome = chosen.map_or(RequestPermissionOutcome::Cancelled, |option| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option))
        });
        Some(rpc::respond(&pending.rpc_id, RequestPermissionResponse::new(outcome)))
    }

    /// Removes the request that the agent has canceled, and returns its question's id.
    pub fn cancel(&mut self, rpc_id: &Value) -> Option<RequestId> {
        let (id, _) = self.0.iter().find(|(_, pending)| pending.rpc_id == *rpc_id)?;
        let id = id.clone();
        self.0.remove(&id);
        Some(RequestId(id))
    }

    /// Removes all requests, and returns the ids of their questions.
    pub fn take_all(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.0).into_keys().map(RequestId).collect()
    }
}

impl Pending {
    fn by_id(&self, id: &str) -> Option<PermissionOptionId> {
        self.options.iter().find(|(ours, _)| ours == id).map(|(_, option)| option.option_id.clone())
    }

    fn rejection(&self) -> Option<PermissionOptionId> {
        let by_kind = |kind| self.options.iter().find(|(_, option)| option.kind == kind);
        let option = by_kind(PermissionOptionKind::RejectOnce).or_else(|| by_kind(PermissionOptionKind::RejectAlways));
        option.map(|(_, option)| option.option_id.clone())
    }
}

/// Gives each option an id. The first option of a kind gets the id by which commands and the approval plugin choose it.
/// These ids are words, because the user may type them.
fn with_ids(mut options: Vec<PermissionOption>) -> Vec<(String, PermissionOption)> {
    options.sort_by_key(|option| rank(option.kind));
    let rejects_once = options.iter().any(|option| option.kind == PermissionOptionKind::RejectOnce);
    let mut taken = BTreeSet::new();
    let mut name = |option: &PermissionOption| {
        let base = match option.kind {
            PermissionOptionKind::AllowOnce => RequestOption::ALLOW,
            PermissionOptionKind::AllowAlways => RequestOption::ALLOW_FOR_SESSION,
            PermissionOptionKind::RejectOnce => RequestOption::DENY,
            PermissionOptionKind::RejectAlways if !rejects_once => RequestOption::DENY,
            PermissionOptionKind::RejectAlways | _ => "never",
        };
        let free = std::iter::once(base.to_owned()).chain((2..).map(|number: u32| format!("{base}{number}")));
        let id = { free }.find(|id| !taken.contains(id)).unwrap_or_default();
        taken.insert(id.clone());
        id
    };
    options.into_iter().map(|option| (name(&option), option)).collect()
}

/// Returns the rank by which an option is sorted in the question. Options that allow come first, and a narrower option
/// comes before a wider one.
const fn rank(kind: PermissionOptionKind) -> u8 {
    match kind {
        PermissionOptionKind::AllowOnce => 0,
        PermissionOptionKind::AllowAlways => 1,
        PermissionOptionKind::RejectOnce => 2,
        PermissionOptionKind::RejectAlways | _ => 3,
    }
}

fn question(id: RequestId, options: &[(String, PermissionOption)], call: &ToolCall, folder: &str) -> AgentRequest {
    let mut shown: Vec<RequestOption> = options.iter().map(|(id, option)| shown_option(id, label(option))).collect();
    // If the agent offers no option that denies, add one that cancels the request. Never add an option that allows.
    if !options.iter().any(|(id, _)| id == RequestOption::DENY) {
        shown.push(shown_option(RequestOption::DENY, "Cancel".to_owned()));
    }
    let title = tool_call::title(call);
    let request = AgentRequest { kind: "permission", options: shown, ..AgentRequest::new(id, title) };
    if call.kind == ToolKind::SwitchMode {
        // The agent wants to leave plan mode. Rules must not approve a plan.
        return AgentRequest { kind: "plan", text: plan(call), ..request };
    }
    AgentRequest {
        text: tool_call::describe(call, folder),
        tool_use: Some(Box::new(tool_call::tool_use(call, folder))),
        ..request
    }
}

fn shown_option(id: &str, label: String) -> RequestOption {
    RequestOption { id: id.to_owned(), label, text: OptionText::No }
}

fn plan(call: &ToolCall) -> QuestionText {
    let argument = call.raw_input.as_ref().and_then(|input| input["plan"].as_str());
    let plan = argument.map_or_else(|| tool_call::texts(call), str::to_owned);
    if plan.trim().is_empty() { messages::no_plan().into() } else { tool_input::cut_with_note(&plan, MAX_PLAN).into() }
}

/// Returns the agent's own name for the option, because only the agent knows the option's scope.
fn label(option: &PermissionOption) -> String {
    let name = option.name.trim();
    if !name.is_empty() {
        return tool_input::cut(name, MAX_LABEL);
    }
    match option.kind {
        PermissionOptionKind::AllowOnce => labels::allow_once(),
        PermissionOptionKind::AllowAlways => labels::always_allow(),
        PermissionOptionKind::RejectOnce => labels::deny(),
        PermissionOptionKind::RejectAlways | _ => labels::always_deny(),
    }
}
