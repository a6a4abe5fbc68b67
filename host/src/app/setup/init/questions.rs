//! Asks questions at the terminal. The answer to a hidden question is not shown while the user types it.

use std::io::{self, IsTerminal, Read, StdinLock, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::InitError;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_H: u8 = 8;
const CTRL_U: u8 = 21;
const DELETE: u8 = 127;

pub struct Terminal {
    input: StdinLock<'static>,
}

impl Terminal {
    /// Returns `None` if standard input or output is not a terminal.
    pub fn open() -> Option<Self> {
        let input = io::stdin().lock();
        (input.is_terminal() && io::stdout().is_terminal()).then_some(Self { input })
    }

    pub fn print(&mut self, text: &str) -> Result<(), InitError> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(InitError::Terminal)
    }

    /// # Errors
    /// The terminal can't be read or written, or the user ended the input.
    pub fn ask(&mut self, question: &str) -> Result<String, InitError> {
        self.print(question)?;
        let mut line = String::new();
        match io::BufRead::read_line(&mut self.input, &mut line) {
            Ok(0) => Err(InitError::Canceled),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(InitError::Terminal(error)),
        }
    }

    /// # Errors
    /// The terminal failed, or the user ended the input or pressed Ctrl-C.
    pub fn ask_hidden(&mut self, question: &str) -> Result<String, InitError> {
        // Turn echo off before asking, so that it is already off when the user starts to type.
        let hidden = HiddenInput::begin().map_err(InitError::Terminal)?;
        self.print(question)?;
        let answer = self.read_hidden_line();
        drop(hidden);
        self.print("\n")?;
        answer
    }

    /// Reads a line in raw mode. Handles Ctrl-C itself, because a signal would end this process before it could restore
    /// the terminal.
    fn read_hidden_line(&mut self) -> Result<String, InitError> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.input.read(&mut byte) {
                Ok(0) => return Err(InitError::Canceled),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(InitError::Terminal(error)),
            }
            match byte[0] {
                b'\r' | b'\n' => return Ok(String::from_utf8_lossy(&line).trim().to_owned()),
                CTRL_C => return Err(InitError::Canceled),
                CTRL_D if line.is_empty() => return Err(InitError::Canceled),
                CTRL_H | DELETE => remove_last_character(&mut line),
                CTRL_U => line.clear(),
                b' '.. => line.push(byte[0]),
                _ => {}
            }
        }
    }
}

/// Removes the last character, which may consist of several bytes.
fn remove_last_character(line: &mut Vec<u8>) {
    let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    while line.pop().is_some_and(is_continuation) {}
}

/// Keeps the terminal from showing input until this value is dropped.
struct HiddenInput {
    before: Termios,
}

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // If this fails, the terminal is gone.
        let _: rustix::io::Result<()> = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}
