//! The page that `/files` shows.

use cordboard_plugin::{Reply, sessions::FileEntry, text::escape, tr};

/// The maximum number of entries per page. Each entry has a button.
const PAGE: usize = 20;

/// A session folder.
pub struct Listing<'a> {
    pub session: &'a str,
    /// The path of the folder, relative to the session's folder.
    pub path: &'a str,
    pub entries: &'a [FileEntry],
    /// True if `entries` contains all of the folder's entries.
    pub is_complete: bool,
    /// The number of entries on earlier pages.
    pub skip: usize,
}

/// Splits the argument of `/files` into the number of entries to skip and the path, as in `+20 src`.
pub fn parse(argument: &str) -> (usize, &str) {
    let (first, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    match first.strip_prefix('+').and_then(|number| number.parse().ok()) {
        Some(skip) => (skip, rest.trim()),
        None => (0, argument),
    }
}

impl Listing<'_> {
    pub fn reply(&self) -> Reply {
        let folder = self.path.trim_end_matches('/');
        // Like `ls`, hide names that begin with a dot.
        let mut entries: Vec<&FileEntry> = self.entries.iter().filter(|entry| !entry.name.starts_with('.')).collect();
        entries.sort_by_key(|entry| entry.kind != "folder");
        let shown = entries.iter().skip(self.skip).take(PAGE);
        let title = if folder.is_empty() { String::new() } else { format!(" {}", escape(folder)) };
        let mut lines = vec![format!("**{}**{title}: {}", escape(self.session), counted(entries.len()))];
        if !self.is_complete {
            lines.push(tr!("Only {} entries of this folder were read.", self.entries.len()));
        }
        let mut reply = Reply::text("").in_place();
        for entry in shown {
            let path = if folder.is_empty() { unambiguous(&entry.name) } else { format!("{folder}/{}", entry.name) };
            match entry.kind.as_str() {
                "folder" => {
                    lines.push(format!("📁 {}/", escape(&entry.name)));
                    reply = reply.button(format!("📁 {}", entry.name), format!("/files {path}"));
                }
                "file" => {
                    lines.push(format!("{} - {}", escape(&entry.name), size(entry.size)));
                    reply = reply.button(entry.name.clone(), format!("/get {path}"));
                }
                "link" => lines.push(format!("{} - {}", escape(&entry.name), tr!("link"))),
                kind => lines.push(format!("{} - {kind}", escape(&entry.name))),
            }
        }
        let next = self.skip.saturating_add(PAGE);
        let mut row = Vec::new();
        if let Some((parent, _)) = folder.rsplit_once('/') {
            row.push((tr!("⬆ Up"), format!("/files {parent}")));
        } else if !folder.is_empty() {
            row.push((tr!("⬆ Up"), "/files".to_owned()));
        }
        if next < entries.len() {
            row.push((tr!("More"), format!("/files +{next} {folder}").trim_end().to_owned()));
        }
        Reply { text: lines.join("\n"), ..reply.row(row) }
    }
}

/// Returns the path of an entry in the session's folder. Adds `./` to a name such as `+20`, which would otherwise be
/// parsed as a number of entries.
fn unambiguous(name: &str) -> String {
    if name.starts_with('+') { format!("./{name}") } else { name.to_owned() }
}

fn counted(entries: usize) -> String {
    if entries == 0 { tr!("no files") } else { tr!("{n} entry" | "{n} entries" % entries) }
}

/// Formats a size in bytes.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // The loss of precision is far below the one digit that is shown.
    #[expect(clippy::cast_precision_loss, reason = "only one digit after the point is shown")]
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: &str, size: u64) -> FileEntry {
        FileEntry { name: name.to_owned(), kind: kind.to_owned(), size, modified: 0, facts: Vec::new() }
    }

    #[test]
    fn folders_come_first_and_each_entry_has_a_button() {
        let entries = [
            entry(".git", "folder", 1),
            entry("a.txt", "file", 12),
            entry("link", "link", 3),
            entry("src", "folder", 4096),
        ];
        let reply = Listing { session: "web", path: "x/y", entries: &entries, is_complete: true, skip: 0 }.reply();
        assert_eq!(reply.text, "**web** x/y: 3 entries\n📁 src/\na.txt - 12 B\nlink - link");
        let commands: Vec<_> = reply.buttons.iter().flatten().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/files x/y/src", "/get x/y/a.txt", "/files x"]);
    }

    #[test]
    fn a_folder_named_like_a_number_of_entries_can_be_opened() {
        let entries = [entry("+20", "folder", 1)];
        let reply = Listing { session: "web", path: "", entries: &entries, is_complete: true, skip: 0 }.reply();
        assert_eq!(reply.buttons[0][0].command, "/files ./+20");
        assert_eq!(parse("./+20"), (0, "./+20"));
    }

    #[test]
    fn a_long_list_has_pages() {
        let entries: Vec<_> = (0..45).map(|number| entry(&format!("{number:02}"), "file", 1)).collect();
        let page = |skip| Listing { session: "web", path: "", entries: &entries, is_complete: true, skip }.reply();
        let last = |reply: &Reply| reply.buttons.last().and_then(|row| row.last()).map(|button| button.command.clone());
        assert_eq!(last(&page(0)), Some("/files +20".to_owned()));
        assert_eq!(last(&page(40)), Some("/get 44".to_owned()));
        assert_eq!(page(40).text.lines().count(), 6);
        assert_eq!(parse("+20 my folder"), (20, "my folder"));
        assert_eq!(parse("my folder"), (0, "my folder"));
        assert_eq!(parse("+x"), (0, "+x"));
    }

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        for (bytes, shown) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (999_949, "999.9 KB"), (999_950, "1.0 MB")]
        {
            assert_eq!(size(bytes), shown);
        }
        assert_eq!(size(u64::MAX), "18446744.1 TB");
    }
}
