//! Tests the host's notifications to systemd and its use of systemd credentials. The tests receive the notifications
//! themselves, so systemd isn't needed.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    time::Duration,
};

use rustix::process::Signal;

use super::support::{Home, LIMIT};

/// A socket on which a host notifies systemd.
struct NotifySocket(UnixDatagram);

impl NotifySocket {
    fn open(home: &Home) -> Self {
        let socket = UnixDatagram::bind(home.path("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self(socket)
    }

    /// Waits for a notification whose first line is `state`, and returns it.
    fn wait(&self, state: &str) -> String {
        let mut message = [0; 4096];
        loop {
            let length = self.0.recv(&mut message).unwrap_or_else(|error| panic!("no {state}: {error}"));
            let message = String::from_utf8_lossy(&message[..length]).into_owned();
            if message.lines().next() == Some(state) {
                return message;
            }
        }
    }
}

#[test]
fn host_notifies_systemd_of_its_state() {
    let home = Home::new();
    let notifications = NotifySocket::open(&home);
    let socket = home.path("notify").display().to_string();
    let limit = Duration::from_millis(200).as_micros().to_string();
    let mut host = home.start_with(&[("NOTIFY_SOCKET", &socket), ("WATCHDOG_USEC", &limit)]);
    notifications.wait("READY=1");
    host.ask("/new a", "Session 'a' created.");
    for _ in 0..3 {
        notifications.wait("WATCHDOG=1");
    }
    host.signal(Signal::HUP);
    let reloading = notifications.wait("RELOADING=1");
    assert!(reloading.contains("\nMONOTONIC_USEC="), "{reloading}");
    notifications.wait("READY=1");
    host.ask("hello", "You said: hello");
    host.signal(Signal::TERM);
    notifications.wait("STOPPING=1");
}

#[test]
fn systemd_credential_overrides_the_token_file() {
    let home = Home::new();
    let credentials = home.path("credentials");
    fs::create_dir(&credentials).unwrap();
    let token = credentials.join("telegram.token");
    fs::write(&token, "123456789:AbC-dEf_ghijklmnop").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    home.configure("[telegram]\ntoken_file = \"missing\"\n");
    let output = home.command(&["check"]).env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains(&format!("token          ok  {}\n", token.display())), "{printed}");
    let without = home.command(&["check"]).env_remove("CREDENTIALS_DIRECTORY").output().unwrap();
    assert!(String::from_utf8_lossy(&without.stdout).contains("token          invalid  "));
}
