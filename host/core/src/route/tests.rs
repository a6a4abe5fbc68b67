//! Tests the command grammar and the resolution of commands, with examples and property tests.

use proptest::prelude::*;

use super::*;

/// Returns the command's name and arguments, or `None` if the text is not a command for this bot.
fn read(text: &str) -> Option<(String, Vec<String>)> {
    let BotText::Command(text) = remove_bot_name(text, "CordBot") else { return None };
    let CommandLine { name, invocation } = parse(&text).expect("a command without the bot's name is a command");
    Some((name, invocation.args))
}

fn args(text: &str) -> Vec<String> {
    read(text).expect(text).1
}

#[test]
fn a_slash_and_a_plain_word_is_a_command() {
    for (text, name) in [
        ("/new", "new"),
        ("/new alpha", "new"),
        ("/new\nalpha", "new"),
        ("/new\talpha", "new"),
        ("/New alpha", "new"),
        ("/SESSIONS", "sessions"),
        ("/a_1", "a_1"),
        ("/new@cordbot alpha", "new"),
        ("/new@CORDBOT", "new"),
        ("/7", "7"),
        ("/stop!", "stop"),
        ("/stop.", "stop"),
        ("/stop, please", "stop"),
        ("/stop?!", "stop"),
        ("/stop…", "stop"),
        ("/stop。", "stop"),
        ("/stop@cordbot!", "stop"),
        ("／stop", "stop"),
        ("\u{feff}/stop\u{200b}", "stop"),
        ("/\u{200e}stop\u{200f}!", "stop"),
        ("/new\u{a0}alpha", "new"),
        ("/new\u{3000}alpha", "new"),
        (" /new", "new"),
        ("\u{a0}\n\u{ad}/new", "new"),
        ("//stop", "stop"),
        ("\u{2044}stop", "stop"),
        ("\u{2215}stop", "stop"),
        ("／ｓｔｏｐ！", "stop"),
        ("/ｓｔｏｐ。", "stop"),
        ("/stop＠ＣｏｒｄＢｏｔ", "stop"),
        ("/stop-", "stop"),
        ("/stop~", "stop"),
        ("/stop 🙏", "stop"),
        ("/stop🛑", "stop"),
    ] {
        assert_eq!(read(text).expect(text).0, name);
    }
    assert!(read(&format!("/{}", "x".repeat(32))).is_some());
}

#[test]
fn everything_else_is_text() {
    let long = format!("/{}", "x".repeat(33));
    for text in [
        "",
        "/",
        "//",
        "/ new",
        "// new",
        "new",
        "/etc/hosts is broken",
        "/new-one",
        "/etc/",
        "/etc/*",
        "//host/share",
        "／ｎｅü",
        "/new.txt",
        "/...",
        "/!",
        "!/new",
        "/neu\u{e4}",
        "/new@",
        "/@cordbot",
        "/new@cord.bot",
        "/new@other@cordbot",
        &long,
    ] {
        assert_eq!(remove_bot_name(text, "cordbot"), BotText::Text, "{text}");
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn a_command_for_another_bot_is_not_ours() {
    assert_eq!(remove_bot_name("/new@otherbot x", "cordbot"), BotText::OtherBot);
    assert_eq!(parse("/new@otherbot x"), None);
}

#[test]
fn text_after_a_command_is_trimmed() {
    let CommandLine { name, invocation: Invocation { args, text } } =
        parse("/note   two  words\nand a line \n").expect("a command");
    assert_eq!((name.as_str(), text.as_str()), ("note", "two  words\nand a line"));
    assert_eq!(args, ["two", "words", "and", "a", "line"]);
}

#[test]
fn arguments_are_split_as_a_shell_would() {
    assert_eq!(args("/new"), [""; 0]);
    assert_eq!(args("/new a 'b c' \"d e\" f\\ g ''"), ["a", "b c", "d e", "f g", ""]);
    assert_eq!(args("/ask don't stop"), ["don't", "stop"]);
    assert_eq!(args("/ask \"open"), ["\"open"]);
    assert_eq!(args("/fix #42 now"), ["#42", "now"]);
}

#[test]
fn smart_punctuation_is_converted_back() {
    assert_eq!(args("/new “quoted name”"), ["quoted name"]);
    assert_eq!(args("/new „quoted name“ «and more»"), ["quoted name", "and more"]);
    assert_eq!(args("/new ‘quoted name’ x"), ["quoted name", "x"]);
    assert_eq!(args("/ask don’t stop"), ["don’t", "stop"]);
    assert_eq!(args("/ask the users’ names"), ["the", "users’", "names"]);
    assert_eq!(args("/timeout —5"), ["-5"]);
    assert_eq!(args("/timeout −5 –5"), ["-5", "-5"]);
    assert_eq!(args("/new a —agent x –v"), ["a", "--agent", "x", "-v"]);
    assert_eq!(args("/ask a — b"), ["a", "—", "b"]);
    assert_eq!(args("/new\u{a0}alpha\u{a0}planner"), ["alpha", "planner"]);
    assert_eq!(args("/new\u{a0}“a\u{a0}b”"), ["a b"]);
    let text = parse("/note “as it is” —5").expect("a command").invocation.text;
    assert_eq!(text, "“as it is” —5");
}

#[test]
fn full_width_and_final_punctuation_are_normalized() {
    for (text, meant) in [
        ("/stop all!", "all"),
        ("/stop all！\u{200b}", "all"),
        ("/session alpha.", "alpha"),
        ("/session “alpha”.", "alpha"),
        ("/timeout 5.", "5"),
        ("/timeout １５。", "15"),
        ("/timeout －５", "-5"),
        ("/new ａ－Ｂ", "a-B"),
        ("/new alpha\u{200b}", "alpha"),
        // Punctuation that may be part of the argument is kept.
        ("/new alpha-", "alpha-"),
        ("/go ..", ".."),
        ("/go a/.", "a/."),
        ("/say \"Hi!\"", "Hi!"),
        ("/say ‘Hi!’", "Hi!"),
        ("/say はい，そう", "はい，そう"),
    ] {
        assert_eq!(args(text), [meant], "{text}");
    }
    assert_eq!(args("/ask a, b! c?"), ["a,", "b!", "c"]);
    assert_eq!(args("/new alpha\u{200b} planner"), ["alpha", "planner"]);
    let text = parse("/remind 1h Why１? ").expect("a command").invocation.text;
    assert_eq!(text, "1h Why１?");
}

#[test]
fn arguments_of_a_button_are_literal() {
    for rest in ["Really?", "１５", "—x", "“x”"] {
        let CommandLine { name, invocation: Invocation { args, text } } =
            parse_button(&format!("/Do {rest}")).expect("a command");
        assert_eq!((name.as_str(), args.as_slice(), text.as_str()), ("do", [rest.to_owned()].as_slice(), rest));
    }
}

#[test]
fn the_nearest_command_is_suggested() {
    const KNOWN: [&str; 9] = ["new", "session", "sessions", "stop", "model", "help", "timeout", "persona", "plugins"];
    for (typed, meant) in [
        ("nwe", Some("new")),
        ("sess", Some("session")),
        ("sessoins", Some("sessions")),
        ("modle", Some("model")),
        ("hepl", Some("help")),
        ("st", Some("stop")),
        ("timout", Some("timeout")),
        ("s", None),
        ("", None),
        ("xyz", None),
        ("deploy", None),
        ("no", None),
    ] {
        assert_eq!(nearest(typed, KNOWN.into_iter()), meant, "{typed}");
    }
    assert_eq!(nearest("new", std::iter::empty()), None);
}

proptest! {
    #[test]
    fn any_text_is_parsed(text in "(/[a-zA-Z@_]{0,5})?[ \\PC\n'\"\\\\#]{0,20}", bot in "[a-z]{0,3}") {
        if let BotText::Command(command) = remove_bot_name(&text, &bot) {
            prop_assert!(parse(&command).is_some(), "{command:?}");
        }
        if let Some(CommandLine { name, invocation: Invocation { args, text: rest } }) = parse(&text) {
            prop_assert!(is_name(&name) && name.to_ascii_lowercase() == name);
            prop_assert!(text.trim_end().ends_with(&rest));
            prop_assert!(args.is_empty() || !rest.is_empty());
        }
    }
}

/// A plugin's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    pub plugin: &'static str,
    pub min_role: Role,
    pub is_immediate: bool,
}

impl ActiveCommand for Entry {
    fn name(&self) -> &str {
        self.name
    }

    fn plugin(&self) -> &str {
        self.plugin
    }

    fn min_role(&self) -> Role {
        self.min_role
    }

    fn is_immediate(&self) -> bool {
        self.is_immediate
    }
}

pub struct Table(pub Vec<Entry>);

impl CommandTable for Table {
    type Command = Entry;

    fn command(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.name == name)
    }

    fn commands(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

pub fn table() -> Table {
    Table(vec![
        Entry { name: "remind", plugin: "remind", min_role: Role::Member, is_immediate: false },
        Entry { name: "stop", plugin: "stop", min_role: Role::Member, is_immediate: true },
        Entry { name: "plugins", plugin: "help", min_role: Role::Admin, is_immediate: false },
    ])
}

/// Resolves a message. Returns the command and its arguments, or the host's answer, or `None` for a prompt.
fn resolved(input: &ChatInput, role: Role) -> Option<Result<(String, Vec<String>), HostReply>> {
    match resolve(input, role, &table()) {
        Resolution::Command { command, invocation } => Some(Ok((command.name.to_owned(), invocation.args.clone()))),
        Resolution::Rejected(answer) => Some(Err(answer)),
        Resolution::Prompt => None,
    }
}

#[test]
fn resolve_returns_the_command_with_its_words() {
    let call = |argument: &[&str]| {
        Some(Ok(("remind".to_owned(), argument.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())))
    };
    let typed = ChatInput::typed("/Remind 1h “two words”");
    assert_eq!(resolved(&typed, Role::Member), call(&["1h", "two words"]));
    let pressed = ChatInput::pressed("/remind “drop”", Some("remind"));
    assert_eq!(resolved(&pressed, Role::Member), call(&["“drop”"]), "a button's arguments are literal");
    assert_eq!(resolved(&ChatInput::pressed("/remind", None), Role::Member), call(&[]), "the host shows every command");
}

#[test]
fn resolve_separates_prompts_from_buttons() {
    assert_eq!(resolved(&ChatInput::typed("remind me"), Role::Member), None);
    assert_eq!(resolved(&ChatInput::typed("/etc/hosts is broken"), Role::Member), None);
    let pressed = ChatInput::pressed("no command", None);
    assert_eq!(resolved(&pressed, Role::Member), Some(Err(HostReply::OldButton)), "a button is never a prompt");
}

#[test]
fn resolve_suggests_only_allowed_commands() {
    let unknown = |name: &str, nearest: Option<&str>| {
        Some(Err(HostReply::UnknownCommand { name: name.into(), nearest: nearest.map(str::to_owned) }))
    };
    assert_eq!(resolved(&ChatInput::typed("/remnid"), Role::Member), unknown("remnid", Some("remind")));
    assert_eq!(resolved(&ChatInput::typed("/plugin"), Role::Member), unknown("plugin", None));
    assert_eq!(resolved(&ChatInput::typed("/plugin"), Role::Admin), unknown("plugin", Some("plugins")));
}

#[test]
fn resolve_rejects_missing_rights_and_foreign_buttons() {
    let denied = HostReply::NotAllowed { name: "plugins".into(), role: Role::Admin };
    assert_eq!(resolved(&ChatInput::typed("/plugins"), Role::Member), Some(Err(denied)));
    let foreign = HostReply::NotItsButton { name: "remind".into(), plugin: "github".into() };
    assert_eq!(resolved(&ChatInput::pressed("/remind drop", Some("github")), Role::Member), Some(Err(foreign)));
}
