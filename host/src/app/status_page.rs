//! Connects the status page to the parts of the host that it shows, and checks the status page's token.

use std::sync::Arc;

use cordboard_core::config::Status;
use cordboard_runtime::HostApi;

use super::{AppError, check::print_row, own_files};
use crate::{
    cli::ResolvedPaths,
    control::ControlServices,
    hub::HostService,
    status::{StatusServer, StatusServices, read_token},
};

/// Opens the listener of the status page if `[status] listen` is set.
pub async fn open(
    control: &ControlServices,
    host: &Arc<HostService>,
    paths: &ResolvedPaths,
) -> Result<StatusServer, AppError> {
    let host_api: Arc<dyn HostApi> = Arc::clone(host) as Arc<dyn HostApi>;
    let mut status = StatusServer::new(StatusServices {
        control: control.clone(),
        config: host.config.clone(),
        store: host.store.clone(),
        host: Arc::downgrade(&host_api),
        folder: own_files::base(paths).to_owned(),
    });
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
