//! What of the network is linked into a generation, and what it lacks. Each of `http`, `tcp` and `secrets` is granted by its list, so an empty
//! list is a grant that is missing.

use std::{collections::BTreeSet, sync::Arc};

use cordboard_core::config::NetworkGrants;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http};

use super::{call::CallState, outbound_http::Network, refusal::PluginError, version::PluginSettings};

/// The interface of WASI that sends requests.
pub const OUTGOING: &str = "wasi:http/outgoing-handler";

/// What it is called here, as the key that grants it.
pub const HTTP: &str = "http";

/// The lists, each with an item as it looks.
const LISTS: [(&str, &str); 3] = [(HTTP, "https://HOST/*"), ("tcp", "HOST:PORT"), ("secrets", "NAME")];

/// The list that grants an import, by its full name.
#[must_use]
pub fn list_of(import: &str) -> Option<&'static str> {
    let name = super::component_info::bare(import);
    let list = if name == OUTGOING { HTTP } else { name };
    LISTS.iter().map(|(name, _)| *name).find(|name| *name == list)
}

/// The line of `[plugins.NAME]` that grants the list `name`, as it looks; none where it is no list.
pub fn line(name: &str) -> Option<String> {
    LISTS.iter().find(|(list, _)| *list == name).map(spell)
}

fn spell((list, item): &(&str, &str)) -> String {
    format!("{list} = [{item:?}]")
}

/// Whether anything was granted by the list `name`.
#[must_use]
pub fn has(reach: &NetworkGrants, name: &str) -> bool {
    match name {
        HTTP => !reach.http.is_empty(),
        "tcp" => !reach.tcp.is_empty(),
        "secrets" => !reach.secrets.is_empty(),
        _ => false,
    }
}

/// The lists that are missing, each with a line as it would look.
pub fn missing(imports: &[String], reach: &NetworkGrants) -> Vec<(&'static str, String)> {
    let lacking = |(name, _): &&(&'static str, &str)| imports.iter().any(|import| import == name) && !has(reach, name);
    LISTS.iter().filter(lacking).map(|list| (list.0, spell(list))).collect()
}

/// The words of `wasi:http` do nothing by themselves.
pub fn link(linker: &mut Linker<CallState>, reach: &NetworkGrants) -> wasmtime::Result<()> {
    let options = http::types::LinkOptions::default();
    http::types::add_to_linker::<_, WasiHttp>(linker, &options, CallState::http)?;
    if has(reach, HTTP) {
        http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, CallState::http)?;
    }
    Ok(())
}

/// The network for a generation that uses it.
pub fn network(
    uses: &BTreeSet<String>,
    settings: &PluginSettings,
    plugin: &str,
) -> Result<Option<Arc<Network>>, PluginError> {
    if !uses.contains(HTTP) && !uses.contains("tcp") {
        return Ok(None);
    }
    let network = Network::new(plugin, &settings.reach, &settings.limits).map_err(PluginError::Ca)?;
    Ok(Some(Arc::new(network)))
}

/// Whether `had` reaches what `has` does not.
pub fn is_wider(had: &NetworkGrants, has: &NetworkGrants) -> bool {
    had.http.iter().any(|one| !has.http.contains(one))
        || had.tcp.iter().any(|one| !has.tcp.contains(one))
        || !had.secrets.is_subset(&has.secrets)
        || !had.private.is_subset(&has.private)
        || (had.ca.is_some() && had.ca != has.ca)
}
