//! Tests a configuration on storage that doesn't respond, like a network file system whose server is gone.

use std::fs;

use super::{
    host::{Home, Host, QUICK, wait_until},
    preloaded_library::faults,
};

#[test]
fn a_configuration_that_cannot_be_read_yet_delays_only_its_change() {
    let home = Home::new(QUICK);
    let mut command = home.cordboard(&["run", "--chat", "console"]);
    command.args(home.places()).env("LD_PRELOAD", faults()).env("CORDBOARD_TEST_GATE", home.path("gate"));
    let mut host = Host::start(&mut command);
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("hello", "You said: hello");
    fs::write(home.path("gate"), "").unwrap();
    home.configure(&format!("[sessions]\nidle_timeout = \"7m\"\n{QUICK}"));
    wait_until("the host reads the configuration", || home.path("gate.reached").exists());
    host.exchange("still there?", "You said: still there?");
    host.exchange("/new b", "Session 'b' created.");
    assert_eq!(home.ask("sessions", &[]).code, Some(0));
    fs::remove_file(home.path("gate")).unwrap();
    host.log("configuration changed");
    host.ask_until("/timeout", "Idle timeout: 7 minutes");
    assert_eq!(host.end().code, Some(0));
}
