//! For tests: the arguments select the output, such as text, buttons, posts, an error or a panic. The configuration
//! sets the number of commands and the first command's summary and usage, or makes the trial fail.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
};

use cordboard_plugin::{Call, Command, Place, Reply, chat, command::Spec, config, context};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The error that `specs` returns during the trial.
    fails: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    usage: Option<String>,
    /// The number of additional commands after the first.
    #[serde(default)]
    more: u32,
}

struct AnyOutput;

impl Command for AnyOutput {
    fn specs() -> Result<Vec<Spec>, String> {
        let Config { fails, summary, usage, more } = config::parse()?;
        if let Some(why) = fails {
            return Err(why);
        }
        let summary = summary.unwrap_or_else(|| "Replies with the given output".to_owned());
        let first = Spec::new("any_output", &summary, usage.as_deref().unwrap_or("/any_output WHAT"));
        let rest = (0..more).map(|at| Spec::new(&format!("any_output{at}"), "One more", &format!("/any_output{at}")));
        Ok([first].into_iter().chain(rest).collect())
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let rest = |from: usize| call.args.get(from..).unwrap_or_default().join(" ");
        match call.arg(0).unwrap_or_default() {
            "button" => Ok(Reply::text("Well?").button("Again", rest(1)).button("Own", "/any_output own")),
            "label" => Ok(Reply::text("Well?").button(rest(1), "/any_output own")),
            "buttons" => {
                let count: u32 = arg(call, 1)?.parse().unwrap_or(1);
                Ok((0..count).fold(Reply::text("Well?"), |reply, at| {
                    reply.button(format!("B{at}"), format!("/any_output {at}"))
                }))
            }
            "random" => Ok(Reply::text(format!("id {:x}, then {:x}; done", random(), random()))),
            "lines" => Ok(Reply::text("line\n\n".repeat(1 + usize::try_from(random() % 1000).unwrap_or(0)))),
            "say" => Ok(Reply::text(rest(1).replace("\\n", "\n").replace("\\e", "\u{1b}"))),
            "fail" => Err(rest(1)),
            "panic" => panic!("{}", rest(1).replace("\\n", "\n").replace("\\e", "\u{1b}")),
            "post" => {
                let place = Place { front_end: arg(call, 1)?, chat: arg(call, 2)?, topic: None };
                chat::post(&place, &Reply::text(rest(3)).button("Again", "/plugins grant any_output 0"))?;
                Ok(Reply::text("posted"))
            }
            "flood" => flood(arg(call, 1)?.parse().unwrap_or(1), arg(call, 2)?.parse().unwrap_or(1)),
            other => Ok(Reply::text(format!("did {other}"))),
        }
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn arg(call: &Call, at: usize) -> Result<String, String> {
    call.arg(at).map(str::to_owned).ok_or_else(|| format!("argument {at} is missing"))
}

/// Posts `posts` messages of `bytes` bytes.
fn flood(posts: u32, bytes: usize) -> Result<Reply, String> {
    let (place, post) = (context::place()?, Reply::text("q".repeat(bytes)));
    for done in 0..posts {
        chat::post(&place, &post).map_err(|why| format!("after {done}: {why}"))?;
    }
    Ok(Reply::text("flooded"))
}

cordboard_plugin::export!(AnyOutput: command);
