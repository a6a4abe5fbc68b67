//! Reads lines that the user typed while the host was being built or started. The kernel buffered them in line mode,
//! where each line ends with LF, which the editor wouldn't recognize because it expects CR for Enter.

use std::io;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read},
    stdio::stdin,
};

use super::pipe_reader::MAX_LINE_LENGTH;

/// Reads the complete lines that are available, and leaves an incomplete line to the editor. Call this before the
/// editor reads keys.
pub(super) fn take() -> io::Result<Vec<String>> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut typed = Vec::new();
    while typed.len() <= MAX_LINE_LENGTH
        && poll(&mut [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)], Some(&now))? > 0
    {
        let mut chunk = [0; 4096];
        match read(stdin(), &mut chunk) {
            Ok(0) => break,
            Ok(count) => typed.extend_from_slice(&chunk[..count]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(String::from_utf8_lossy(&typed).lines().map(str::to_owned).collect())
}
