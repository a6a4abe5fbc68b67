//! `cordboard plugin check`: reports what a component imports and exports, its size, and whether a host with this
//! configuration would activate it, wait for the owner's approval, or reject it. Reports all problems at once.

mod page;
mod report;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_core::{
    config::{Config, load},
    types::is_plugin_name,
};

use super::{
    error::KitError,
    harness::{Harness, Lending, PluginHarness, World},
    log::Log,
    progress,
    subject::Subject,
};
use crate::{cli, clock::Clock, hub};
use cordboard_runtime::{ComponentInfo, PluginError, digest};
use report::{Compiled, Report, Verdict};

/// # Errors
/// A host would reject the plugin or ask for approval, which was printed; or the component can't be read or compiled.
pub fn check(wanted: &cli::Check, bench: Harness) -> Result<(), KitError> {
    let subject = Subject::find(&wanted.plugin)?;
    super::block_on(async {
        let plugs = Arc::new(bench.plugs()?);
        let config = bench.config.unwrap_or_else(Config::defaults);
        let world = World { now: Clock::system().now(), config: config.clone(), far: None };
        let stage = PluginHarness::new(plugs, Log::start(), subject, world);
        let (look, compiled) = compile(&stage).await?;
        let taken = stage.plug(&config, Lending::AsGranted).await;
        let then = match &taken {
            Ok(()) => None,
            // Activate it with all grants, so that the report shows what it offers, and further problems, although a
            // grant is missing.
            Err(first) => lend_all(&stage, &look, &config).await.err().filter(|then| then != first),
        };
        let mut report = Report::of(&stage.subject, (&look, compiled), &config);
        report.memory.started = stage.plugs.weigh(&stage.subject.name).await.ok().flatten();
        report.offer(&stage.plugs.table());
        let untrusted =
            cordboard_watch::check_private(&stage.subject.path).err().map(|error| PluginError::Read(error.reason()));
        let named = (!is_plugin_name(&stage.subject.name)).then(|| PluginError::Name(stage.subject.name.clone()));
        let clash = clash(&stage, &look, &config).await;
        for refused in untrusted.into_iter().chain(named).chain(taken.err()).chain(then).chain(clash) {
            report.reject(&refused);
        }
        if wanted.json {
            progress::print(&format!("{}\n", report.json()));
        } else {
            progress::print(&report.page(progress::out()));
        }
        match report.verdict() {
            Verdict::Taken => Ok(()),
            Verdict::AskedFor => Err(KitError::AskedFor { name: report.name, asks: report.approval.join(", ") }),
            Verdict::Rejected => Err(KitError::NotTaken { name: report.name }),
        }
    })
}

/// Compiles the component. If it is not cached, measures the time.
async fn compile(stage: &PluginHarness) -> Result<(ComponentInfo, Compiled), KitError> {
    let Subject { name, wasm, .. } = &stage.subject;
    let cached = stage.plugs.is_compiled(name, &digest(wasm));
    let began = Instant::now();
    let look = stage.look().await?;
    let seconds = (!cached).then(|| began.elapsed().as_secs_f64());
    let compiled = Compiled { bytes: look.compiled, seconds };
    Ok((look, compiled))
}

/// Returns a name clash with a standard plugin, if any. `None` if the component was not activated, because its offers
/// are then unknown.
async fn clash(stage: &PluginHarness, look: &ComponentInfo, config: &Config) -> Option<PluginError> {
    let name = &stage.subject.name;
    stage.plugs.table().offers(name).filter(|offers| offers.are_named())?;
    stage.plugs.remove_plugin(name, Duration::ZERO).await;
    stage.plug_standards(config).await;
    lend_all(stage, look, config).await.err().filter(|refused| matches!(refused, PluginError::Taken { .. }))
}

/// Activates it as if everything were granted. A trial makes no requests, so the addresses may be invalid.
async fn lend_all(stage: &PluginHarness, look: &ComponentInfo, config: &Config) -> Result<(), PluginError> {
    let Subject { name, wasm, .. } = &stage.subject;
    let mut settings = hub::plugin_settings(config, name);
    settings.grants.extend(look.to_grant().map(str::to_owned));
    settings.sha256 = None;
    let any = "http = [\"https://any.invalid/*\"]\ntcp = [\"any.invalid:1\"]\nsecrets = [\"any\"]\n";
    let any = load(&format!("[secrets]\nany = \"/any\"\n[plugins.{name}]\n{any}"));
    let (reach, any) = (&mut settings.reach, any.map(|any| any.plugins.network_grants_of(name)).unwrap_or_default());
    if reach.http.is_empty() {
        reach.http = any.http;
    }
    if reach.tcp.is_empty() {
        reach.tcp = any.tcp;
    }
    if reach.secrets.is_empty() {
        reach.secrets = any.secrets;
    }
    stage.plugs.activate_wasm(name, wasm, (&settings, Clock::system().now())).await.map(drop)
}
