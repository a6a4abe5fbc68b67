//! `[agents]`: the configured agents and how to start each of them.

use std::{collections::BTreeMap, ops::Range};

use cordboard_permission_rules::Rule;

use super::{
    agent_kind::AgentKind,
    agent_limits::AgentLimits,
    nearest::suggestion,
    plain_turn_end::TurnEnd,
    sandbox::Sandbox,
    section::Section,
    value::{Value, ValueError, list, non_blank, one_of, secret_text, shorten, text},
};
use crate::types::{MODEL_NAME_RULE, PermissionMode, is_model_name};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub kind: AgentKind,
    /// The program: a path, or a name that is looked up in `PATH`. `None` selects the built-in demo agent. Agents of
    /// all kinds except `Demo` need a command.
    pub command: Option<String>,
    /// Additional arguments. They follow any arguments that the host itself adds.
    pub args: Vec<String>,
    /// `None` selects the agent's default model.
    pub model: Option<String>,
    /// `None` is the same as [`PermissionMode::Default`].
    pub permission_mode: Option<PermissionMode>,
    /// The rules in `[access] deny_tools`. The host passes them to agents of kind `claude`, so that they also apply to
    /// tools that these agents use without asking.
    pub deny_tools: Vec<Rule>,
    /// The names of the host's environment variables that are passed to the agent.
    pub pass_env: Vec<String>,
    /// Additional environment variables of the agent. They override those in `pass_env`.
    pub env: BTreeMap<String, String>,
    pub sandbox: Sandbox,
    pub limits: AgentLimits,
    pub turn_end: TurnEnd,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agents {
    /// The name of the agent that new sessions use. It is a key of `by_name`.
    pub default: String,
    pub by_name: BTreeMap<String, Agent>,
}

impl Agents {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Agent> {
        self.by_name.get(name)
    }

    /// Returns the requested agent if it is of this kind. Without a request, returns the default agent if it is of this
    /// kind, or else the first agent that is.
    #[must_use]
    pub fn of_kind(&self, kind: AgentKind, requested: Option<&str>) -> Option<(&str, &Agent)> {
        let default = self.by_name.get_key_value(&self.default).into_iter();
        let mut candidates = default.chain(&self.by_name).map(|(name, agent)| (name.as_str(), agent));
        candidates.find(|(name, agent)| agent.kind == kind && requested.is_none_or(|wanted| wanted == *name))
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        let default = section.set("default", &mut self.default, non_blank);
        let shipped = self.by_name.clone();
        section.named_tables("agents.NAME", |name, at, section| {
            let agent = Agent::read(self.by_name.get(name), &shipped, at, section);
            self.by_name.insert(name.to_owned(), agent);
        });
        if let Some(at) = default.filter(|_| !self.by_name.contains_key(&self.default)) {
            let message = self.no_such_agent();
            section.report(at, message);
        }
    }

    fn no_such_agent(&self) -> String {
        let names = || self.by_name.keys().map(String::as_str);
        let name = shorten(&self.default);
        let hint = suggestion(&self.default, names());
        let known = names().collect::<Vec<_>>().join(", ");
        format!(
            "default = \"{name}\" in [agents] is not an agent: [agents.{name}] is missing. Known agents: {known}{hint}"
        )
    }
}

impl Agent {
    /// Returns an agent of this kind with no other settings.
    #[must_use]
    pub const fn new(kind: AgentKind) -> Self {
        Self {
            kind,
            command: None,
            args: Vec::new(),
            model: None,
            permission_mode: None,
            deny_tools: Vec::new(),
            pass_env: Vec::new(),
            env: BTreeMap::new(),
            sandbox: Sandbox::NONE,
            limits: AgentLimits::NONE,
            turn_end: TurnEnd::NONE,
        }
    }

    /// Merges the table over the default agent of the same name, `known`. An agent with a new name starts from the
    /// default agent that is named after its kind. No default agent is of kind `Acp` or `Plain`, so a new agent of
    /// these kinds inherits only `pass_env` and `env`, from the default `claude` agent.
    fn read(
        known: Option<&Self>,
        shipped: &BTreeMap<String, Self>,
        at: Range<usize>,
        section: &mut Section<'_, '_>,
    ) -> Self {
        let mut kind = known.map(|agent| agent.kind);
        let written = section.set_some("kind", &mut kind, one_of(AgentKind::ALL, AgentKind::as_str));
        let like = |kind: AgentKind| match kind {
            AgentKind::Demo | AgentKind::Claude => shipped.get(kind.as_str()).cloned().unwrap_or(Self::new(kind)),
            AgentKind::Acp | AgentKind::Plain => {
                let environment = shipped.get(AgentKind::Claude.as_str()).cloned().unwrap_or(Self::new(kind));
                Self { pass_env: environment.pass_env, env: environment.env, ..Self::new(kind) }
            }
        };
        let mut agent = known.cloned().unwrap_or_else(|| like(kind.unwrap_or(AgentKind::Demo)));
        agent.kind = kind.unwrap_or(agent.kind);
        agent.merge(section);
        if kind.is_none() && written.is_none() {
            let message =
                format!("[{}] has no kind: add kind = \"claude\", \"acp\", \"plain\" or \"demo\"", section.name());
            section.report(at.clone(), message);
        }
        let example = match agent.kind {
            AgentKind::Demo => None,
            AgentKind::Claude => Some("command = \"claude\""),
            AgentKind::Acp => Some("command = \"opencode\" and args = [\"acp\"], for example"),
            AgentKind::Plain => Some("command = \"python3\" and args = [\"-i\", \"-u\"], for example"),
        };
        if let Some(example) = example.filter(|_| agent.command.is_none()) {
            let kind = agent.kind.as_str();
            section
                .report(at, format!("[{}] is of kind \"{kind}\" and needs a command: add {example}", section.name()));
        }
        agent
    }

    fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("command", &mut self.command, non_blank);
        section.set("args", &mut self.args, list(text));
        let model = section.set_some("model", &mut self.model, model);
        let modes = one_of(PermissionMode::ALL, PermissionMode::as_str);
        let mode = section.set_some("permission_mode", &mut self.permission_mode, modes);
        section.set("pass_env", &mut self.pass_env, list(variable));
        section.free_table("env", |name, value| {
            check_variable(name.get_ref()).map_err(|error| error.at(name.span()))?;
            self.env.insert(name.get_ref().to_string(), secret_text(value)?);
            Ok(())
        });
        self.sandbox.merge(section);
        self.limits.merge(section);
        let turn_end = self.turn_end.merge(section);
        match self.kind {
            AgentKind::Plain => self.report_unused([("model", model), ("permission_mode", mode)], section),
            AgentKind::Demo | AgentKind::Claude | AgentKind::Acp => self.report_unused(turn_end, section),
        }
    }

    /// Reports keys that are set although they have no effect on agents of this kind.
    fn report_unused(&self, keys: [(&str, Option<Range<usize>>); 2], section: &mut Section<'_, '_>) {
        for (key, at) in keys {
            let Some(at) = at else { continue };
            let (name, kind) = (section.name(), self.kind.as_str());
            let remedy = match self.kind {
                AgentKind::Plain => "delete the line, and use args or env if the program has such a setting",
                AgentKind::Demo | AgentKind::Claude | AgentKind::Acp => "delete the line, or set kind = \"plain\"",
            };
            section.report(at, format!("'{key}' in [{name}] has no effect on an agent of kind \"{kind}\": {remedy}"));
        }
    }
}

fn model(value: &Value<'_>) -> Result<String, ValueError> {
    let name = non_blank(value)?;
    if is_model_name(&name) { Ok(name) } else { Err(ValueError::new(format!("must be {MODEL_NAME_RULE}"))) }
}

fn variable(value: &Value<'_>) -> Result<String, ValueError> {
    let name = text(value)?;
    check_variable(&name).map(|()| name)
}

fn check_variable(name: &str) -> Result<(), ValueError> {
    let odd = |c: char| c == '=' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.contains(odd) {
        return Err(ValueError::new("must be the name of an environment variable, such as \"HOME\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_model_that_looks_like_an_option_is_refused() {
        let error = crate::config::load("[agents.demo]\nmodel = \"--print\"\n").unwrap_err();
        assert!(error.excerpt().to_string().contains("'model' in [agents.demo] must be 1 to 256 printable"), "{error}");
    }
}
