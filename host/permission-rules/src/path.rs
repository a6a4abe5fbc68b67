//! The paths in tool uses, and gitignore-style patterns for them. Paths are compared only as text: no files are read
//! and no links are followed.

use glob::{MatchOptions, Pattern};

use crate::{List, RuleError, ToolUse, tool};

/// The maximum length of a path on Linux, in bytes.
const LONGEST: usize = 4096;
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// The file or folder that a path leads to, if the path's text alone determines it.
#[derive(Debug, PartialEq, Eq)]
pub enum Location {
    /// The components of the path, from the root.
    Absolute(Vec<String>),
    /// Tools may interpret the path in different ways, or the folder that the path is relative to is unknown.
    Unclear,
}

impl Location {
    pub fn of(path: &str, tool_use: &ToolUse) -> Self {
        Self::read(path, tool_use).map_or(Self::Unclear, Self::Absolute)
    }

    fn read(path: &str, tool_use: &ToolUse) -> Option<Vec<String>> {
        // Some tools trim their paths, and some accept URLs such as `file://…`.
        let is_clear = !path.is_empty()
            && path.len() <= LONGEST
            && path.trim() == path
            // JavaScript's `trim` also removes the byte order mark.
            && !path.contains('\u{feff}')
            && !path.contains(char::is_control)
            && !path.contains("://");
        if !is_clear {
            return None;
        }
        if let Some(below_home) = path.strip_prefix('~') {
            return match below_home {
                "" => names(tool_use.home?, ""),
                _ if below_home.starts_with('/') => names(tool_use.home?, below_home),
                _ => None,
            };
        }
        if path.starts_with('/') { names(path, "") } else { names(tool_use.folder, path) }
    }
}

/// Returns the components of `path` appended to `base`, with `.` and `..` resolved, or `None` if `base` isn't absolute.
fn names(base: &str, path: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for name in base.strip_prefix('/')?.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            _ => names.push(name.to_owned()),
        }
    }
    Some(names)
}

/// The folder that a pattern is relative to.
#[derive(Clone, Copy, Debug)]
enum Base {
    Session,
    Root,
    Home,
}

/// The paths that an allow rule covers.
#[derive(Clone, Copy, Debug)]
enum Coverage {
    /// The paths that the pattern matches.
    Matches,
    /// The paths below the folders that the pattern matches.
    Below,
    Both,
}

#[derive(Clone, Debug)]
pub struct PathPattern {
    base: Base,
    parts: Vec<Part>,
    coverage: Coverage,
}

#[derive(Clone, Debug)]
enum Part {
    AnyFolders,
    Name(Pattern),
}

impl PathPattern {
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        if text.starts_with('!') {
            return Err(RuleError::Negation);
        }
        if text.contains(['{', '}', '\\']) || text.contains("[^") {
            return Err(RuleError::GlobExtension);
        }
        let (base, relative) = match text.strip_prefix('~') {
            Some(below) if below.is_empty() || below.starts_with('/') => (Base::Home, below),
            Some(_) => return Err(RuleError::ParentFolder),
            None => text.strip_prefix("//").map_or((Base::Session, text), |below| (Base::Root, below)),
        };
        let mut names: Vec<&str> = relative.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        if names.contains(&"..") {
            return Err(RuleError::ParentFolder);
        }
        let is_folder = text.ends_with('/') || names.last() == Some(&"**");
        let is_at_any_depth = matches!(base, Base::Session) && !text.trim_end_matches('/').contains('/');
        while names.last() == Some(&"**") {
            names.pop();
        }
        let ends_with_wildcard = names.last().is_some_and(|name| name.contains(['*', '?', '[']));
        let coverage = match (ends_with_wildcard, is_folder) {
            (false, _) => Coverage::Both,
            (true, true) => Coverage::Below,
            (true, false) => Coverage::Matches,
        };
        let depth = (is_at_any_depth && !names.is_empty()).then_some(Ok(Part::AnyFolders));
        let parts = depth.into_iter().chain(names.into_iter().map(Part::parse)).collect::<Result<_, _>>()?;
        Ok(Self { base, parts, coverage })
    }

    pub fn matches(&self, path: &Location, tool_use: &ToolUse, list: List) -> bool {
        let Location::Absolute(path) = path else { return list == List::Restrict };
        let base = match self.base {
            Base::Session => names(tool_use.folder, ""),
            Base::Root => Some(Vec::new()),
            Base::Home => tool_use.home.and_then(|home| names(home, "")),
        };
        let Some(relative) = base.and_then(|base| path.strip_prefix(base.as_slice())) else { return false };
        let coverage = match list {
            List::Allow => self.coverage,
            List::Restrict => Coverage::Both,
        };
        // The pattern matches a folder above the path if the pattern, followed by any folders, matches the parent.
        let is_below = || {
            let parts: Vec<&Part> = self.parts.iter().chain([&Part::AnyFolders]).collect();
            relative.split_last().is_some_and(|(_, above)| matches_all(&parts, above))
        };
        let is_match = || matches_all(&self.parts.iter().collect::<Vec<_>>(), relative);
        match coverage {
            Coverage::Matches => is_match(),
            Coverage::Below => is_below(),
            Coverage::Both => is_match() || is_below(),
        }
    }
}

impl Part {
    fn parse(name: &str) -> Result<Self, RuleError> {
        if name == "**" {
            return Ok(Self::AnyFolders);
        }
        Pattern::new(name).map(Self::Name).map_err(|_| RuleError::Glob)
    }
}

/// Returns whether the pattern parts match all of the names. Backtracks only to the last `**`, so the running time is
/// at most proportional to the product of the lengths.
fn matches_all(parts: &[&Part], names: &[String]) -> bool {
    let (mut part, mut name) = (0, 0);
    let mut last_folders: Option<(usize, usize)> = None;
    loop {
        match (parts.get(part), names.get(name)) {
            (None, None) => return true,
            (Some(Part::AnyFolders), _) => {
                last_folders = Some((part, name));
                part += 1;
            }
            (Some(Part::Name(pattern)), Some(text)) if pattern.matches_with(text, OPTIONS) => {
                part += 1;
                name += 1;
            }
            (Some(Part::Name(_)) | None, _) => match last_folders {
                Some((folders, first)) if first < names.len() => {
                    last_folders = Some((folders, first + 1));
                    part = folders + 1;
                    name = first + 1;
                }
                _ => return false,
            },
        }
    }
}

/// Returns a pattern for the file's folder, or for the folder that the tool searches. If a rule for that folder would
/// be too broad, the pattern names the file itself, and a search gets no pattern. Rules are too broad for the root and
/// the folders directly in it, the home folder, folders that contain the home folder or the session's folder, and
/// hidden folders and everything below them, which often contain settings, hooks and keys. A rule for the session's
/// folder itself is also too broad, except for a search.
pub fn suggested_pattern(path: &str, tool_use: &ToolUse) -> Option<String> {
    let Location::Absolute(path) = Location::of(path, tool_use) else { return None };
    let session = names(tool_use.folder, "")?;
    let is_inside = path.starts_with(&session);
    let (start, relative) = if is_inside { ("", &path[session.len()..]) } else { ("//", path.as_slice()) };
    let is_literal = |name: &String| !name.contains(['*', '?', '[', ']', '{', '}', '\\', '!']) && name.trim() == name;
    if !relative.iter().all(is_literal) {
        return None;
    }
    let reads_folder = tool::reads_folders(tool_use.tool);
    let parent = relative.split_last().map_or(relative, |(_, parent)| parent);
    let folder = if reads_folder { relative } else { parent };
    let full = &path[..path.len() - (relative.len() - folder.len())];
    let home = tool_use.home.and_then(|home| names(home, ""));
    let is_wide = match is_inside {
        true => folder.is_empty() && !reads_folder,
        false => full.len() < 2 || session.starts_with(full) || home.is_some_and(|home| home.starts_with(full)),
    };
    let is_hidden = folder.iter().any(|name| name.starts_with('.'));
    let pattern = match (is_wide || is_hidden, folder) {
        (true, _) if relative.is_empty() || reads_folder => return None,
        // A name without a slash would match at any depth.
        (true, _) if is_inside => format!("./{}", relative.join("/")),
        (true, _) => format!("{start}{}", relative.join("/")),
        (false, []) => "./**".to_owned(),
        (false, folder) => format!("{start}{}/**", folder.join("/")),
    };
    Some(pattern)
}
