//! `cordboard plugin check`: what a component asks for and offers, and whether a host with this configuration would take it.

use std::sync::Arc;

use cordboard_core::config::Config;

use super::{
    build::size,
    error::KitError,
    log::Log,
    progress,
    project::Subject,
    stage::{Bench, Lending, Stage},
};
use crate::{
    cli,
    clock::Clock,
    hub,
    plugin::{self, Look, Plugs, short},
};

/// # Errors
/// Why a host would not take it; everything else was printed.
pub fn check(wanted: &cli::Check, bench: Bench) -> Result<(), KitError> {
    let subject = Subject::find(&wanted.plugin)?;
    super::block_on(async {
        let plugs = Arc::new(bench.plugs()?);
        let stage = Stage::new(Arc::clone(&plugs), Log::start(), subject, (Clock::system().now(), None));
        let Subject { name, wasm, path } = &stage.subject;
        progress::print(&format!("plugin   {name}  {}  {}\n", size(wasm.len()), path.display()));
        let look = plugs.look(name, wasm).await?;
        let config = bench.config.unwrap_or_else(Config::defaults);
        print_look(&look, &config, name);
        let taken = stage.plug(&config, Lending::AsGranted).await;
        // What it offers is worth telling even where a grant is missing.
        if taken.is_err() {
            drop(stage.plug(&config, Lending::All).await);
        }
        print_offers(&plugs);
        taken?;
        progress::print("verdict  a host would take it\n");
        Ok(())
    })
}

fn print_look(look: &Look, config: &Config, name: &str) {
    progress::print(&format!("digest   sha256 {}\n", short(&look.digest)));
    progress::print(&format!("offers   {}\n", look.trades().collect::<Vec<_>>().join(", ")));
    let settings = hub::plugin_settings(config, name);
    // `types` are words, and grant nothing.
    let told = |import: &&String| !is_empty_wasi(import) && plugin::bare(import) != "types";
    for import in look.imports.iter().filter(told) {
        let by_name = look.to_grant().find(|name| plugin::bare(import) == *name);
        let verdict = match (by_name, plugin::list_of(import)) {
            (Some(name), _) if settings.grants.contains(name) => "granted",
            (_, Some(list)) if plugin::reaches(&settings.reach, list) => "granted by its list",
            (Some(_), _) | (_, Some(_)) => "NOT GRANTED",
            (None, None) => "for all",
        };
        progress::print(&format!("imports  {}  {verdict}\n", plugin::bare(import)));
    }
    let wasi = look.imports.iter().filter(|import| is_empty_wasi(import)).count();
    if wasi > 0 {
        progress::print(&format!("imports  {wasi} interfaces of WASI  for all, with nothing behind them\n"));
    }
    print_limits(config, name);
}

/// What language runtimes import whether they use it or not: no files, no environment, no network;
/// a clock, and chance.
fn is_empty_wasi(import: &str) -> bool {
    ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/", "wasi:sockets/", "wasi:http/types"]
        .iter()
        .any(|package| import.starts_with(package))
}

fn print_limits(config: &Config, name: &str) {
    let limits = config.plugins.limits_of(name);
    progress::print(&format!(
        "limits   time {}, memory {}, calls {}, log {}, reply {}, state {}, http_body {}, http_time {}\n",
        cordboard_core::config::spell_duration(limits.time),
        bytes(limits.memory),
        limits.calls,
        limits.log,
        bytes(limits.reply),
        bytes(limits.state),
        bytes(limits.http_body),
        cordboard_core::config::spell_duration(limits.http_time)
    ));
}

fn bytes(bytes: u64) -> String {
    size(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn print_offers(plugs: &Plugs) {
    let table = plugs.table();
    for offer in table.commands() {
        let spec = &offer.spec;
        let role = spec.least_role.as_str();
        progress::print(&format!("command  {}  {} (for {role} and above)\n", spec.usage, spec.summary));
    }
    for persona in table.personas() {
        progress::print(&format!("persona  {}  {}\n", persona.name, persona.description));
    }
    for mode in table.modes() {
        progress::print(&format!("mode     {}  {}\n", mode.name, mode.description));
    }
    for (name, cron) in table.jobs().flat_map(|(_, jobs)| jobs) {
        progress::print(&format!("job      {name}  {}\n", cron.as_str()));
    }
}
