//! Decides permission requests for tools without asking a user: first `[access] deny_tools` applies, then the approval
//! plugin decides. A user decides the remaining permission requests. If the agent only announces a tool use, the answer
//! denies the use, requires the agent to ask, or raises no objection.

use cordboard_permission_rules as rules;

use super::{
    Decision, DecisionOutcome, Effect, Machine, Ticket,
    requests::{MAX_INPUT, MAX_OPEN},
};
use crate::{
    messages::{self, DenialCause, SessionNotice},
    types::{AgentRequest, AskReason, Choice, DecidedBy, Permission, RequestAnswer, RequestOption, Timestamp, ToolUse},
};

impl Machine {
    /// Returns the `[access] deny_tools` rule that denies the request.
    fn denied_by_configuration(&self, request: &AgentRequest) -> Option<rules::Rule> {
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

    /// Checks a tool use that the agent has announced. The agent might not ask about it, because its own settings, its
    /// permission mode or an earlier answer may allow it. The agent has to ask if a plugin rule requires it, the plugin
    /// call fails, the input is too large, or too many tool uses are waiting for a decision. Without an active plugin,
    /// only `deny_tools` applies.
    pub(super) fn handle_tool_announced(&mut self, mut request: AgentRequest) {
        let Some(tool_use) = &mut request.tool_use else {
            return self.send_answer(&request, RequestAnswer::NoObjection);
        };
        tool_use.home.clone_from(&self.settings.home);
        let tool_use = (**tool_use).clone();
        if self.deny_by_configuration(&request) {
            return;
        }
        let ticket = self.next_ticket();
        let Some(live) = &mut self.live else { return };
        if tool_use.input.len() > MAX_INPUT || live.announced.len() >= MAX_OPEN {
            return self.send_answer(&request, RequestAnswer::MustAsk);
        }
        live.announced.insert(ticket, request);
        self.emit(Effect::Decide { ticket, permission: Box::new(Permission { number: None, tool_use }) });
    }

    fn decide_announced(&mut self, request: &AgentRequest, decision: Decision) {
        // The configuration may have changed in the meantime.
        if self.deny_by_configuration(request) {
            return;
        }
        match (decision.outcome, decision.rule) {
            (DecisionOutcome::Deny(why), rule) => self.deny(request, DecidedBy::Plugin, why, rule),
            (DecisionOutcome::Ask(_), Some(_)) | (DecisionOutcome::Failed, _) => {
                self.send_answer(request, RequestAnswer::MustAsk);
            }
            (DecisionOutcome::Ask(_), None) | (DecisionOutcome::Allow | DecisionOutcome::AllowForSession, _) => {
                self.send_answer(request, RequestAnswer::NoObjection);
            }
        }
    }

    /// Denies the request if an `[access] deny_tools` rule matches it. Returns whether it was denied.
    pub(super) fn deny_by_configuration(&mut self, request: &AgentRequest) -> bool {
        let Some(rule) = self.denied_by_configuration(request) else { return false };
        let why = messages::denied_by_configuration(&rule);
        self.deny(request, DecidedBy::Configuration, why, Some(rule.to_string()));
        true
    }

    /// Asks the approval plugin. The question counts as open, but no user can see or answer it until the plugin has
    /// decided.
    pub(super) fn ask_policy(&mut self, number: u64, tool_use: ToolUse) {
        let ticket = self.next_ticket();
        if let Some(live) = &mut self.live {
            live.undecided.insert(ticket, number);
            self.emit(Effect::Decide { ticket, permission: Box::new(Permission { number: Some(number), tool_use }) });
        }
    }

    /// Applies the decision of the approval plugin. Ignores a decision about a question that has since been closed.
    pub(super) fn handle_decision(&mut self, ticket: Ticket, decision: Decision, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        if let Some(request) = live.announced.remove(&ticket) {
            return self.decide_announced(&request, decision);
        }
        let Some(number) = live.undecided.remove(&ticket) else { return };
        match decision.outcome {
            DecisionOutcome::Ask(buttons) => {
                if let Some(open) = live.requests.iter_mut().find(|open| open.number == number) {
                    open.buttons = buttons;
                }
                self.ask_user_because(number, decision.rule.map(AskReason::Rule), now);
            }
            DecisionOutcome::Failed => self.ask_user_because(number, Some(AskReason::PluginFailed), now),
            DecisionOutcome::Deny(why) => {
                if let Some(open) = self.take_request(number) {
                    self.deny(&open.request, DecidedBy::Plugin, why, decision.rule);
                    self.request_closed(now);
                }
            }
            DecisionOutcome::Allow => self.allow(number, &[RequestOption::ALLOW], decision.rule, now),
            DecisionOutcome::AllowForSession => {
                let options = [RequestOption::ALLOW_FOR_SESSION, RequestOption::ALLOW];
                self.allow(number, &options, decision.rule, now);
            }
        }
    }

    /// Asks a user, and stores the reason so that the message can show it.
    pub(super) fn ask_user_because(&mut self, number: u64, reason: Option<AskReason>, now: Timestamp) {
        let open = self.live.as_mut().and_then(|live| live.requests.iter_mut().find(|open| open.number == number));
        if let Some(open) = open {
            // Once a tool is allowed for the session, the agent stops asking, so the rule would no longer be checked.
            if reason.as_ref().is_some_and(AskReason::is_for_each_use) {
                open.request.limit_to_one_use();
            }
            open.reason = reason;
        }
        self.ask_user(number, now);
    }

    /// Allows the tool use by choosing the first of these options that the agent offers. If it offers none of them, a
    /// user decides.
    fn allow(&mut self, number: u64, options: &[&str], rule: Option<String>, now: Timestamp) {
        let open = self.open_requests().iter().find(|open| open.number == number);
        let offered = open.and_then(|open| options.iter().find(|option| open.request.offers(option)));
        let Some(option) = offered.map(|option| (*option).to_owned()) else {
            return self.ask_user_because(number, Some(AskReason::NotOffered), now);
        };
        let Some(open) = self.take_request(number) else { return };
        let outcome = if option == RequestOption::ALLOW { "allowed" } else { "allowed for the session" };
        self.audit(&open.request, outcome, DecidedBy::Plugin, rule);
        self.send_answer(&open.request, RequestAnswer::Options { ids: vec![option], text: None });
        self.request_closed(now);
    }

    /// Denies the open requests that the new configuration's rules deny.
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

    /// Denies a request without asking a user. The agent and the user are shown `why`; the audit log records `rule`, or
    /// `why` if there is no rule.
    pub(super) fn deny(&mut self, request: &AgentRequest, by: DecidedBy, why: String, rule: Option<String>) {
        self.audit(request, "denied", by, rule.or_else(|| Some(why.clone())));
        self.send_answer(request, RequestAnswer::Denied(why.clone()));
        let Some((tool_use, place)) = request.tool_use.as_ref().zip(self.place_of_questions()) else { return };
        let (tool, detail) = (tool_use.tool.clone(), tool_use.detail().to_owned());
        self.post(place, SessionNotice::Denied { tool, detail, cause: DenialCause::Rules(why) });
    }
}
