//! For tests: a command for each way out. It sends what it is told to, and tells what came back.

use std::time::Duration;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    http::{Request, Response},
    secrets, tcp,
};

const COMMANDS: [&str; 5] = ["fetch", "send", "bear", "basic", "knock"];

struct Fetcher;

impl Command for Fetcher {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(COMMANDS.iter().map(|name| Spec::new(name, "Goes out", &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let arg = |index| call.arg(index).ok_or("it wants more words");
        let response = match call.command.as_str() {
            // url, and headers as name=value.
            "fetch" => headers(Request::get(arg(0)?), &call.args[1..]).send()?,
            // method, url, body.
            "send" => request(arg(0)?, arg(1)?)?.body(arg(2)?).send()?,
            // url, secret: the token in a header and in the body.
            "bear" => {
                let token = secrets::placeholder(arg(1)?)?;
                Request::post(arg(0)?).header("authorization", &format!("Bearer {token}")).body(token).send()?
            }
            // url, what Basic encodes already.
            "basic" => Request::get(arg(0)?).header("authorization", &format!("Basic {}", arg(1)?)).send()?,
            _ => {
                let port = arg(1)?.parse().map_err(|_| "no port")?;
                let took = tcp::connect_time(arg(0)?, port)?;
                let sound = if took < Duration::from_secs(60) { "sound" } else { "odd" };
                return Ok(Reply::plain(&format!("connected, {sound}")));
            }
        };
        Ok(Reply::plain(&told(&response)))
    }
}

fn request(method: &str, url: &str) -> Result<Request, String> {
    match method {
        "GET" => Ok(Request::get(url)),
        "HEAD" => Ok(Request::head(url)),
        "POST" => Ok(Request::post(url)),
        "PUT" => Ok(Request::put(url)),
        "DELETE" => Ok(Request::delete(url)),
        _ => Err("no method".to_owned()),
    }
}

fn headers(request: Request, words: &[String]) -> Request {
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    pairs.fold(request, |request, (name, value)| request.header(name, value))
}

fn told(response: &Response) -> String {
    format!("{} {}", response.status, response.text())
}

cordboard_plugin::export!(Fetcher: command);
