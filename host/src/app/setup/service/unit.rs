//! Generates the text of a systemd unit. Its restrictions also apply to the agents, which run in the same service.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    path::{Path, PathBuf},
};

/// The first line of each unit. The command replaces only files that begin with it.
pub const HEADER: &str = "# Written by `cordboard service install`.";

/// The instance of systemd that runs the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemdInstance {
    System { user: String },
    User,
}

/// A secret that systemd passes to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub name: String,
    pub file: PathBuf,
}

/// The settings of a unit. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub instance: SystemdInstance,
    pub program: PathBuf,
    pub config: PathBuf,
    pub state: PathBuf,
    pub creates_state_directory: bool,
    pub plugins: Option<PathBuf>,
    /// The folders in which the host and the agents look for programs.
    pub search_path: Vec<PathBuf>,
    pub credentials: Vec<Credential>,
    /// The folders that the agents may change.
    pub writable_folders: BTreeSet<PathBuf>,
    /// Whether the restrictions allow bubblewrap, which needs namespaces and mounts.
    pub allows_bubblewrap: bool,
}

/// The restrictions that both the system and the user instance of systemd can set.
const COMMON_RESTRICTIONS: &str = "
# Restrictions. They also apply to the agents.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
";

/// The restrictions that only the system instance of systemd can set on every machine. `MemoryDenyWriteExecute` is left
/// out because the host compiles plugins, and `ProtectControlGroups` because the host runs each agent in its own
/// cgroup.
const SYSTEM_RESTRICTIONS: &str = "CapabilityBoundingSet=
AmbientCapabilities=
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ProtectHome=read-only
RemoveIPC=yes
";

impl Unit {
    /// Returns all paths in the unit.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = self.credentials.iter().map(|credential| &credential.file);
        let named = [&self.program, &self.config, &self.state].into_iter().chain(&self.plugins);
        named.chain(&self.search_path).chain(files).chain(&self.writable_folders).map(PathBuf::as_path)
    }

    /// Returns the text of the unit. `has_notify_reload` must be false for systemd before version 253, which doesn't
    /// support `Type=notify-reload`.
    pub fn to_text(&self, has_notify_reload: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, has_notify_reload).expect("writing to a string never fails");
        text
    }

    fn write(&self, text: &mut String, has_notify_reload: bool) -> fmt::Result {
        let (edit, target) = match self.instance {
            SystemdInstance::System { .. } => ("systemctl edit cordboard", "multi-user.target"),
            SystemdInstance::User => ("systemctl --user edit cordboard", "default.target"),
        };
        writeln!(text, "{HEADER}\n# The command overwrites this file: use `{edit}` to change settings.\n[Unit]")?;
        writeln!(text, "Description=Cordboard, a chat gateway for coding agents")?;
        if matches!(self.instance, SystemdInstance::System { .. }) {
            writeln!(text, "Wants=network-online.target\nAfter=network-online.target")?;
        }
        writeln!(text, "\n[Service]")?;
        self.write_start(text, has_notify_reload)?;
        self.write_restrictions(text)?;
        writeln!(text, "\n[Install]\nWantedBy={target}")
    }

    fn write_start(&self, text: &mut String, has_notify_reload: bool) -> fmt::Result {
        if has_notify_reload {
            writeln!(text, "Type=notify-reload")?;
        } else {
            writeln!(text, "Type=notify\nExecReload=/bin/kill -HUP $MAINPID")?;
        }
        let plugins = self.plugins.as_deref().map(|plugins| format!(" --plugins {}", quote_argument(plugins)));
        writeln!(
            text,
            "ExecStart={} run --chat telegram --config {} --state {}{}",
            quote_argument(&self.program),
            quote_argument(&self.config),
            quote_argument(&self.state),
            plugins.unwrap_or_default()
        )?;
        if let SystemdInstance::System { user } = &self.instance {
            writeln!(text, "User={user}")?;
        }
        if self.creates_state_directory {
            writeln!(text, "StateDirectory=cordboard\nStateDirectoryMode=0700")?;
        }
        let path = self.search_path.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>().join(":");
        writeln!(text, "Environment={}", quote(&format!("PATH={path}")))?;
        for Credential { name, file } in &self.credentials {
            writeln!(text, "LoadCredential={name}:{}", escape_specifiers(&file.to_string_lossy()))?;
        }
        // Exit code 2 means that the configuration is invalid, and a restart wouldn't help. When the host stops, it
        // ends its agents first, which takes up to 40 s.
        writeln!(text, "Restart=on-failure\nRestartSec=5s\nRestartPreventExitStatus=2\nWatchdogSec=60s")?;
        writeln!(text, "TimeoutStopSec=60s\nKillMode=mixed\nDelegate=yes")
    }

    fn write_restrictions(&self, text: &mut String) -> fmt::Result {
        text.push_str(COMMON_RESTRICTIONS);
        if self.allows_bubblewrap {
            writeln!(text, "SystemCallFilter=@system-service @mount")?;
        } else {
            writeln!(text, "SystemCallFilter=@system-service\nRestrictNamespaces=yes")?;
        }
        if matches!(self.instance, SystemdInstance::System { .. }) {
            text.push_str(SYSTEM_RESTRICTIONS);
            for folder in &self.writable_folders {
                // A folder that doesn't exist must not keep the host from starting.
                writeln!(text, "ReadWritePaths={}", quote(&format!("-{}", folder.display())))?;
            }
        }
        Ok(())
    }
}

/// Returns the path as an argument of `ExecStart=`, quoted and escaped.
fn quote_argument(path: &Path) -> String {
    quote(&path.to_string_lossy().replace('$', "$$"))
}

/// Returns a text in quotes if it needs them.
fn quote(text: &str) -> String {
    let text = escape_specifiers(text);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%$,~".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Escapes `%`, which begins a specifier.
fn escape_specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn unit(instance: SystemdInstance) -> Unit {
        Unit {
            instance,
            program: "/usr/bin/cordboard".into(),
            config: "/etc/cord board/50%.toml".into(),
            state: "/var/lib/cordboard".into(),
            creates_state_directory: true,
            plugins: Some("/srv/$plugins".into()),
            search_path: vec!["/home/ada/.local/bin".into(), "/usr/bin".into()],
            credentials: vec![Credential { name: "telegram.token".to_owned(), file: "/etc/a b/50%".into() }],
            writable_folders: ["/home/ada".into(), "/srv/a \"b\"".into()].into(),
            allows_bubblewrap: false,
        }
    }

    #[test]
    fn a_system_unit_is_restricted() {
        let text = unit(SystemdInstance::System { user: "ada".to_owned() }).to_text(true);
        expect![[r##"
            # Written by `cordboard service install`.
            # The command overwrites this file: use `systemctl edit cordboard` to change settings.
            [Unit]
            Description=Cordboard, a chat gateway for coding agents
            Wants=network-online.target
            After=network-online.target

            [Service]
            Type=notify-reload
            ExecStart=/usr/bin/cordboard run --chat telegram --config "/etc/cord board/50%%.toml" --state /var/lib/cordboard --plugins /srv/$$plugins
            User=ada
            StateDirectory=cordboard
            StateDirectoryMode=0700
            Environment=PATH=/home/ada/.local/bin:/usr/bin
            LoadCredential=telegram.token:/etc/a b/50%%
            Restart=on-failure
            RestartSec=5s
            RestartPreventExitStatus=2
            WatchdogSec=60s
            TimeoutStopSec=60s
            KillMode=mixed
            Delegate=yes

            # Restrictions. They also apply to the agents.
            NoNewPrivileges=yes
            LockPersonality=yes
            RestrictRealtime=yes
            RestrictSUIDSGID=yes
            RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
            SystemCallArchitectures=native
            SystemCallErrorNumber=EPERM
            SystemCallFilter=@system-service
            RestrictNamespaces=yes
            CapabilityBoundingSet=
            AmbientCapabilities=
            PrivateDevices=yes
            PrivateTmp=yes
            ProtectClock=yes
            ProtectHostname=yes
            ProtectKernelLogs=yes
            ProtectKernelModules=yes
            ProtectKernelTunables=yes
            ProtectProc=invisible
            ProtectSystem=strict
            ProtectHome=read-only
            RemoveIPC=yes
            ReadWritePaths=-/home/ada
            ReadWritePaths="-/srv/a \"b\""

            [Install]
            WantedBy=multi-user.target
        "##]]
        .assert_eq(&text);
    }

    #[test]
    fn a_user_unit_has_no_restriction_that_needs_root() {
        let text = unit(SystemdInstance::User).to_text(false);
        assert!(text.contains("Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n"), "{text}");
        assert!(text.contains("NoNewPrivileges=yes\n") && text.contains("WantedBy=default.target\n"), "{text}");
        for only_system in ["User=", "Capability", "Protect", "Private", "ReadWritePaths", "network-online"] {
            assert!(!text.contains(only_system), "{only_system}: {text}");
        }
    }

    #[test]
    fn bubblewrap_may_create_namespaces() {
        let text = Unit { allows_bubblewrap: true, ..unit(SystemdInstance::User) }.to_text(true);
        assert!(text.contains("SystemCallFilter=@system-service @mount\n") && !text.contains("RestrictNamespaces"));
    }
}
