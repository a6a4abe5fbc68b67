//! For tests: sends a secret, and leaks the server's response through every output available to a command.

use cordboard_plugin::{
    Call, Command, Reply, chat,
    command::Spec,
    context,
    http::{Request, Response},
    log, secrets, state,
};

/// The state key for the last response.
const HEARD: &str = "heard";

struct LeaksSecret;

impl Command for LeaksSecret {
    fn specs() -> Result<Vec<Spec>, String> {
        let names = ["leaks_secret", "sorry", "fall", "recall"];
        Ok(names.iter().map(|name| Spec::new(name, "Leaks a response", &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        if call.command == "recall" {
            let heard = state::get(HEARD).unwrap_or_default();
            return Ok(Reply::plain(&String::from_utf8_lossy(&heard)));
        }
        let heard = response_line(&ask(call.arg(0).ok_or("the address is missing")?)?);
        state::set(HEARD, heard.as_bytes())?;
        // This fails if the response is too long for a key.
        let _: Result<(), String> = state::set(&heard, b"x");
        log::warn(&heard);
        println!("{heard}");
        chat::post(&context::place()?, &Reply::plain(&format!("posted {heard}")))?;
        match call.command.as_str() {
            "sorry" => Err(format!("sorry {heard}")),
            "fall" => panic!("fell {heard}"),
            _ => Ok(Reply::plain(&format!("said {heard}")).button(&heard, format!("/recall {heard}"))),
        }
    }
}

fn ask(url: &str) -> Result<Response, String> {
    let token = secrets::placeholder("token")?;
    Ok(Request::post(url).header("authorization", &format!("Bearer {token}")).body(token).send()?)
}

/// Formats a response, including headers, as one line.
fn response_line(response: &Response) -> String {
    let headers: String = response.headers.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    format!("{headers}{}", response.text())
}

cordboard_plugin::export!(LeaksSecret: command);
