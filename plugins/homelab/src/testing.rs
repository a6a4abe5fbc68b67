//! Test data for native tests of the homelab plugins.

use cordboard_plugin::http::Response;

/// Returns a response without headers.
#[must_use]
pub fn response(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}
