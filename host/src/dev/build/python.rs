//! Builds Python plugins with componentize-py in the project's own `.venv`, which is created if it is missing.

use std::{fs, path::PathBuf};

use cordboard_runtime::interface;

use crate::dev::{error::DevError, progress, project::Project, tool::Tool};

/// The version tested with the host's WIT contract.
pub const COMPONENTIZE_PY: &str = "0.25.1";

const INSTALL_PYTHON: &str =
    "install Python 3.10 or later with its venv module (on Debian: apt install python3 python3-venv)";

const VENV: &str = ".venv";

const TOOL: &str = "componentize-py";

/// Installs componentize-py if it is missing, and returns the package folder. The component may include packages, so a
/// changed package requires a rebuild.
pub fn installed(project: &Project) -> Result<PathBuf, DevError> {
    let bin = bin(project)?;
    if !bin.join(TOOL).exists() {
        install(project, &bin)?;
    }
    let lib = project.folder.join(VENV).join("lib");
    let pythons = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path().join("site-packages"));
    Ok(pythons.min().unwrap_or(lib))
}

/// Returns the absolute path of the `bin` folder in the project's `.venv`. A relative path wouldn't work, because the
/// tools run in the project's folder.
fn bin(project: &Project) -> Result<PathBuf, DevError> {
    let bin = project.folder.join(VENV).join("bin");
    std::path::absolute(&bin).map_err(DevError::read(&bin))
}

pub fn build(project: &Project) -> Result<PathBuf, DevError> {
    let bin = bin(project)?;
    progress::step(&format!("building '{}' with componentize-py (about 10 seconds)", project.name));
    let output = project.built()?;
    Tool::new(bin.join(TOOL), INSTALL_PYTHON)
        .within(&project.folder)
        // Includes packages from the project's own .venv in the component.
        .env("VIRTUAL_ENV", bin.parent().unwrap_or(&bin))
        // The tool's backtrace would bury the error in the author's code.
        .env("RUST_LIB_BACKTRACE", "0")
        .args(["--quiet", "--wit-path", "wit", "--world", "plugin"])
        .args(names(project)?)
        .args(["componentize", "plugin", "--output"])
        .args([&output])
        .run()?;
    Ok(output)
}

/// Returns the option that keeps the name `types` for the contract's interface. It is needed only if the world imports
/// `wasi:http`, which also has an interface `types`: without the option, adding HTTP requests to a plugin would rename
/// the contract's `types`.
fn names(project: &Project) -> Result<Vec<String>, DevError> {
    let world = project.below("wit/world.wit");
    let text = fs::read_to_string(&world).map_err(DevError::read(&world))?;
    if !text.contains("import wasi:http/") {
        return Ok(Vec::new());
    }
    Ok(vec!["--import-interface-name".to_owned(), format!("{}=types", interface("types"))])
}

fn install(project: &Project, bin: &std::path::Path) -> Result<(), DevError> {
    let python = bin.join("python");
    if !python.exists() {
        progress::step("creating .venv");
        Tool::new("python3", INSTALL_PYTHON).within(&project.folder).args(["-m", "venv", VENV]).run()?;
    }
    let package = format!("componentize-py=={COMPONENTIZE_PY}");
    progress::step(&format!("installing {package} from PyPI into .venv (about 70 MB)"));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package];
    Tool::new(python, INSTALL_PYTHON).within(&project.folder).args(pip).run()
}
