//! The imports and exports of a component, read from its type. The component is not executed.

use cordboard_core::capability::is_granted_by_name;

use super::{
    contract_compatibility::extension_point, contract_names::bare_name, engine::SharedEngine,
    registry::version::Artifact,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentInfo {
    /// SHA-256 in hex.
    pub digest: String,
    /// The imported interfaces with package and version, such as `cordboard:plugin/sessions@0.2.0`.
    pub imports: Vec<String>,
    /// The exported interfaces, in the same form.
    pub exports: Vec<String>,
    /// The size of the compiled code, in bytes.
    pub compiled: usize,
}

impl ComponentInfo {
    pub fn of(engine: &SharedEngine, artifact: &Artifact) -> Self {
        let types = artifact.component.component_type();
        let image = artifact.component.image_range();
        Self {
            digest: artifact.digest.clone(),
            compiled: (image.end as usize) - (image.start as usize),
            imports: types.imports(engine.engine()).map(|(name, _)| name.to_owned()).collect(),
            exports: types.exports(engine.engine()).map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// Returns the bare names of the exported extension points whose version is compatible with this host.
    pub fn extension_points(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter_map(|export| extension_point(export))
    }

    /// Returns the bare names of the imported capabilities that an operator must grant by name.
    pub fn to_grant(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(|import| bare_name(import)).filter(|name| is_granted_by_name(name))
    }
}
