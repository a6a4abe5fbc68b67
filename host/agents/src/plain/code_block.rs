//! Formats the output of a program as a code block while it arrives.

use crate::tool_input::note;

/// The maximum length of the text in bytes, which bounds the answer of a program that prints endlessly.
const LONGEST: usize = 256 * 1024;

/// The minimum length of a fence, in backticks.
const SHORTEST_FENCE: usize = 3;

/// A Markdown code block that grows line by line.
#[derive(Debug, Default)]
pub(super) struct CodeBlock {
    /// The length of the fence, or 0 before the first line.
    fence: usize,
    /// The number of blank lines since the last non-blank line. Trailing blank lines are not shown.
    blank_lines: usize,
    length: usize,
    /// The number of characters omitted because the text would become too long.
    omitted: usize,
}

impl CodeBlock {
    pub(super) const fn push_blank_line(&mut self) {
        if self.fence > 0 {
            self.blank_lines += 1;
        }
    }

    /// Appends a line of output, as Markdown, to `text`.
    pub(super) fn push_line(&mut self, line: &str, text: &mut String) {
        self.length += line.len() + self.blank_lines + 1;
        if self.length > LONGEST {
            self.omitted += line.chars().count();
            return;
        }
        let backticks = line.trim_start().bytes().take_while(|&byte| byte == b'`').count();
        if self.fence == 0 {
            self.open(backticks, text);
        } else if backticks >= self.fence {
            // The line would end the block, so continue in a new block with a longer fence.
            text.push_str(&"`".repeat(self.fence));
            text.push_str("\n\n");
            self.blank_lines = 0;
            self.open(backticks, text);
        }
        text.push_str(&"\n".repeat(std::mem::take(&mut self.blank_lines)));
        text.push_str(line);
        text.push('\n');
    }

    fn open(&mut self, backticks: usize, text: &mut String) {
        self.fence = SHORTEST_FENCE.max(backticks + 1);
        text.push_str(&"`".repeat(self.fence));
        text.push('\n');
    }

    /// Appends the end of the block to `text`, and a note if characters were omitted.
    pub(super) fn close(self, text: &mut String) {
        text.push_str(&"`".repeat(self.fence));
        if self.omitted > 0 {
            text.push_str(&format!("\n\nThe output is too long.{}", note(self.omitted, "character")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(lines: &[&str]) -> String {
        let (mut block, mut text) = (CodeBlock::default(), String::new());
        for line in lines {
            if line.is_empty() { block.push_blank_line() } else { block.push_line(line, &mut text) }
        }
        block.close(&mut text);
        text
    }

    #[test]
    fn blank_lines_at_the_ends_are_not_shown() {
        assert_eq!(block(&["", "a", "", "b", "", ""]), "```\na\n\nb\n```");
        assert_eq!(block(&["", ""]), "");
    }

    #[test]
    fn a_line_of_backticks_does_not_end_the_block() {
        assert_eq!(block(&["````", "a"]), "`````\n````\na\n`````");
        assert_eq!(block(&["a", "  ```", "b"]), "```\na\n```\n\n````\n  ```\nb\n````");
        assert_eq!(block(&["a", "`b`"]), "```\na\n`b`\n```");
    }

    #[test]
    fn a_long_output_is_cut() {
        let line = "x".repeat(LONGEST / 2);
        let shown = block(&[&line, &line, "end"]);
        let end = "x\n```\n\nThe output is too long.\n131075 more characters are not shown.";
        assert!(shown.ends_with(end), "{}", &shown[shown.len() - 100..]);
    }
}
