//! Notices that nobody sits at the terminal any more: its window was closed, or the line to it. Where the host leads no job of that
//! terminal, no signal says so, and to who reads keys a dead terminal is one with nothing to read, again and again.

use std::{io, thread};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::{ConsoleEvent, Events};

/// Tells the end once. A thread, since it waits for nothing but the hang-up, and a key that is pressed must not wake it.
pub(super) fn watch(events: Events) -> io::Result<()> {
    let thread = thread::Builder::new().name("console-gone".to_owned());
    let watch = move || {
        let input = io::stdin();
        // A hang-up is told even where nothing is asked for.
        let mut asked = [PollFd::new(&input, PollFlags::empty())];
        while poll(&mut asked, None) == Err(Errno::INTR) {}
        events.tell(ConsoleEvent::OutputGone);
    };
    thread.spawn(watch).map(drop)
}
