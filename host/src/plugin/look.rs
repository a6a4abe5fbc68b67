//! What a component asks for and offers, read from its types alone: nothing of it runs.

use super::{
    engine::SharedEngine,
    generation::{Artifact, PACKAGE, PluginSettings, is_to_be_granted},
    imports::{CAPABILITIES, Granted},
    reach,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// SHA-256 in hex.
    pub digest: String,
    /// The interfaces that it imports, with package and version, as `cordboard:plugin/sessions@0.1.0`.
    pub imports: Vec<String>,
    /// The interfaces that it exports, in the same way.
    pub exports: Vec<String>,
}

impl Look {
    pub fn at(engine: &SharedEngine, artifact: &Artifact) -> Self {
        let types = artifact.component.component_type();
        Self {
            digest: artifact.digest.clone(),
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

/// How an import stands with what an operator has granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    ForAll,
    Granted,
    NotGranted,
}

impl Claim {
    /// Of an import with its package, under `settings`.
    #[must_use]
    pub fn of(import: &str, settings: &PluginSettings) -> Self {
        let name = bare(import);
        let name = if name == reach::OUTGOING { reach::HTTP } else { name };
        let granted = match CAPABILITIES.iter().find(|one| one.name == name).map(|one| one.granted) {
            Some(Granted::ByName) => settings.grants.contains(name),
            Some(Granted::ByList) => reach::has(&settings.reach, name),
            None if name == reach::HTTP => reach::has(&settings.reach, name),
            Some(Granted::ToAll) | None => return Self::ForAll,
        };
        if granted { Self::Granted } else { Self::NotGranted }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForAll => "for all",
            Self::Granted => "granted",
            Self::NotGranted => "NOT GRANTED",
        }
    }
}

/// `sessions` of `cordboard:plugin/sessions@0.1.0`; interfaces of others keep their package.
#[must_use]
pub fn bare(name: &str) -> &str {
    let name = name.strip_prefix(PACKAGE).unwrap_or(name);
    name.split('@').next().unwrap_or_default()
}
