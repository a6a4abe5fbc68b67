//! Builds the documentation as a book, for `cargo xtask docs`.

#![forbid(unsafe_code)]

mod build;
mod serve;

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use clap::Parser;

/// Build the documentation as a book.
#[derive(Debug, Parser)]
struct Options {
    /// The project's root
    #[arg(long)]
    root: PathBuf,
    /// The built `cordboard` binary
    #[arg(long)]
    cordboard: PathBuf,
    /// Open the book in a browser
    #[arg(long)]
    open: bool,
    /// Serve the book on this machine until Ctrl-C
    #[arg(long, conflicts_with = "open")]
    serve: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let book = build::build(&options.root, &options.cordboard)?;
    let start = book.join("index.html");
    eprintln!("built {}", start.display());
    if options.open {
        Command::new("xdg-open").arg(&start).status().context("xdg-open can't be started")?;
    }
    if options.serve { serve::serve(&book) } else { Ok(()) }
}
