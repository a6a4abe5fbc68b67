//! What a component asks for and offers, read from its types alone: nothing of it runs.

use super::{
    engine::SharedEngine,
    version::{Artifact, PACKAGE, is_to_be_granted},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentInfo {
    /// SHA-256 in hex.
    pub digest: String,
    /// The interfaces that it imports, with package and version, as `cordboard:plugin/sessions@0.1.0`.
    pub imports: Vec<String>,
    /// The interfaces that it exports, in the same way.
    pub exports: Vec<String>,
    /// Bytes of compiled code.
    pub compiled: usize,
}

impl ComponentInfo {
    pub fn at(engine: &SharedEngine, artifact: &Artifact) -> Self {
        let types = artifact.component.component_type();
        let image = artifact.component.image_range();
        Self {
            digest: artifact.digest.clone(),
            compiled: (image.end as usize) - (image.start as usize),
            imports: types.imports(engine.engine()).map(|(name, _)| name.to_owned()).collect(),
            exports: types.exports(engine.engine()).map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// The trades among the exports, by their bare names.
    pub fn trades(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter(|export| export.starts_with(PACKAGE)).map(|export| bare(export))
    }

    /// The capabilities among the imports that an operator has to grant, by their bare names.
    pub fn to_grant(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(|import| bare(import)).filter(|name| is_to_be_granted(name))
    }
}

/// `sessions` of `cordboard:plugin/sessions@0.1.0`; interfaces of others keep their package.
#[must_use]
pub fn bare(name: &str) -> &str {
    let name = name.strip_prefix(PACKAGE).unwrap_or(name);
    name.split('@').next().unwrap_or_default()
}
