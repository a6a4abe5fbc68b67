//! Creates the Markdown parser with the extensions that answers use.

use pulldown_cmark::{Options, Parser};

pub fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
}
