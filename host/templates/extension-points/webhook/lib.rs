//! Posts text from HTTP requests. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them
//! off.

use cordboard_plugin::{
    Call, Command, Reply, Webhook, chat,
    command::Spec,
    context, state,
    webhook::{Request, Response},
};

const USAGE: &str = "/{{command}} <here|off>";

/// The state key under which the place is stored.
const PLACE: &str = "place";

/// The maximum length of a post, in characters.
const LONGEST: usize = 1000;

struct Plugin;

impl Command for Plugin {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("{{command}}", "Post the text of HTTP requests here", USAGE).min_role("admin")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        match call.arg(0) {
            Some("here") => {
                state::set_place(PLACE, &context::place()?)?;
                Ok(Reply::text("HTTP requests are posted here.").button("Off", "/{{command}} off"))
            }
            Some("off") => {
                state::delete(PLACE)?;
                Ok(Reply::text("HTTP requests are no longer posted."))
            }
            _ => Err(format!("Usage: {USAGE}")),
        }
    }
}

impl Webhook for Plugin {
    /// Called after the host has checked the token or signature. The text is still untrusted, so Markdown in it is
    /// escaped.
    fn receive(request: Request) -> Result<Response, String> {
        let text: String = String::from_utf8_lossy(&request.body).trim().chars().take(LONGEST).collect();
        if request.method != "POST" || text.is_empty() {
            return Ok(Response::text(405, "send the text with POST"));
        }
        let Some(place) = state::get_place(PLACE) else {
            return Ok(Response::text(409, "no chat is set: send `/{{command}} here` in the chat that should get the posts"));
        };
        chat::post(&place, &Reply::plain(&text))?;
        Ok(Response::text(200, "posted"))
    }
}

cordboard_plugin::export!(Plugin: command, webhook);
