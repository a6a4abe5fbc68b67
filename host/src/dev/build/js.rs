//! Builds JavaScript plugins with the componentize-js version that package.json pins. Installs it with npm if it is
//! missing.

use std::path::PathBuf;

use crate::dev::{error::DevError, progress, project::Project, tool::Tool};

/// The versions tested with the host's WIT contract and with each other.
pub const COMPONENTIZE_JS: &str = "0.23.0";
pub const JCO: &str = "1.35.0";

const INSTALL_NODE: &str = "install Node.js 20 or later from https://nodejs.org";

const TOOL: &str = "node_modules/@bytecodealliance/componentize-js";

/// Installs the packages if componentize-js is missing, and returns the package folder. The component may include
/// packages, so a changed package requires a rebuild.
pub fn installed(project: &Project) -> Result<PathBuf, DevError> {
    if !project.folder.join(TOOL).exists() {
        progress::step(
            "npm install: jco and componentize-js, as package.json pins them (about 385 MB in node_modules)",
        );
        let install = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
        Tool::new("npm", INSTALL_NODE).within(&project.folder).args(install).run()?;
    }
    Ok(project.folder.join("node_modules"))
}

pub fn build(project: &Project) -> Result<PathBuf, DevError> {
    progress::step(&format!("building '{}' with componentize-js (a few seconds)", project.name));
    let output = project.built()?;
    let script = [".cordboard/build.mjs".as_ref(), output.as_os_str()];
    Tool::new("node", INSTALL_NODE).within(&project.folder).args(script).run()?;
    Ok(output)
}
