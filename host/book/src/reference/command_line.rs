//! The page about the command line, from the help of each subcommand.

use anyhow::{Result, ensure};

use super::Cordboard;

/// Returns the help of `cordboard` and all its subcommands as Markdown.
///
/// # Errors
/// The program can't be run, or has no help.
pub fn command_line(cordboard: &Cordboard) -> Result<String> {
    let mut page = String::new();
    add(&mut page, cordboard, &[])?;
    Ok(page)
}

fn add(page: &mut String, cordboard: &Cordboard, path: &[&str]) -> Result<()> {
    let output = cordboard.run(&[path, &["--help"]].concat())?;
    let title = std::iter::once("cordboard").chain(path.iter().copied()).collect::<Vec<_>>().join(" ");
    let help = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && !help.is_empty(), "`{title} --help` failed: {}", output.status);
    page.push_str(&format!("## {title}\n\n```text\n{}\n```\n\n", help.trim_end()));
    for name in subcommands(&help) {
        add(page, cordboard, &[path, &[name]].concat())?;
    }
    Ok(())
}

/// Returns the names in the section `Commands:`, except `help`.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let section = help.split_once("\nCommands:\n").map_or("", |(_, section)| section);
    let lines = section.lines().take_while(|line| line.starts_with("  "));
    // A description can continue in further lines, which are indented more.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcommands_are_read_from_the_help() {
        let help = "About.\n\nUsage: a <COMMAND>\n\nCommands:\n  run    Start the host\n         and more\n  check  Check\n  help   Print this message\n\nOptions:\n  -h, --help  Print help\n";
        assert_eq!(subcommands(help).collect::<Vec<_>>(), ["run", "check"]);
        assert_eq!(subcommands("Usage: a\n\nOptions:\n  -h\n").count(), 0);
    }
}
