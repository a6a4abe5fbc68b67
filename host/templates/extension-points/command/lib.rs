//! `/{{command}} [name]`: greets a person, and counts the greetings per name.

use cordboard_plugin::{Call, Command, Reply, command::Spec, context, state, text};

struct Plugin;

impl Command for Plugin {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("{{command}}", "Greet a person", "/{{command}} [name]")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let caller = context::current_caller().map(|caller| caller.name);
        let name = call.arg(0).map(str::to_owned).or(caller).unwrap_or_else(|| "you".into());
        let key = format!("greeted/{name}");
        let times = state::get_text(&key).and_then(|times| times.parse().ok()).unwrap_or(0) + 1;
        state::set(&key, times.to_string().as_bytes())?;
        let quoted = if name.contains(' ') { format!("\"{name}\"") } else { name.clone() };
        Ok(Reply::text(greeting(&name, times)).button("Again", format!("/{{command}} {quoted}")))
    }
}

/// Formats the greeting without calling the host, so that native tests (`cargo test`) can run it.
fn greeting(name: &str, times: u64) -> String {
    format!("Hello, {}! I have greeted you {}.", text::escape(name), text::counted(times, "time"))
}

cordboard_plugin::export!(Plugin: command);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_literally() {
        assert_eq!(greeting("*Ada*", 2), r"Hello, \*Ada\*! I have greeted you 2 times.");
    }
}
