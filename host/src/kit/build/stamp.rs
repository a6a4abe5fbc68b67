//! What a component was made of. Tools for Python and JavaScript take seconds and make other bytes each time, which a host would compile
//! anew: where nothing has changed, they need not run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    kit::{error::KitError, project::Project, sources::sources},
    plugin::digest,
};

/// Conversations lie here, and get into no component.
const TESTS: &str = "tests";

pub struct Stamp {
    path: PathBuf,
    /// The digest of all that goes into the component.
    made_of: String,
}

impl Stamp {
    /// `installed`: the folder of the packages that the tools of the language use.
    pub fn of(project: &Project, installed: &Path) -> Result<Self, KitError> {
        let mut text = format!("cordboard {}\n", env!("CARGO_PKG_VERSION"));
        let tests = project.folder.join(TESTS);
        for path in sources(&project.folder).into_iter().filter(|path| !path.starts_with(&tests)) {
            let bytes = fs::read(&path).map_err(KitError::read(&path))?;
            text += &format!("{} {}\n", path.strip_prefix(&project.folder).unwrap_or(&path).display(), digest(&bytes));
        }
        text += &packages(installed);
        let path = project.component().with_file_name(format!(".{}.made-of", project.name));
        Ok(Self { path, made_of: digest(text.as_bytes()) })
    }

    /// Whether `component` is what was made of this.
    pub fn stands(&self, component: &Path) -> bool {
        let made = fs::read(component).map(|wasm| self.text(&wasm));
        made.is_ok_and(|text| fs::read_to_string(&self.path).is_ok_and(|kept| kept == text))
    }

    pub fn keep(&self, component: &Path) -> Result<(), KitError> {
        let wasm = fs::read(component).map_err(KitError::read(component))?;
        fs::write(&self.path, self.text(&wasm)).map_err(KitError::write(&self.path))
    }

    fn text(&self, wasm: &[u8]) -> String {
        format!("{} of {}\n", digest(wasm), self.made_of)
    }
}

/// By name, and by the time at which each was installed: Python keeps what it makes of its own in the folders of code.
fn packages(folder: &Path) -> String {
    let line = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let data = entry.metadata().ok()?;
        let dated = data.is_file() || name.ends_with(".dist-info");
        (name != "__pycache__").then(|| format!("{name} {:?}\n", dated.then(|| data.modified().ok())))
    };
    let mut packages: Vec<String> = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(line).collect();
    packages.sort();
    packages.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Language;

    #[test]
    fn a_component_stands_until_something_that_it_was_made_of_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).expect("written");
        for name in ["dist", "tests", "packages", ".hidden"] {
            fs::create_dir(path(name)).expect("made");
        }
        let project = Project { folder: folder.path().to_owned(), language: Language::Python, name: "x".into() };
        let stamp = || Stamp::of(&project, &path("packages")).expect("read");
        let stands = || stamp().stands(&project.component());
        write("plugin.py", "one");
        assert!(!stands(), "nothing is built yet");
        write("dist/x.wasm", "made of one");
        assert!(!stands(), "nobody says of what");
        stamp().keep(&project.component()).expect("kept");
        assert!(stands());
        write("tests/x.chat", "> /x");
        write(".hidden/y", "z");
        assert!(stands(), "these get into no component");
        for (name, text) in [("plugin.py", "two"), ("new.py", ""), ("packages/y", ""), ("dist/x.wasm", "another one")] {
            write(name, text);
            assert!(!stands(), "{name}");
            stamp().keep(&project.component()).expect("kept");
        }
    }
}
