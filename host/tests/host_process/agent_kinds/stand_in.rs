//! The agent kinds, each with a program that stands in for a real agent. All programs implement the same commands.

use std::path::{Path, PathBuf};

use cordboard_core::config::{AgentFeature, AgentKind};

use super::super::support::Home;

pub struct StandIn(AgentKind);

impl StandIn {
    pub const fn new(kind: AgentKind) -> Self {
        Self(kind)
    }

    /// Returns whether this agent kind doesn't support a feature.
    pub const fn lacks(&self, feature: AgentFeature) -> bool {
        self.0.lacks(feature)
    }

    pub fn is_plain(&self) -> bool {
        self.0 == AgentKind::Plain
    }

    /// Returns whether this kind's stand-in reports turn costs.
    pub fn reports_cost(&self) -> bool {
        matches!(self.0, AgentKind::Claude | AgentKind::Demo)
    }

    /// Returns a home with a default agent of this kind, and with additional configuration.
    pub fn home(&self, more: &str) -> Home {
        let home = Home::new();
        let keys = match self.0 {
            AgentKind::Demo => "args = [\"--pace-ms=50\"]".to_owned(),
            // The demo agent speaks claude's protocol.
            AgentKind::Claude => {
                let program = env!("CARGO_BIN_EXE_cordboard");
                let command = home.script("claude", &format!("exec {program} demo-agent --pace-ms=50 \"$@\"\n"));
                format!("command = {command:?}")
            }
            AgentKind::Acp => format!("command = \"bash\"\nargs = [{:?}]", data("acp_agent.sh")),
            AgentKind::Plain => format!(
                "command = \"bash\"\nargs = [\"--noprofile\", \"--rcfile\", {:?}, \"--noediting\", \"-i\"]\nprompt = 'sh> $'",
                data("plain_agent.bashrc")
            ),
        };
        home.configure(&format!(
            "[agents]\ndefault = \"tested\"\n[agents.tested]\nkind = \"{}\"\n{keys}\n{more}",
            self.0.as_str()
        ));
        home
    }

    /// Returns `text` as the chat shows this kind's answer.
    pub fn answer(&self, text: &str) -> String {
        match self.0 {
            AgentKind::Demo | AgentKind::Claude | AgentKind::Acp => text.to_owned(),
            AgentKind::Plain => format!("```\n{text}\n```"),
        }
    }
}

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}
