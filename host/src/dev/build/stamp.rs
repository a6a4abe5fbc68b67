//! Records a component's sources, so that unchanged sources aren't rebuilt. The Python and JavaScript tools take
//! seconds, and their output differs each time, so a host would have to recompile it. If a file can't be read or
//! written, the plugin is rebuilt; this is not an error.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cordboard_runtime::digest;

use crate::dev::{project::Project, sources::component_inputs};

/// The sources at the start of a build, and the file that records them. A source that changes during the build no
/// longer matches this record, so the next build isn't skipped.
pub struct Stamp {
    path: PathBuf,
    /// The names and digests of the sources. `None` if they can't be read.
    sources: Option<String>,
}

impl Stamp {
    pub fn of(project: &Project) -> Self {
        let path = project.component().with_file_name(format!(".{}.made-of", project.name));
        Self { path, sources: sources(&project.folder).ok() }
    }

    /// Returns whether `component` was built from these sources and the packages in `installed`.
    pub fn is_current(&self, component: &Path, installed: &Path) -> bool {
        let text = self.text(component, installed);
        text.is_some_and(|text| fs::read_to_string(&self.path).is_ok_and(|stored| stored == text))
    }

    pub fn save(&self, component: &Path, installed: &Path) {
        if let Some(text) = self.text(component, installed) {
            // A failed write is harmless: without a stamp, the next build isn't skipped.
            drop(fs::write(&self.path, text));
        }
    }

    fn text(&self, component: &Path, installed: &Path) -> Option<String> {
        let (sources, wasm) = (self.sources.as_ref()?, fs::read(component).ok()?);
        let inputs =
            digest(format!("cordboard {}\n{sources}{}", env!("CARGO_PKG_VERSION"), packages(installed)).as_bytes());
        Some(format!("{} of {inputs}\n", digest(&wasm)))
    }
}

/// Returns the names and digests of the source files.
fn sources(folder: &Path) -> io::Result<String> {
    let line = |path: PathBuf| {
        let bytes = fs::read(&path)?;
        Ok(format!("{} {}\n", path.strip_prefix(folder).unwrap_or(&path).display(), digest(&bytes)))
    };
    component_inputs(folder).into_iter().map(line).collect()
}

/// Lists the packages with the modification times of their files and `.dist-info` folders. Other folders' times are
/// omitted, because Python writes caches into code folders.
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
    fn a_build_is_current_until_an_input_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let write_file = |name: &str, text: &str| fs::write(path(name), text).expect("written");
        for name in ["dist", "tests", "node_modules"] {
            fs::create_dir(path(name)).expect("made");
        }
        let project = Project { folder: folder.path().to_owned(), language: Language::Js, name: "x".into() };
        let (component, packages) = (project.component(), path("node_modules"));
        let is_current = || Stamp::of(&project).is_current(&component, &packages);
        let save = || Stamp::of(&project).save(&component, &packages);
        write_file("plugin.js", "one");
        assert!(!is_current(), "nothing is built yet");
        write_file("dist/x.wasm", "made of one");
        assert!(!is_current(), "there is no stamp yet");
        save();
        assert!(is_current());
        write_file("tests/x.chat", "> /x");
        assert!(is_current(), "conversations are not part of a component");
        for (name, text) in
            [("plugin.js", "two"), ("new.js", ""), ("node_modules/y", ""), ("dist/x.wasm", "another one")]
        {
            write_file(name, text);
            assert!(!is_current(), "{name}");
            save();
        }
        let before = Stamp::of(&project);
        write_file("plugin.js", "saved while it is being built");
        before.save(&component, &packages);
        assert!(!is_current(), "no component contains it yet");
    }
}
