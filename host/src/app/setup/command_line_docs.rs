//! Generates shell completions and man pages from the definition of the command line, so that they can't differ from
//! it.

use std::{fs, io, path::Path};

use clap::CommandFactory as _;
use clap_complete::{generate, shells};

use super::SetupError;
use crate::{
    app::{AppError, inspect::print_text},
    cli::{Cli, Shell},
};

/// Prints the completions for a shell: `cordboard completions`.
///
/// # Errors
/// The output can't be written.
pub fn completions(shell: Shell) -> Result<(), AppError> {
    print_text(&script(shell))
}

fn script(shell: Shell) -> String {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    let name = "cordboard";
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a man page for each subcommand: `cordboard man`.
///
/// # Errors
/// The folder can't be created, or a page can't be written.
pub fn man(dir: &Path) -> Result<(), AppError> {
    let write = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        clap_mangen::generate_to(Cli::command(), dir)
    };
    write().map_err(|source| SetupError::ManPages { dir: dir.to_owned(), source })?;
    print_text(&format!("Wrote the man pages to {}.\n", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_subcommand() {
        let command = Cli::command();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            for subcommand in command.get_subcommands() {
                assert!(script.contains(subcommand.get_name()), "{shell:?}: {}", subcommand.get_name());
            }
        }
    }

    #[test]
    fn every_subcommand_has_a_man_page() {
        let folder = tempfile::tempdir().unwrap();
        man(&folder.path().join("man1")).unwrap();
        for subcommand in Cli::command().get_subcommands() {
            let page = folder.path().join(format!("man1/cordboard-{}.1", subcommand.get_name()));
            let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = man(&file).unwrap_err().to_string();
        assert!(error.starts_with(&format!("failed to write the man pages to {}: ", file.display())), "{error}");
    }
}
