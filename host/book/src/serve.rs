//! Serves the built book on this machine.

use std::{fs::File, path::Path};

use anyhow::{Result, anyhow};
use cordboard_book::served_files;
use tiny_http::{Header, Request, Response, Server};

/// The address that mdBook uses by default.
const ADDRESS: &str = "127.0.0.1:3000";

/// Serves the files in `book` until the process ends.
///
/// # Errors
/// The address can't be used.
pub fn serve(book: &Path) -> Result<()> {
    let server = Server::http(ADDRESS).map_err(|error| anyhow!("can't listen on {ADDRESS}: {error}"))?;
    eprintln!("serving the book at http://{ADDRESS}/ until Ctrl-C");
    for request in server.incoming_requests() {
        // The browser may have closed the connection, which concerns only this request.
        answer(request, book).unwrap_or_default();
    }
    Ok(())
}

fn answer(request: Request, book: &Path) -> std::io::Result<()> {
    let path = served_files::path_of(request.url());
    let file = path.as_ref().and_then(|path| File::open(book.join(path)).ok());
    let (Some(path), Some(file)) = (path, file) else {
        return request.respond(Response::from_string("This page doesn't exist.").with_status_code(404));
    };
    let kind = Header::from_bytes("Content-Type", served_files::content_type(&path));
    request.respond(Response::from_file(file).with_header(kind.expect("the values are valid")))
}
