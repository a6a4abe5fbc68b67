//! The binary: it dispatches, and never decides.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(first) if first == "demo-agent" => cordboard::agent::demo::run(args),
        _ => ExitCode::from(2),
    }
}
