//! The console at a terminal: a prompt, keys, and a window that can be closed.

use super::support::{Home, Terminal};

#[test]
fn a_terminal_says_what_to_do_and_ctrl_c_ends_the_answer_alone() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home);
    terminal.expect("Cordboard. Type /new demo to open a session, then any text; /help lists the commands.");
    terminal.expect(&format!("state    {}", home.state().display()));
    terminal.press("/new a\r");
    terminal.expect("Session 'a' created.");
    terminal.press("slow 1000\r");
    terminal.expect("line 1");
    terminal.press("\x03");
    terminal.expect("Stopped.");
    terminal.press("and \x7f\x7f\x7f\x7fstill here\r");
    terminal.expect("You said: still here");
    terminal.press("\x04");
    assert_eq!(terminal.wait().code(), Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn ctrl_c_at_rest_ends_the_board() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home);
    terminal.expect("/help lists the commands.");
    terminal.press("\x03");
    assert_eq!(terminal.wait().code(), Some(0));
}

#[test]
fn a_window_that_is_closed_ends_the_board_where_no_signal_says_so() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home);
    terminal.expect("/help lists the commands.");
    terminal.press("/new a\r");
    terminal.expect("Session 'a' created.");
    terminal.leave();
    assert_eq!(terminal.wait().code(), Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
    assert_eq!(home.sessions()[0]["name"], "a");
}
