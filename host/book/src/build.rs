//! Builds the book with mdBook: adds the generated pages, corrects the links, and checks the links of the result.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use anyhow::{Context as _, Result, bail, ensure};
use cordboard_book::{
    book_links,
    documents::link_path,
    markdown,
    pages::{FILES, Pages, SOURCE},
    reference::{self, Cordboard},
};
use mdbook_driver::{
    MDBook,
    book::{Book, Chapter},
    config::Config,
};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

/// Builds the book, and returns its folder.
///
/// # Errors
/// A document or a plugin can't be read, or a link is broken.
pub fn build(root: &Path, cordboard: &Path) -> Result<PathBuf> {
    let config = Config::from_disk(root.join("host/book/book.toml"))?;
    let target = root.join(&config.build.build_dir);
    let mut book = MDBook::load_with_config(root, config)?;
    let state = target.with_file_name("book-state");
    let files = Rc::new(RefCell::new(BTreeSet::new()));
    book.with_preprocessor(ProjectPages {
        pages: Pages::new(book.book.chapters().map(document))?,
        generated: generated(root, &Cordboard { binary: cordboard.to_owned(), state })?,
        files: Rc::clone(&files),
    });
    book.build()?;
    for file in files.borrow().iter() {
        let copy = target.join(FILES).join(file);
        fs::create_dir_all(copy.parent().unwrap_or(&target))?;
        fs::copy(root.join(file), copy).with_context(|| format!("{file} can't be copied"))?;
    }
    let broken = book_links::broken(&target)?;
    ensure!(broken.is_empty(), "these links of the book lead nowhere:\n{}", broken.join("\n"));
    Ok(target)
}

/// Returns the path of a chapter's document, relative to the project's root.
fn document(chapter: &Chapter) -> String {
    let source = chapter.source_path.as_deref().unwrap_or(Path::new(""));
    link_path(&format!("{SOURCE}/SUMMARY.md"), &source.to_string_lossy())
}

/// The generated text of a page.
enum Generated {
    /// Replaces the document, which isn't written in Markdown.
    Whole(String),
    /// Follows the document.
    Appended(String),
}

/// Returns the generated texts by the paths of their documents.
fn generated(root: &Path, cordboard: &Cordboard) -> Result<BTreeMap<&'static str, Generated>> {
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| format!("{path} can't be read"));
    let configuration = reference::configuration(&read("config.toml")?);
    let interfaces = reference::interfaces(&read("wit/cordboard.wit")?);
    Ok(BTreeMap::from([
        ("config.toml", Generated::Whole(format!("# Configuration\n\n{configuration}"))),
        ("wit/cordboard.wit", Generated::Whole(format!("# Interfaces of the contract\n\n{interfaces}"))),
        ("host/docs/command-line.md", Generated::Appended(reference::command_line(cordboard)?)),
        ("host/docs/commands.md", Generated::Appended(chat_commands(root, cordboard)?)),
    ]))
}

fn chat_commands(root: &Path, cordboard: &Cordboard) -> Result<String> {
    fs::create_dir_all(&cordboard.state)?;
    let config = cordboard.state.join("config.toml");
    fs::write(&config, example_configuration(root)?)?;
    let plugins = root.join("target/plugins");
    let built_in = reference::chat_commands(cordboard, &plugins, &config)?;
    let extra = reference::chat_commands(cordboard, &plugins.join("extra"), &config)?;
    Ok(format!("## Built-in plugins\n\n{built_in}## Plugins to install\n\n{extra}"))
}

/// The documents with the settings without which some plugins can't be activated.
const EXAMPLES: [&str; 2] = ["plugins/homelab/README.md", "host/agents/README.md"];

/// Returns the settings of plugins in [`EXAMPLES`], except the certificate files, which don't exist on this machine.
fn example_configuration(root: &Path) -> Result<String> {
    let mut configuration = String::new();
    for document in EXAMPLES {
        let text = fs::read_to_string(root.join(document)).with_context(|| format!("{document} can't be read"))?;
        let blocks = markdown::code_blocks(&text).into_iter();
        for block in blocks.filter(|block| block.language == "toml" && block.text.contains("[plugins.")) {
            let lines = block.text.lines().filter(|line| !line.starts_with("ca = "));
            configuration.extend(lines.flat_map(|line| [line, "\n"]));
        }
    }
    Ok(configuration)
}

/// Adds the generated texts to the chapters, names the pages, and corrects the links between them.
struct ProjectPages {
    pages: Pages,
    generated: BTreeMap<&'static str, Generated>,
    /// The files to copy into the book.
    files: Rc<RefCell<BTreeSet<String>>>,
}

impl Preprocessor for ProjectPages {
    fn name(&self) -> &str {
        "project-pages"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut outcome = Ok(());
        book.for_each_chapter_mut(|chapter| {
            if outcome.is_ok() {
                outcome = self.complete(&context.root, chapter);
            }
        });
        outcome.map(|()| book)
    }
}

impl ProjectPages {
    fn complete(&self, root: &Path, chapter: &mut Chapter) -> Result<()> {
        let document = document(chapter);
        if chapter.content.contains("{{#include") {
            bail!("{document} includes a file that can't be read");
        }
        let text = match self.generated.get(document.as_str()) {
            Some(Generated::Whole(text)) => text.clone(),
            Some(Generated::Appended(text)) => format!("{}\n{text}", chapter.content),
            None => std::mem::take(&mut chapter.content),
        };
        chapter.content = self.pages.with_book_links(root, &document, &text, &mut self.files.borrow_mut())?;
        chapter.path = self.pages.name(&document).map(PathBuf::from);
        Ok(())
    }
}
