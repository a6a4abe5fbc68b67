//! Pairing: the first person to send the one-time code from the host's log becomes the owner. This module decides
//! whether the code is still valid. It must not contain the code itself; comparing the code is up to the caller.

use std::{collections::BTreeSet, time::Duration};

use crate::{deep_link, route, types::Timestamp};

/// The time for which a code is valid.
pub const VALIDITY: Duration = Duration::from_secs(15 * 60);

/// Pairing ends after this many wrong codes, counted across all users.
pub const MAX_WRONG_CODES: usize = 5;

/// The number of characters in a code. Each character encodes 5 random bits.
const LENGTH: usize = 10;

/// The characters of a code: digits and capital letters without I, L, O and U, as in Crockford's base 32.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P',
    'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];

/// The name of the pairing command.
const COMMAND: &str = "pair";

/// Returns a code that encodes the low 50 bits of a random number.
#[must_use]
pub fn code(random: u64) -> String {
    (0..LENGTH).map(|at| ALPHABET[usize::try_from(random >> (at * 5) & 31).unwrap_or_default()]).collect()
}

/// If the text is `/pair CODE` or the `/start` command of a pairing link, returns the code that it contains, in the
/// format of [`code`]. People may type the code in lower case, or confuse the letters O, I and L with digits.
#[must_use]
pub fn typed_code(text: &str) -> Option<String> {
    let line = route::parse(text)?;
    let code = match (line.name.as_str(), line.invocation.args.as_slice()) {
        (COMMAND, args) => args.concat(),
        ("start", [payload]) => payload.strip_prefix(deep_link::PAIRING_PREFIX)?.to_owned(),
        _ => return None,
    };
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let code: String = letters.map(|letter| normalize(letter.to_ascii_uppercase())).collect();
    (!code.is_empty()).then_some(code)
}

const fn normalize(letter: char) -> char {
    match letter {
        'O' => '0',
        'I' | 'L' => '1',
        _ => letter,
    }
}

/// Returns the pairing command for this code.
#[must_use]
pub fn command(code: &str) -> String {
    format!("/{COMMAND} {code}")
}

/// The result of comparing an attempt with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeCheck {
    Right,
    Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The code is valid: the sender becomes the owner.
    Pair,
    /// The code is wrong. Contains the number of remaining attempts.
    Wrong { left: usize },
    /// The code is wrong, and the number of wrong codes has reached [`MAX_WRONG_CODES`]. Pairing has ended.
    TooManyWrong,
    /// Pairing is over, so the code isn't checked.
    Ended,
}

/// The state of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingState {
    expires: Timestamp,
    /// The keys of the updates that contained a wrong code. A repeated update counts only once: Telegram sends a whole
    /// batch again if the host fails to store part of it.
    wrong: BTreeSet<String>,
    has_ended: bool,
}

impl PairingState {
    /// Begins pairing with a new code.
    #[must_use]
    pub fn begin(now: Timestamp) -> Self {
        Self { expires: now.after(VALIDITY), wrong: BTreeSet::new(), has_ended: false }
    }

    /// Handles an attempt. `key` identifies its update. The correct code stays valid until [`Self::end`] is called,
    /// because storing the owner may fail.
    pub fn attempt(&mut self, check: CodeCheck, key: &str, now: Timestamp) -> AttemptOutcome {
        if self.is_over(now) {
            return AttemptOutcome::Ended;
        }
        if check == CodeCheck::Right {
            return AttemptOutcome::Pair;
        }
        self.wrong.insert(key.to_owned());
        match MAX_WRONG_CODES.saturating_sub(self.wrong.len()) {
            0 => {
                self.has_ended = true;
                AttemptOutcome::TooManyWrong
            }
            left => AttemptOutcome::Wrong { left },
        }
    }

    /// Ends pairing, for example because there is now an owner.
    pub const fn end(&mut self) {
        self.has_ended = true;
    }

    /// Returns whether pairing ended before the code expired.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.has_ended || now >= self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_code_has_ten_unambiguous_characters() {
        assert_eq!(code(0), "0000000000");
        assert_eq!(code(u64::MAX), "ZZZZZZZZZZ");
        assert_eq!(code(0b00001_00000), "0100000000");
        assert_eq!(ALPHABET.iter().collect::<BTreeSet<_>>().len(), 32);
        assert!(ALPHABET.iter().all(|letter| normalize(*letter) == *letter));
    }

    #[test]
    fn a_code_is_read_from_the_command_and_the_link() {
        let code = "K7QF2MXR9T";
        let typed = |text: &str| typed_code(text);
        for text in ["/pair K7QF2MXR9T", "/pair k7qf2-mxr9t", "/PAIR k7qf2 mxr9t.", "/start p_K7QF2MXR9T"] {
            assert_eq!(typed(text).as_deref(), Some(code), "{text}");
        }
        assert_eq!(typed(&command(code)).as_deref(), Some(code));
        assert_eq!(typed("/pair oil").as_deref(), Some("011"));
        assert_eq!([typed("/pair"), typed("/start p_")], [None, None]);
        for other in ["/start", "/start s_web", "/start p_", "pair K7QF2MXR9T", "/pairs x", "hello"] {
            assert_ne!(typed(other).as_deref(), Some(code), "{other}");
        }
        assert_eq!(typed("/start s_web"), None);
        assert_eq!(deep_link::pairing("my_bot", code), "https://t.me/my_bot?start=p_K7QF2MXR9T");
    }

    #[test]
    fn the_right_code_is_valid_until_pairing_ends() {
        let mut pairing = PairingState::begin(START);
        let last = Timestamp(START.after(VALIDITY).0 - 1);
        assert_eq!(pairing.attempt(CodeCheck::Right, "1", last), AttemptOutcome::Pair);
        assert_eq!(pairing.attempt(CodeCheck::Right, "1", last), AttemptOutcome::Pair, "the owner could not be stored");
        pairing.end();
        assert_eq!(pairing.attempt(CodeCheck::Right, "2", last), AttemptOutcome::Ended);
        let mut expired = PairingState::begin(START);
        assert_eq!(expired.attempt(CodeCheck::Right, "1", START.after(VALIDITY)), AttemptOutcome::Ended);
    }

    #[test]
    fn five_wrong_codes_end_pairing_for_everyone() {
        let mut pairing = PairingState::begin(START);
        for left in [4, 3, 2, 1] {
            assert_eq!(pairing.attempt(CodeCheck::Wrong, &left.to_string(), START), AttemptOutcome::Wrong { left });
        }
        assert_eq!(
            pairing.attempt(CodeCheck::Wrong, "1", START),
            AttemptOutcome::Wrong { left: 1 },
            "a repeated update"
        );
        assert_eq!(pairing.attempt(CodeCheck::Wrong, "5", START), AttemptOutcome::TooManyWrong);
        assert_eq!(pairing.attempt(CodeCheck::Right, "6", START), AttemptOutcome::Ended);
    }
}
