//! Decisions about permissions for tools without a user: first those of `[access] deny_tools`, then those of the approval
//! plugin. The user is asked about everything else.

use cordboard_permission_rules as rules;

use super::{Decision, DecisionOutcome, Effect, Machine, Ticket};
use crate::{
    messages::{self, DenialCause, SessionNotice},
    types::{AgentRequest, Choice, DecidedBy, Permission, RequestAnswer, RequestOption, Timestamp},
};

impl Machine {
    /// Returns the rule of `[access] deny_tools` that denies the request.
    pub(super) fn denied_by_configuration(&self, request: &AgentRequest) -> Option<rules::Rule> {
        let tool_use = request.tool_use.as_ref()?;
        let folder = self.record.folder.to_string_lossy();
        let tool_use = rules::ToolUse {
            tool: &tool_use.tool,
            command: tool_use.command.as_deref(),
            paths: &tool_use.paths,
            url: tool_use.url.as_deref(),
            folder: &folder,
            home: self.settings.home.as_deref(),
        };
        rules::matches(&self.settings.deny_tools, &tool_use).cloned()
    }

    /// Asks the approval plugin. The question is open, but no user can see or answer it until the plugin has decided.
    pub(super) fn ask_policy(&mut self, permission: Permission) {
        let ticket = self.next_ticket();
        if let Some(live) = &mut self.live {
            live.undecided.insert(ticket, permission.number);
            self.emit(Effect::Decide { ticket, permission: Box::new(permission) });
        }
    }

    /// Applies the decision of the approval plugin. A question that was closed in the meantime needs none.
    pub(super) fn handle_decision(&mut self, ticket: Ticket, decision: Decision, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        let Some(number) = live.undecided.remove(&ticket) else { return };
        let option = match decision.outcome {
            DecisionOutcome::Ask(buttons) => {
                if let Some(open) = live.requests.iter_mut().find(|open| open.number == number) {
                    open.buttons = buttons;
                }
                return self.ask_user(number, now);
            }
            DecisionOutcome::Deny(why) => {
                if let Some(open) = self.take_request(number) {
                    self.deny(&open.request, DecidedBy::Plugin, why, decision.rule);
                    self.request_closed(now);
                }
                return;
            }
            DecisionOutcome::Allow => RequestOption::ALLOW,
            DecisionOutcome::AllowForSession => RequestOption::ALLOW_FOR_SESSION,
        };
        let Some(open) = self.take_request(number) else { return };
        let is_offered = open.request.options.iter().any(|offered| offered.id == option);
        let option = if is_offered { option } else { RequestOption::ALLOW };
        let outcome = if option == RequestOption::ALLOW { "allowed" } else { "allowed for the session" };
        self.audit(&open.request, outcome, DecidedBy::Plugin, decision.rule);
        self.send_answer(&open.request, RequestAnswer::Options { ids: vec![option.to_owned()], text: None });
        self.request_closed(now);
    }

    /// Denies the open requests that new rules of the configuration deny.
    pub(super) fn deny_open_requests(&mut self, now: Timestamp) {
        let denied: Vec<_> = self
            .open_requests()
            .iter()
            .filter_map(|open| Some((open.number, self.denied_by_configuration(&open.request)?)))
            .collect();
        for (number, rule) in denied {
            if let Some(open) = self.take_request(number) {
                let why = messages::denied_by_configuration(&rule);
                self.deny(&open.request, DecidedBy::Configuration, why, Some(rule.to_string()));
                self.close_request(&open, Choice::Withdrawn);
                self.request_closed(now);
            }
        }
    }

    /// Denies a request without a user. `why` is for the agent and the user, and also for the audit log if there is no
    /// `rule`.
    pub(super) fn deny(&mut self, request: &AgentRequest, by: DecidedBy, why: String, rule: Option<String>) {
        self.audit(request, "denied", by, rule.or_else(|| Some(why.clone())));
        self.send_answer(request, RequestAnswer::Denied(why.clone()));
        let Some((tool_use, place)) = request.tool_use.as_ref().zip(self.place_of_questions()) else { return };
        let (tool, detail) = (tool_use.tool.clone(), tool_use.detail().to_owned());
        self.post(place, SessionNotice::Denied { tool, detail, cause: DenialCause::Rules(why) });
    }
}
