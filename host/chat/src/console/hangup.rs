//! Detects that the terminal was closed, for example because its window was closed or the connection was lost. If the
//! terminal isn't the host's controlling terminal, the kernel sends no SIGHUP, and the key reader can't distinguish a
//! closed terminal from an idle one.

use std::{io, thread};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::{ConsoleEvent, Events};

/// Sends [`ConsoleEvent::OutputClosed`] when the terminal hangs up. Uses a thread that polls only for hang-ups, so that
/// key presses don't wake it.
pub(super) fn watch(events: Events) -> io::Result<()> {
    let thread = thread::Builder::new().name("console-gone".to_owned());
    let watch = move || {
        let input = io::stdin();
        // `poll` always reports POLLHUP, even with no requested events.
        let mut polled = [PollFd::new(&input, PollFlags::empty())];
        while poll(&mut polled, None) == Err(Errno::INTR) {}
        events.send(ConsoleEvent::OutputClosed);
    };
    thread.spawn(watch).map(drop)
}
