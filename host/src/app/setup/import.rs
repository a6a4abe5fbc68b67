//! Implements `cordboard import`. It writes sessions directly to the store, so it needs the lock on the state
//! directory.

use cordboard_agents::{process::Environment, projects_folder};
use cordboard_core::{access_entries::AccessEntries, config::AgentKind};
use cordboard_store::{OpenError, StoreSnapshot};

use super::SetupError;
use crate::{
    app::{
        AppError,
        inspect::{block_on, print, print_text},
        load,
    },
    cli::{ImportHomelab, ResolvedPaths},
    clock::Clock,
    control::HandoverError,
    homelab_import::{self, ImportContext, ImportRow, PersonaTables, PlannedImport},
    listing, logging,
    schedule::HostZone,
};

/// Imports the sessions of the homelab bot: `cordboard import homelab`.
///
/// # Errors
/// The import could not begin, or some of the sessions were not imported.
pub fn homelab(options: &ImportHomelab) -> Result<(), AppError> {
    logging::start("error");
    let paths = options.listing.paths.resolve()?;
    let (planned, personas) = if options.dry_run {
        plan(options, &paths, read(&paths)?)?
    } else {
        block_on(async {
            let (store, snapshot) = cordboard_store::open(&paths.state)?;
            let (mut planned, personas) = plan(options, &paths, snapshot)?;
            homelab_import::store_planned(&store, &mut planned).await;
            store.close().await;
            Ok((planned, personas))
        })?
    };
    let rows: Vec<ImportRow> = planned.into_iter().map(|plan| plan.row).collect();
    print(&rows, options.listing.json, |rows| listing::imports(rows, Clock::system().now()))?;
    let missing = personas.to_toml();
    if !missing.is_empty() && !options.listing.json {
        print_text(&format!("\nAdd to the configuration file:\n\n{missing}"))?;
    }
    match rows.iter().filter(|row| row.outcome.is_problem()).count() {
        0 => Ok(()),
        count => {
            let total = rows.len();
            let verb = if options.dry_run { "can't be" } else { "weren't" };
            let text = format!("{count} of {total} sessions {verb} imported: each one's note says why");
            Err(AppError::Problems(text))
        }
    }
}

/// Reads the store without its lock, so that a dry run also works while a host is running.
fn read(paths: &ResolvedPaths) -> Result<StoreSnapshot, OpenError> {
    cordboard_store::read_only(&paths.state)
}

fn plan(
    options: &ImportHomelab,
    paths: &ResolvedPaths,
    snapshot: StoreSnapshot,
) -> Result<(Vec<PlannedImport>, PersonaTables), AppError> {
    let config = load(paths)?;
    let requested = options.agent.as_deref();
    let (name, agent) = config.agents.of_kind(AgentKind::Claude, requested).ok_or_else(|| {
        let refusal = requested.map_or(HandoverError::NoAgent, |name| HandoverError::NoSuchAgent(name.to_owned()));
        AppError::Refused(refusal.to_string())
    })?;
    let context = ImportContext {
        config: &config,
        agent: name,
        transcripts_folder: projects_folder(agent, &Environment::read()).ok(),
        sessions: snapshot.sessions,
        owner: AccessEntries { configured: &config.access, stored: &snapshot.people }.effective().operator(),
        zone: HostZone::new().current(),
        timeout_unit: options.timeout_unit,
        now: Clock::system().now(),
    };
    Ok(homelab_import::plan(&options.dir, context).map_err(SetupError::from)?)
}
