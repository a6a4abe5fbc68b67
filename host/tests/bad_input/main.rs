//! What people, disks and agents get wrong, each driven through the real binary: what is read then says what to do, the exit code tells, and
//! no session and no message is lost.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

mod agents;
mod board;
mod command_line;
mod configuration;
mod disk;
mod folders;
mod pipes;
