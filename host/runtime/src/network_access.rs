//! Links `wasi:http` into a version, creates the version's network access, and finds missing or withdrawn network
//! grants. `http`, `tcp` and `secrets` are each granted by a list. An empty `http` or `tcp` list grants nothing. An
//! empty `secrets` list grants the import but no secret, for plugins that need a secret only for some servers.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::{
    capability::{TARGET_LISTS, target_line},
    config::NetworkGrants,
};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http};

use super::{
    call::CallState, contract_names::bare_name, error::PluginError, outbound_network::Network,
    plugin_settings::PluginSettings,
};

/// The WASI interface that sends HTTP requests.
pub const OUTGOING: &str = "wasi:http/outgoing-handler";

/// The capability's name and configuration key for [`OUTGOING`].
pub const HTTP: &str = "http";

/// Returns the key of the list that grants `import`. `import` is a full interface name.
#[must_use]
pub fn network_list(import: &str) -> Option<&'static str> {
    let name = bare_name(import);
    let key = if name == OUTGOING { HTTP } else { name };
    TARGET_LISTS.iter().map(|(name, _)| *name).find(|name| *name == key)
}

/// Returns whether the list with the key `name` grants the import.
#[must_use]
pub fn is_granted(grants: &NetworkGrants, name: &str) -> bool {
    match name {
        HTTP => !grants.http.is_empty(),
        "tcp" => !grants.tcp.is_empty(),
        "secrets" => grants.secrets.is_some(),
        _ => false,
    }
}

/// Returns the keys of the lists that don't grant an import in `imports`, each with an example of the line to add.
pub fn missing(imports: &[String], grants: &NetworkGrants) -> Vec<(&'static str, String)> {
    let is_missing = |name: &&str| imports.iter().any(|import| import == name) && !is_granted(grants, name);
    let lists = TARGET_LISTS.iter().map(|(name, _)| *name).filter(is_missing);
    lists.map(|name| (name, target_line(name).unwrap_or_default())).collect()
}

/// Links the types of `wasi:http` for every plugin, because types alone give no access. Links the request handler only
/// if `grants` allows an HTTP request.
pub fn link(linker: &mut Linker<CallState>, grants: &NetworkGrants) -> wasmtime::Result<()> {
    let options = http::types::LinkOptions::default();
    http::types::add_to_linker::<_, WasiHttp>(linker, &options, CallState::http)?;
    if is_granted(grants, HTTP) {
        http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, CallState::http)?;
    }
    Ok(())
}

/// Creates the network access of a version. Returns `None` if the version imports neither `http` nor `tcp`.
pub fn network(
    imports: &BTreeSet<String>,
    settings: &PluginSettings,
    plugin: &str,
) -> Result<Option<Arc<Network>>, PluginError> {
    if !imports.contains(HTTP) && !imports.contains("tcp") {
        return Ok(None);
    }
    let network = Network::new(plugin, &settings.network, &settings.limits).map_err(PluginError::Network)?;
    Ok(Some(Arc::new(network)))
}

/// Returns whether `old` has a network grant that `new` lacks. Entries are compared for equality: an entry in `old`
/// counts as missing from `new` even if `new` has a broader entry.
pub fn is_wider(old: &NetworkGrants, new: &NetworkGrants) -> bool {
    old.http.iter().any(|one| !new.http.contains(one))
        || old.tcp.iter().any(|one| !new.tcp.contains(one))
        || (old.secrets.is_some() && new.secrets.is_none())
        || old.secrets.iter().flatten().any(|one| !new.has_secret(one))
        || !old.private.is_subset(&new.private)
        || (old.ca.is_some() && old.ca != new.ca)
}
