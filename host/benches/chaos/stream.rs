//! Judges the lines of an agent's answer that a chat has shown. Does no I/O.

/// The text of a line. The comma shows that the number is complete.
pub fn line(number: u64) -> String {
    format!("line {number}, ")
}

/// Returns the numbers of the lines in a message.
pub fn lines(text: &str) -> Vec<u64> {
    text.split("line ").skip(1).filter_map(|rest| rest.split_once(',')?.0.parse().ok()).collect()
}

/// The lines that a chat has shown in a wrong way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct WrongLines {
    /// Missing in the middle of a frame, or in the complete answer.
    pub lost: usize,
    /// Shown more than once in a message.
    pub doubled: usize,
    /// Shown after a later line.
    pub disordered: usize,
    /// The number of frames that no longer showed all lines of the previous frame.
    pub withdrawn: usize,
}

impl WrongLines {
    pub fn add(&mut self, more: Self) {
        self.lost += more.lost;
        self.doubled += more.doubled;
        self.disordered += more.disordered;
        self.withdrawn += more.withdrawn;
    }
}

impl std::fmt::Display for WrongLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lost, doubled, disordered, withdrawn } = self;
        write!(f, "{lost} lines lost, {doubled} doubled, {disordered} out of order, {withdrawn} frames withdrew lines")
    }
}

/// Judges the frames of one answer and then the complete answer.
#[derive(Debug, Default)]
pub struct AnswerLines {
    shown: u64,
    pub frames: usize,
    pub wrong: WrongLines,
}

impl AnswerLines {
    /// Adds a frame, which shows the answer up to some line.
    pub fn add_frame(&mut self, text: &str) {
        let lines = lines(text);
        let last = lines.iter().copied().max().unwrap_or_default();
        self.wrong.withdrawn += usize::from(last < self.shown);
        self.shown = self.shown.max(last);
        self.frames += 1;
        self.judge(&lines, last);
    }

    /// Adds the complete answer, which must show all lines up to `last`.
    pub fn add_answer(&mut self, text: &str, last: u64) {
        self.judge(&lines(text), last);
    }

    fn judge(&mut self, lines: &[u64], last: u64) {
        let mut sorted = lines.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        self.wrong.doubled += lines.len() - sorted.len();
        self.wrong.lost += (1..=last).filter(|line| sorted.binary_search(line).is_err()).count();
        self.wrong.disordered += lines.windows(2).filter(|pair| pair[1] < pair[0]).count();
    }
}
