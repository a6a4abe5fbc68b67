//! Finds the fenced code blocks in Markdown.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::markdown::parser;

/// A fenced code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// The block's range in the source, including the fences.
    pub at: Range<usize>,
    /// The text after the opening fence, for example `rust`.
    pub language: String,
    pub code: String,
}

/// Returns the fenced code blocks in order.
#[must_use]
pub fn find_code_blocks(markdown: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut current: Option<CodeBlock> = None;
    for (event, at) in parser(markdown).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) = event {
            current = Some(CodeBlock { at, language: language.to_string(), code: String::new() });
        } else if let (Event::Text(text), Some(block)) = (&event, &mut current) {
            block.code.push_str(text);
        } else if event == Event::End(TagEnd::CodeBlock) {
            blocks.extend(current.take());
        }
    }
    blocks
}
