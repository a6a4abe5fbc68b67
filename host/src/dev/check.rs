//! `cordboard plugin check`: reports what a component imports and exports, its size, and whether a host with this
//! configuration would activate it, wait for the owner's approval, or reject it. Reports all problems at once.

mod report;
mod report_text;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_core::{
    config::{Config, load},
    types::is_plugin_name,
};

use super::{
    captured_log::Log,
    error::DevError,
    fake_host::FakeHost,
    harness::{DevSettings, GrantPolicy, Harness},
    progress,
    subject::Subject,
};
use crate::{cli, clock::Clock, hub, stdout};
use cordboard_runtime::{ComponentInfo, PluginError, digest};
use report::{Compiled, Report, Verdict};

/// # Errors
/// A host would reject the plugin or ask for approval (the printed report contains the details), or the component can't
/// be built, read or compiled.
pub fn check(options: &cli::CheckArgs, settings: DevSettings) -> Result<(), DevError> {
    let subject = Subject::find(&options.plugin)?;
    super::block_on(async {
        let registry = Arc::new(settings.registry()?);
        let config = settings.config.unwrap_or_else(Config::defaults);
        let host = FakeHost::new(Clock::system().now(), config.clone(), None);
        let harness = Harness::new(registry, Log::start(), subject, host);
        let (info, compiled) = compile(&harness).await?;
        let activated = harness.activate(&config, GrantPolicy::AsConfigured).await;
        let with_all_grants = match &activated {
            Ok(()) => None,
            // A grant may be missing. Activate the plugin with all grants, so that the report still lists its offers
            // and any other problems.
            Err(first) => activate_with_all_grants(&harness, &info, &config).await.err().filter(|error| error != first),
        };
        let mut report = Report::new(&harness.subject, &info, compiled, &config);
        report.memory.started = harness.registry.instance_memory(&harness.subject.name).await.ok().flatten();
        report.offer(&harness.registry.snapshot());
        let untrusted =
            cordboard_watch::check_private(&harness.subject.path).err().map(|error| PluginError::Read(error.reason()));
        let misnamed =
            (!is_plugin_name(&harness.subject.name)).then(|| PluginError::Name(harness.subject.name.clone()));
        let clash = clash(&harness, &info, &config).await;
        let errors = untrusted.into_iter().chain(misnamed).chain(activated.err()).chain(with_all_grants).chain(clash);
        errors.for_each(|error| report.reject(&error));
        if options.json {
            stdout::print(&format!("{}\n", report.json()))?;
        } else {
            stdout::print(&report.text(progress::out()))?;
        }
        match report.verdict() {
            Verdict::Accepted => Ok(()),
            Verdict::NeedsApproval => {
                Err(DevError::NeedsApproval { name: report.name, asks: report.approval.join(", ") })
            }
            Verdict::Rejected => Err(DevError::WouldReject { name: report.name }),
        }
    })
}

/// Compiles the component. If it isn't cached, measures the compilation time.
async fn compile(harness: &Harness) -> Result<(ComponentInfo, Compiled), DevError> {
    let Subject { name, wasm, .. } = &harness.subject;
    let cached = harness.registry.cached(name, &digest(wasm)).is_some();
    let began = Instant::now();
    let info = harness.info().await?;
    let seconds = (!cached).then(|| began.elapsed().as_secs_f64());
    let compiled = Compiled { bytes: info.compiled, seconds };
    Ok((info, compiled))
}

/// Returns a name clash with a standard plugin, if there is one. Returns `None` if the component wasn't activated,
/// because its offers are unknown in that case.
async fn clash(harness: &Harness, info: &ComponentInfo, config: &Config) -> Option<PluginError> {
    let name = &harness.subject.name;
    harness.registry.snapshot().offers(name).filter(|offers| offers.unique_names().next().is_some())?;
    harness.registry.remove_plugin(name, Duration::ZERO).await;
    harness.activate_standards(config).await;
    activate_with_all_grants(harness, info, config)
        .await
        .err()
        .filter(|error| matches!(error, PluginError::Taken { .. }))
}

/// Activates the plugin as if everything were granted. A trial makes no requests, so placeholder addresses and secrets
/// are enough.
async fn activate_with_all_grants(harness: &Harness, info: &ComponentInfo, config: &Config) -> Result<(), PluginError> {
    let Subject { name, wasm, .. } = &harness.subject;
    let mut settings = hub::plugin_settings(config, name);
    settings.grants.extend(info.to_grant().map(str::to_owned));
    settings.sha256 = None;
    let any = "http = [\"https://any.invalid/*\"]\ntcp = [\"any.invalid:1\"]\nsecrets = [\"any\"]\n";
    let any = load(&format!("[secrets]\nany = \"/any\"\n[plugins.{name}]\n{any}"));
    let (network, any) =
        (&mut settings.network, any.map(|any| any.plugins.network_grants_of(name)).unwrap_or_default());
    if network.http.is_empty() {
        network.http = any.http;
    }
    if network.tcp.is_empty() {
        network.tcp = any.tcp;
    }
    if network.secrets.is_none() {
        network.secrets = any.secrets;
    }
    harness.registry.activate_wasm(name, wasm, &settings, Clock::system().now()).await.map(drop)
}
