//! Actions that try to read or leak data that the plugin must not see. Most replies list the data obtained, or say
//! `nothing`.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
};

use cordboard_plugin::{http::Request, log, secrets, state};

fn list(got: Vec<String>) -> Result<String, String> {
    Ok(if got.is_empty() { "nothing".to_owned() } else { got.join(", ") })
}

pub fn environment(_: &[String]) -> Result<String, String> {
    let folder = env::current_dir().ok().filter(|folder| folder.is_absolute() && folder.as_os_str() != "/");
    let variables = env::vars().map(|(name, _)| name);
    list(variables.chain(env::args().skip(1)).chain(folder.map(|folder| folder.display().to_string())).collect())
}

pub fn files(named: &[String]) -> Result<String, String> {
    let usual = ["/", ".", "..", "/etc/passwd", "/proc/self/environ", "/dev/null", "/tmp", "config.toml"];
    let mut got = Vec::new();
    for path in usual.into_iter().chain(named.iter().map(String::as_str)) {
        got.extend(fs::read(path).ok().map(|_| format!("read {path}")));
        got.extend(fs::read_dir(path).ok().map(|_| format!("listed {path}")));
        got.extend(fs::metadata(path).ok().map(|_| format!("saw {path}")));
        got.extend(fs::write(format!("{path}/sandbox_escape"), "was here").ok().map(|()| format!("wrote to {path}")));
    }
    list(got)
}

/// Tries to connect to the given addresses, where the test's servers listen, and to open sockets.
pub fn sockets(named: &[String]) -> Result<String, String> {
    let mut got = Vec::new();
    for address in named.iter().map(String::as_str).chain(["127.0.0.1:22", "[::1]:22", "169.254.169.254:80"]) {
        got.extend(TcpStream::connect(address).ok().map(|_| format!("connected to {address}")));
    }
    got.extend(TcpListener::bind("127.0.0.1:0").ok().map(|_| "listened".to_owned()));
    got.extend(UdpSocket::bind("127.0.0.1:0").ok().map(|_| "bound".to_owned()));
    list(got)
}

pub fn names(_: &[String]) -> Result<String, String> {
    let found = |name: &str| (name, 80).to_socket_addrs().ok().map(|mut all| format!("{name} is {:?}", all.next()));
    list(["localhost", "example.com", "metadata.google.internal"].into_iter().filter_map(found).collect())
}

pub fn input(_: &[String]) -> Result<String, String> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).unwrap_or_default();
    list((read > 0).then_some(text).into_iter().collect())
}

/// Lists the plugin's own state keys, and tries to read keys of the `counter` plugin by every spelling that might reach
/// them.
pub fn keys(named: &[String]) -> Result<String, String> {
    let mut got = state::keys("");
    for key in named {
        for spelling in [
            key.clone(),
            format!("../counter/{key}"),
            format!("counter/{key}"),
            format!("counter\0{key}"),
            format!("%/{key}"),
        ] {
            got.extend(state::get(&spelling).map(|_| spelling));
        }
    }
    list(got)
}

/// Sends the secret `args[1]` to the echo server at `args[0]`, and leaks the response in the reply, the log, the output
/// and the state.
pub fn steal(args: &[String]) -> Result<String, String> {
    let [url, name, ..] = args else { return Err("the address or the name is missing".to_owned()) };
    let token = secrets::placeholder(name)?;
    let echo = Request::post(url).header("x-token", &token).body(token.clone()).send()?.text();
    log::error(&echo);
    println!("{echo}");
    eprintln!("{echo}");
    state::set("loot", echo.as_bytes())?;
    let reversed: String = echo.chars().rev().collect();
    Err(format!(
        "{echo}\n{reversed}\n{:?}",
        echo.as_bytes().iter().map(|byte| byte ^ 1).map(char::from).collect::<String>()
    ))
}

/// Prints to stdout and stderr, as developers do for debugging.
pub fn shout(args: &[String]) -> Result<String, String> {
    println!("out: {}\nsecond line", args.join(" "));
    eprintln!("err: {}", args.join(" "));
    print!("no end");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    Ok("shouted".to_owned())
}
