//! The board at a terminal: who leaves it is not left waiting without a word.

use super::{screen::Screen, support::Home};

/// None where this machine has no terminal to lend.
fn open(home: &Home) -> Option<Screen> {
    let [config, state, plugins] =
        ["config.toml", "state", "plugins"].map(|name| home.path(name).display().to_string());
    let program = env!("CARGO_BIN_EXE_cordboard");
    let places = format!("--config '{config}' --state '{state}' --plugins '{plugins}'");
    let mut screen = Screen::open(&format!("'{program}' run --chat console {places}"), &[("NO_COLOR", "1".as_ref())])?;
    screen.wait("/help lists the commands.");
    screen.press("/new a\r");
    screen.wait("Session 'a' created.");
    Some(screen)
}

#[test]
fn who_leaves_a_busy_agent_is_told_what_for_he_waits_and_ends_it() {
    let home = Home::new();
    let Some(mut screen) = open(&home) else { return };
    screen.press("slow 100000\r");
    screen.wait("line 1");
    screen.press("\x04");
    screen.wait("Waiting at most 10m for a (busy, 0 waiting). Ctrl-C ends Cordboard now.");
    screen.press("one more thing\r");
    screen.wait("Not sent: Cordboard is ending. Ctrl-C ends it now.");
    screen.press("\x03");
    screen.wait("Stopped by the end of Cordboard.");
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn who_leaves_a_stubborn_agent_is_told_so_and_kills_it() {
    let home = Home::new();
    let Some(mut screen) = open(&home) else { return };
    screen.press("stubborn\r");
    screen.wait("From now on I ignore SIGTERM and the end of input.");
    screen.press("\x04");
    screen.wait("Waiting for the agents of a to end. Ctrl-C kills them.");
    screen.press("\x03");
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
}
