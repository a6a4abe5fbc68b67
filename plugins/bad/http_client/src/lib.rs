//! For tests: one command per kind of network access. Most commands send the given request and reply with the response.

use std::time::Duration;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    http::{Request, Response},
    secrets, tcp,
};

const COMMANDS: [&str; 8] = ["fetch", "send", "bear", "basic", "leak", "knock", "say", "fall"];

struct HttpClient;

impl Command for HttpClient {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(COMMANDS.iter().map(|name| Spec::new(name, "Sends a request", &format!("/{name}"))).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let arg = |index| call.arg(index).ok_or("an argument is missing");
        let response = match call.command.as_str() {
            // Arguments: a URL, and headers as name=value.
            "fetch" => headers(Request::get(arg(0)?), &call.args[1..]).send()?,
            // Arguments: method, URL, body.
            "send" => request(arg(0)?, arg(1)?)?.body(arg(2)?).send()?,
            // Arguments: URL, secret. Sends the secret in a header and in the body.
            "bear" => {
                let token = secrets::placeholder(arg(1)?)?;
                Request::post(arg(0)?).header("authorization", &format!("Bearer {token}")).body(token).send()?
            }
            // Arguments: URL, secret. Sends the secret as the password of `me`.
            "basic" => {
                let pair = format!("me:{}", secrets::placeholder(arg(1)?)?);
                Request::get(arg(0)?).header("authorization", &format!("Basic {}", base64(pair.as_bytes()))).send()?
            }
            // Arguments: URL, secret. Appends the secret's placeholder to the URL.
            "leak" => Request::get(&format!("{}{}", arg(0)?, secrets::placeholder(arg(1)?)?)).send()?,
            "say" => return Ok(Reply::plain(arg(0)?)),
            "fall" => panic!("{}", arg(0)?),
            _ => {
                let port = arg(1)?.parse().map_err(|_| "no port")?;
                let took = tcp::connect_time(arg(0)?, port)?;
                let sound = if took < Duration::from_secs(60) { "sound" } else { "odd" };
                return Ok(Reply::plain(&format!("connected, {sound}")));
            }
        };
        Ok(Reply::plain(&response_line(&response)))
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

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fn response_line(response: &Response) -> String {
    format!("{} {}", response.status, response.text())
}

cordboard_plugin::export!(HttpClient: command);
