//! Connects the status page and `cordboard top` to the parts of the host that they show, and checks the page's token.

use std::sync::Arc;

use cordboard_core::config::Status;
use cordboard_runtime::HostApi;

use super::{AppError, check::print_row, own_files};
use crate::{
    cli::ResolvedPaths,
    control::HostRows,
    hub::HostService,
    status::{StateReader, StateSources, StatusServer, StatusServices, read_token},
};

/// Creates the reader of what the status page and `cordboard top` show.
pub fn reader(rows: HostRows, host: &Arc<HostService>) -> Arc<StateReader> {
    let store = host.store.clone();
    let host: Arc<dyn HostApi> = Arc::clone(host) as Arc<dyn HostApi>;
    Arc::new(StateReader::new(StateSources { rows, store, host: Arc::downgrade(&host) }))
}

/// Opens the listener of the status page if `[status] listen` is set.
pub async fn open(
    state: Arc<StateReader>,
    host: &Arc<HostService>,
    paths: &ResolvedPaths,
) -> Result<StatusServer, AppError> {
    let folder = own_files::base(paths).to_owned();
    let mut status = StatusServer::new(StatusServices { state, config: host.config.clone(), folder });
    status.apply().await?;
    Ok(status)
}

/// Reports whether the token of the status page can be read, without printing it.
pub fn check_token(paths: &ResolvedPaths, settings: &Status) -> Result<Option<String>, AppError> {
    let Some(file) = settings.token_file.as_ref().map(|file| own_files::base(paths).join(file)) else {
        return Ok(None);
    };
    let token = read_token(&file);
    let verdict = if token.is_ok() { "ok" } else { "invalid" };
    print_row("status token", verdict, &file.display().to_string())?;
    Ok(token.err().map(|why| format!("[status] token_file: {why}")))
}
