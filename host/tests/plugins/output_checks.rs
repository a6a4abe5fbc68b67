//! Tests the checks on plugin output: buttons may run only the plugin's own commands, text must not pass for the
//! host's, and text and buttons are limited.

use cordboard::dev::RecordedAction;
use cordboard_core::{
    render::UNTRUSTED_LENGTH,
    types::{Place, Reply, Role},
};
use cordboard_runtime::CallError;

use crate::{
    components::{bad, standard},
    test_host::{TestHost, person},
    thread_log,
};

async fn any_output(own: &str) -> TestHost {
    let test_host = TestHost::of(&format!("[plugins.any_output]\ngrants = [\"chat\"]\n{own}"));
    test_host.plug("sessions", &standard("sessions")).await.unwrap();
    test_host.plug("any_output", &bad("any_output")).await.unwrap();
    test_host
}

fn shown(reply: &Reply) -> Vec<&str> {
    reply.buttons.iter().flatten().map(|button| button.command.as_str()).collect()
}

#[tokio::test]
async fn a_button_runs_only_commands_of_its_plugin() {
    let test_host = any_output("").await;
    let others =
        ["/plugins grant any_output 0123456789ab", "/retry alpha", "/sessions", "rm -r everything", "/nobody", ""];
    for line in others {
        let reply = test_host.call(&format!("any_output button {line}")).await.unwrap();
        assert_eq!(shown(&reply), ["/any_output own"], "{line}");
        assert_eq!(reply.buttons.len(), 1, "there is no empty row");
        assert_eq!(reply.buttons[0][0].plugin.as_deref(), Some("any_output"), "a press is checked against the plugin");
    }
    let reply = test_host.call("any_output button /any_output say hello").await.unwrap();
    assert_eq!(shown(&reply), ["/any_output say hello", "/any_output own"]);
}

#[tokio::test]
async fn a_button_with_a_blank_label_shows_its_command() {
    let test_host = any_output("").await;
    let log = thread_log::start();
    let label = async |label: &str| {
        let reply = test_host.call(&format!("any_output label {label}")).await.unwrap();
        reply.buttons.iter().flatten().map(|button| button.label.clone()).collect::<Vec<_>>()
    };
    for blank in ["", "\u{a0}", "\u{200b}", "\u{2800}\u{3164}", "\u{202e}\u{2069}", "\u{fe0f}\u{200d}"] {
        assert_eq!(label(blank).await, ["/any_output own"], "{blank:?}");
    }
    assert_eq!(label("Own\u{202e} one").await, ["Own one"]);
    assert_eq!(label(&"l".repeat(200)).await, [format!("{}…", "l".repeat(99))]);
    let message = log.text();
    assert_eq!(message.matches("blank button label").count(), 1, "{message}");
    assert!(
        message.contains("any_output") && message.contains("the label of \\\"/any_output own\\\" is blank"),
        "{message}"
    );
}

#[tokio::test]
async fn a_message_has_100_buttons_at_most() {
    let test_host = any_output("").await;
    let log = thread_log::start();
    assert_eq!(shown(&test_host.call("any_output buttons 100").await.unwrap()).len(), 100);
    assert!(!log.text().contains("omitted buttons"));
    for _ in 0..2 {
        let reply = test_host.call("any_output buttons 500").await.unwrap();
        assert_eq!((shown(&reply).len(), reply.buttons.len()), (100, 100), "there is no empty row");
        assert_eq!(shown(&reply)[99], "/any_output 99", "the first ones are kept");
    }
    assert_eq!(log.text().matches("omitted buttons").count(), 1, "{}", log.text());
}

#[tokio::test]
async fn a_post_has_only_buttons_of_its_plugin() {
    let test_host = any_output("").await;
    test_host.call("any_output post console local psst").await.unwrap();
    let actions = test_host.memory.take_actions();
    let [RecordedAction::Posted(_, reply)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((reply.text.as_str(), shown(reply)), ("psst", Vec::new()));
}

fn said(outcome: Result<Reply, CallError>) -> String {
    match outcome {
        Err(CallError::Plugin(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_posts_only_to_its_callers_places() {
    let mut test_host = any_output("").await;
    let refused = said(test_host.call("any_output post telegram 99999 psst").await);
    assert!(refused.contains("this call can't post to telegram:99999: "), "{refused}");
    let ann = person("telegram:2", Role::Member);
    test_host.place = Place::new("telegram", "2");
    test_host.call_as(&ann, "any_output post telegram 2 here").await.unwrap();
    let refused = said(test_host.call_as(&ann, "any_output post console local psst").await);
    assert!(refused.contains("this call can't post to console:local: "), "{refused}");
    test_host.place = Place::new("telegram", "-100");
    test_host.call_as(&ann, "any_output post telegram 2 where she spoke before").await.unwrap();
    assert_eq!(test_host.memory.take_actions().len(), 2);
}

#[tokio::test]
async fn the_posts_of_a_call_share_one_limit() {
    let test_host = any_output("reply = \"16KiB\"").await;
    let refused = said(test_host.call("any_output flood 9 10").await);
    assert!(refused.starts_with("after 4: ") && refused.contains("`reply`") && refused.contains("16KiB"), "{refused}");
    assert_eq!(test_host.memory.take_actions().len(), 4);
    assert!(said(test_host.call("any_output flood 1 16385").await).starts_with("after 0: "));
    assert!(said(test_host.call("any_output flood 2 16384").await).starts_with("after 1: "));
    assert_eq!(test_host.memory.take_actions().len(), 1);
}

#[tokio::test]
async fn summaries_and_usages_are_one_line() {
    let refused = async |own: &str| {
        let test_host =
            TestHost::of(&format!("[plugins.any_output]\ngrants = [\"chat\"]\n[plugins.any_output.config]\n{own}"));
        test_host.refused("any_output", &bad("any_output")).await
    };
    let long = format!("usage = \"{}\"", "u".repeat(257));
    for (own, why) in [
        ("summary = \"\"", "its command /any_output has a summary that is empty: use one line of 1 to 256 characters"),
        (
            "summary = \"a\\nverdict  a host would accept it\"",
            "a summary with line breaks, control characters or invisible characters",
        ),
        ("summary = \"a\\u202eb\"", "a summary with line breaks, control characters or invisible characters"),
        ("usage = \"\\u001b[2J\"", "a usage with line breaks, control characters or invisible characters"),
        (long.as_str(), "a usage that is too long"),
        ("summary = \"\\u2800\"", "its command /any_output has a summary that is empty"),
        (
            "usage = \"/plugins grant any_output 0\"",
            "its command /any_output has the usage \"/plugins grant any_output 0\": start it with /any_output, or leave it empty",
        ),
        ("usage = \"/any_outputs\"", "start it with /any_output"),
        ("more = 100", "it has more than the allowed 100 commands"),
    ] {
        let message = refused(own).await;
        assert!(message.contains(why), "{own}: {message}");
    }
    let persona = async |own: &str| {
        let table = "[plugins.persona.config.personas.poet]\ninstructions = \"Rhyme.\\nAlways.\"";
        let test_host = TestHost::of(&format!("{table}\n{own}"));
        test_host.plug("persona", &standard("persona")).await.unwrap();
        let table = test_host.registry.snapshot();
        let poet = table.personas().find(|choice| choice.name == "poet").unwrap();
        poet.description.clone()
    };
    assert_eq!(persona("description = \"a\\u202eb\"").await, "ab");
    assert_eq!(persona("description = \"\"\"\nSpeaks\n  in verse\n\"\"\"").await, "Speaks in verse");
    assert_eq!(persona("").await, "Rhyme.");
    let test_host = TestHost::of("[plugins.any_output]\ngrants = [\"chat\"]\n[plugins.any_output.config]\nmore = 99");
    test_host.plug("any_output", &bad("any_output")).await.unwrap();
    assert_eq!(test_host.registry.snapshot().commands().count(), 100);
}

#[tokio::test]
async fn untrusted_text_stays_inside_the_host_message() {
    let fails = |why: &str| {
        TestHost::of(&format!(
            "[plugins.any_output]\ngrants = [\"chat\"]\n[plugins.any_output.config]\nfails = \"{why}\""
        ))
    };
    let message = fails("it is old.\\n\\nPlugin 'x' is granted all.\\u001b[1A\\u202e")
        .refused("any_output", &bad("any_output"))
        .await;
    let expected = "returned an error: it is old.  Plugin 'x' is granted all.[1A; correct [plugins.any_output.config]";
    assert!(message.ends_with(expected), "{message:?}");
    let message = fails(&"x".repeat(5_000)).refused("any_output", &bad("any_output")).await;
    assert!(message.len() < UNTRUSTED_LENGTH + 200 && message.contains('…'), "{message}");
    let test_host = any_output("").await;
    let Err(CallError::Trap(why)) = test_host.call("any_output panic one\\n2026-11-21 WARN two\\e[2J").await else {
        panic!()
    };
    assert!(why.contains("one 2026-11-21 WARN two\\u{1b}[2J") && !why.contains(char::is_control), "{why:?}");
    let (_, note) = test_host.status("any_output");
    assert!(note.contains("WARN two") && !note.contains(char::is_control), "{note:?}");
}
