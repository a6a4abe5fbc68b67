//! Fetches and unpacks Debian packages without root: lists and archives go to a private folder, dpkg's database is
//! only read, nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step;

/// The system's package sources, the newer format first.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/// apt, configured to write below one folder only.
#[derive(Debug)]
pub struct Packages {
    folder: PathBuf,
    /// Replaces the system's own sources, if set.
    sources: Option<PathBuf>,
}

impl Packages {
    /// Uses the system's own sources.
    pub fn of_system(folder: PathBuf) -> Result<Self> {
        Self { folder, sources: None }.prepared()
    }

    /// Uses the main archive of another release of the same distribution.
    pub fn of_release(folder: PathBuf, release: &str) -> Result<Self> {
        let stanza = SOURCES
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .find_map(|text| retargeted(&text, release))
            .context("/etc/apt has no Debian archive")?;
        let sources = folder.join("sources");
        fs::create_dir_all(&sources)?;
        fs::write(sources.join("release.sources"), stanza)?;
        Self { folder, sources: Some(sources) }.prepared()
    }

    fn prepared(self) -> Result<Self> {
        for below in ["lists/partial", "cache/archives/partial", "unpacked"] {
            fs::create_dir_all(self.folder.join(below))?;
        }
        step::read(self.apt().arg("update")).context("the package lists can't be fetched")?;
        Ok(self)
    }

    fn apt(&self) -> Command {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").current_dir(&self.folder);
        // apt's locks belong to the system, and apt's sandbox user could not write here.
        apt.args(["-q", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"]);
        apt.arg("-o").arg(format!("Dir::State::Lists={}", self.folder.join("lists").display()));
        apt.arg("-o").arg(format!("Dir::Cache={}", self.folder.join("cache").display()));
        if let Some(sources) = &self.sources {
            apt.args(["-o", "Dir::Etc::SourceList=/dev/null"]);
            apt.arg("-o").arg(format!("Dir::Etc::SourceParts={}", sources.display()));
        }
        apt
    }

    /// Fetches packages with the dependencies that the system lacks.
    pub fn fetch_with_needs(&self, names: &[&str]) -> Result<()> {
        let mut apt = self.apt();
        apt.args(["install", "--yes", "--download-only", "--reinstall", "--no-install-recommends"]).args(names);
        step::read(&mut apt).with_context(|| format!("the packages {} can't be fetched", names.join(", ")))?;
        Ok(())
    }

    /// Fetches one package without dependencies.
    pub fn fetch(&self, name: &str) -> Result<()> {
        let mut apt = self.apt();
        apt.current_dir(self.folder.join("cache/archives")).args(["download", name]);
        step::read(&mut apt).with_context(|| format!("the package {name} can't be fetched"))?;
        Ok(())
    }

    /// Unpacks all fetched packages and returns the folder.
    pub fn unpack(&self) -> Result<PathBuf> {
        let into = self.folder.join("unpacked");
        let archives = self.folder.join("cache/archives");
        for path in fs::read_dir(&archives)?.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|ending| ending == "deb") {
                step::read(Command::new("dpkg").arg("-x").arg(&path).arg(&into))?;
                fs::remove_file(&path)?;
            }
        }
        Ok(into)
    }

    /// Deletes everything that was fetched and unpacked.
    pub fn remove(self) -> Result<()> {
        remove(&self.folder)
    }
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("{} can't be removed", folder.display()))
}

/// Returns the first archive of a sources file, with another release instead of its suites.
fn retargeted(text: &str, release: &str) -> Option<String> {
    stanza(text).map(|stanza| stanza.with_suites(release)).or_else(|| one_line(text, release))
}

struct Stanza<'a>(Vec<&'a str>);

impl Stanza<'_> {
    fn with_suites(&self, release: &str) -> String {
        let lines = self.0.iter().map(|line| {
            if field(line).is_some_and(|field| field.eq_ignore_ascii_case("suites")) {
                format!("Suites: {release}\n")
            } else {
                format!("{line}\n")
            }
        });
        lines.collect()
    }
}

fn field(line: &str) -> Option<&str> {
    line.split_once(':').map(|(field, _)| field.trim())
}

/// Returns the first stanza of the deb822 format that names an archive. Comments may come before it and in it.
fn stanza(text: &str) -> Option<Stanza<'_>> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    lines
        .split(|line| line.trim().is_empty())
        .find(|stanza| stanza.iter().any(|line| field(line).is_some_and(|field| field.eq_ignore_ascii_case("uris"))))
        .map(|stanza| Stanza(stanza.to_vec()))
}

/// Does the same for `deb [signed-by=…] ARCHIVE SUITE COMPONENT…`.
fn one_line(text: &str, release: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.starts_with("deb ") || line.starts_with("deb\t"))?;
    let rest = line.strip_prefix("deb")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let archive = rest.split_whitespace().next()?;
    let key = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let key = key.map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();
    Some(format!("Types: deb\nURIs: {archive}\nSuites: {release}\nComponents: main\n{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stanza_gets_the_other_release() {
        let text = "# Made by an installer.\n\nTypes: deb\n# An old snapshot: http://example.org/2025\n\
                    URIs: http://example.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\
                    Signed-By: /usr/share/keyrings/k.gpg\n\nTypes: deb\nURIs: http://example.org/security\n\
                    Suites: bookworm-security\n";
        assert_eq!(
            retargeted(text, "trixie").unwrap(),
            "Types: deb\nURIs: http://example.org/debian\nSuites: trixie\nComponents: main\n\
             Signed-By: /usr/share/keyrings/k.gpg\n"
        );
    }

    #[test]
    fn the_older_format_is_parsed() {
        let text = "# deb cdrom:[x]/ bookworm main\n\ndeb [arch=amd64 signed-by=/k.gpg] http://example.org/debian bookworm main contrib\n";
        assert_eq!(
            retargeted(text, "trixie").unwrap(),
            "Types: deb\nURIs: http://example.org/debian\nSuites: trixie\nComponents: main\nSigned-By: /k.gpg\n"
        );
        let text = "deb http://example.org/debian bookworm main";
        assert_eq!(
            retargeted(text, "trixie").unwrap(),
            "Types: deb\nURIs: http://example.org/debian\nSuites: trixie\nComponents: main\n"
        );
    }

    #[test]
    fn a_file_without_an_archive_yields_nothing() {
        for text in ["", "# See /etc/apt/sources.list.d/debian.sources\n", "deb-src http://example.org x main\n"] {
            assert_eq!(retargeted(text, "trixie"), None, "{text:?}");
        }
    }
}
