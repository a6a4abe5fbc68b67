//! Generates the text of a new configuration file.

use std::{fmt::Write as _, path::Path};

use super::known_agents::{AgentStart, KnownAgent};

/// The settings that a new configuration file contains.
pub struct NewConfiguration<'a> {
    /// The folder of the configuration file.
    pub folder: &'a Path,
    pub agent: &'a KnownAgent,
    pub token_file: Option<&'a Path>,
    pub owner: Option<u64>,
    pub plugins: &'a Path,
}

impl NewConfiguration<'_> {
    /// Returns the text of the file. Keys that keep their defaults are commented out.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(HEAD);
        text += &match self.token_file {
            Some(file) => TELEGRAM.replace("#token_file = \"telegram.token\"", &self.path("token_file", file)),
            None => TELEGRAM.to_owned(),
        };
        text += &match self.owner {
            Some(id) => ACCESS.replace("#owner = 123456789", &format!("owner = {id}")),
            None => ACCESS.to_owned(),
        };
        text += SESSIONS;
        text += &self.agents();
        text += &PLUGINS.replace("folder = \"plugins\"", &self.path("folder", self.plugins));
        text
    }

    fn agents(&self) -> String {
        let name = self.agent.name;
        let mut text = AGENTS.replace("default = \"demo\"", &format!("default = {}", quote(name)));
        match self.agent.start {
            AgentStart::BuiltIn => {}
            AgentStart::Preconfigured => text.push_str(CLAUDE),
            AgentStart::Acp(args) => {
                let args: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
                let args = args.join(", ");
                let command = quote(name);
                write!(text, "\n[agents.{name}]\nkind = \"acp\"\ncommand = {command}\nargs = [{args}]\n")
                    .expect("writing to a string never fails");
            }
        }
        text
    }

    /// Returns a line that sets a key to a path, relative to the folder of the configuration if the path is below it.
    fn path(&self, key: &str, path: &Path) -> String {
        let path = path.strip_prefix(self.folder).unwrap_or(path);
        format!("{key} = {}", quote(&path.to_string_lossy()))
    }
}

fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

const HEAD: &str = r#"# The configuration of Cordboard. The running host applies changes at once, unless a comment says otherwise. If the file
# is invalid, the last valid configuration stays active. `cordboard check` reports mistakes. The file config.toml in
# Cordboard's source describes all keys.
"#;

const TELEGRAM: &str = r#"
[telegram]
# The file that contains the token of the bot. Only you should be able to read it. Needs a restart.
#token_file = "telegram.token"
"#;

const ACCESS: &str = r#"
[access]
# Your numeric Telegram id. Without this key, the owner is the person who pairs with the bot: if there is no owner, the
# host logs a one-time code when it starts.
#owner = 123456789
# Users who may see and use all sessions, and users who may use only their own. You can also set them with /access in
# the chat.
#admins = []
#members = []
"#;

const SESSIONS: &str = r#"
[sessions]
# The time after which an idle agent is suspended. The next message resumes it.
#idle_timeout = "10m"

# Sessions that work in a folder of your choice. The folders must exist.
#[sessions.folders]
#web = "/home/me/projects/web"
"#;

const AGENTS: &str = r#"
[agents]
# The agent for new sessions.
default = "demo"
"#;

const CLAUDE: &str = r#"
[agents.claude]
# When claude asks before it uses a tool: "default", "acceptEdits", "plan", "auto", "manual" or "dontAsk".
#permission_mode = "default"
# "bwrap" confines the agent to its session folder and its own settings. Needs bubblewrap.
#sandbox = "none"
"#;

const PLUGINS: &str = r#"
[plugins]
# The folder for your own plugins. The host loads them while it runs. Needs a restart.
folder = "plugins"
"#;

#[cfg(test)]
mod tests {
    use cordboard_core::config;

    use super::{super::known_agents::KNOWN_AGENTS, *};

    #[test]
    fn each_agents_configuration_is_valid() {
        let folder = Path::new("/etc/cord \"board\"");
        let token = folder.join("telegram.token");
        for agent in &KNOWN_AGENTS {
            let settings = NewConfiguration {
                folder,
                agent,
                token_file: Some(&token),
                owner: Some(7),
                plugins: Path::new("/srv/\"plugins\""),
            };
            let text = settings.to_toml();
            let config = config::load(&text).unwrap_or_else(|error| panic!("{}\n{text}", error.excerpt()));
            assert_eq!(config.agents.default, agent.name);
            assert_eq!(config.telegram.token_file.as_deref(), Some(Path::new("telegram.token")));
            assert_eq!(config.access.owner, Some(7));
            assert_eq!(config.plugins.folder.as_deref(), Some(Path::new("/srv/\"plugins\"")));
        }
    }

    #[test]
    fn every_commented_key_is_valid() {
        for agent in &KNOWN_AGENTS {
            let folder = Path::new("/x");
            let settings =
                NewConfiguration { folder, agent, token_file: None, owner: None, plugins: &folder.join("plugins") };
            let text = settings.to_toml();
            let is_key = |line: &str| line.starts_with("#[") || line.contains(" = ") && !line.starts_with("# ");
            let uncomment =
                |line: &str| if is_key(line) { line.trim_start_matches('#').to_owned() } else { line.to_owned() };
            let all: String = text.lines().map(|line| uncomment(line) + "\n").collect();
            let config = config::load(&all).unwrap_or_else(|error| panic!("{}\n{all}", error.excerpt()));
            assert_eq!((config.access.owner, config.sessions.folders.len()), (Some(123_456_789), 1));
        }
    }
}
