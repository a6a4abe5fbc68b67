//! Tests the tables `[telegram.NAME]`.

use expect_test::expect;

use super::{
    super::{Config, Stream, load},
    assert_refused,
};
use crate::types::{Place, Role};

fn config(text: &str) -> Config {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_bot_overrides_the_settings_of_the_main_bot() {
    let text = "[telegram]\ntoken_file = \"main\"\nstream = \"edit\"\ngather = \"2s\"\nwebhook = \"https://a.example/b/\"\n\
                [telegram.work]\ntoken_file = \"work\"\ngather = \"3s\"\nagent = \"demo\"\npersona = \"p\"\n";
    let config = config(text);
    let of = |front_end: &str| config.telegram_of(&Place::new(front_end, "1"));
    assert_eq!((of("telegram.work").gather.as_secs(), of("telegram").gather.as_secs()), (3, 2));
    assert_eq!(of("telegram.work").stream, Stream::Edit, "a key that the bot doesn't set");
    assert_eq!(
        of("telegram.work").webhook.as_ref().map(|url| (url.as_str(), url.path())),
        Some(("https://a.example/b/work", "/b/work"))
    );
    assert_eq!(of("telegram.gone").gather.as_secs(), 2);
    let bot = config.bots.of(&Place::new("telegram.work", "1")).expect("the bot");
    assert_eq!((bot.agent.as_deref(), bot.persona.as_deref()), (Some("demo"), Some("p")));
    assert!(config.bots.of(&Place::new("telegram", "1")).is_none());
    let front_ends: Vec<_> = config.telegram_bots().map(|(front_end, _)| front_end).collect();
    assert_eq!(front_ends, ["telegram", "telegram.work"]);
}

#[test]
fn bots_with_names_run_without_a_main_bot() {
    let config = config("[telegram.b]\ntoken_file = \"b\"\n[telegram.a]\ntoken_file = \"a\"\n");
    let front_ends: Vec<_> = config.telegram_bots().map(|(front_end, _)| front_end).collect();
    assert_eq!(front_ends, ["telegram.a", "telegram.b"]);
}

#[test]
fn a_bot_with_access_serves_only_the_owner_and_its_people() {
    let access = config(
        "[access]\nowner = 1\nadmins = [2]\nmembers = [3]\n[telegram.open]\ntoken_file = \"o\"\n\
         [telegram.own]\ntoken_file = \"w\"\naccess = { admins = [3], members = [4] }\n\
         [telegram.empty]\ntoken_file = \"e\"\n[telegram.empty.access]\n",
    )
    .access;
    let roles = |front_end: &str| [1, 2, 3, 4].map(|id| access.role_in(id, &Place::new(front_end, &id.to_string())));
    let (owner, admin, member) = (Some(Role::Owner), Some(Role::Admin), Some(Role::Member));
    assert_eq!(roles("telegram"), [owner, admin, member, None]);
    assert_eq!(roles("telegram.open"), [owner, admin, member, None]);
    assert_eq!(roles("telegram.own"), [owner, None, admin, member]);
    assert_eq!(roles("telegram.empty"), [owner, None, None, None]);
    assert_eq!(roles("telegram.gone"), [None; 4], "a bot that is no longer configured serves no one");
}

#[test]
fn mistakes_in_tables_of_bots_are_reported() {
    assert_refused(
        "[telegram.work]\nstream = \"edit\"\n",
        expect![[r#"
        line 1, column 1: [telegram.work] has no token_file: add the path of a file with the token of this bot, such as token_file = "work.token"
        1 | [telegram.work]
          | ^^^^^^^^^^^^^^^
    "#]],
    );
    assert_refused(
        "[telegram.stream]\ntoken_file = \"t\"\n",
        expect![[r#"
        line 1, column 1: 'stream' is a key of [telegram], so [telegram.stream] can't be a table: choose another name
        1 | [telegram.stream]
          | ^^^^^^^^^^^^^^^^^
    "#]],
    );
    assert_refused(
        "[telegram.\"My bot\"]\ntoken_file = \"t\"\n",
        expect![[r#"
        line 1, column 11: 'My bot' is not a valid name in [telegram]: use 1 to 32 of a-z, 0-9, '-' and '_'
        1 | [telegram."My bot"]
          |           ^^^^^^^^
    "#]],
    );
    assert_refused(
        "[telegram.work]\ntoken_file = \"t\"\nwebhook = \"https://a.example/b\"\nagent = \"demmo\"\naccess = { owner = 1 }\n",
        expect![[r#"
            line 3, column 1: unknown key 'webhook' in [telegram.work]; it belongs in [plugins.NAME] or [telegram]
            3 | webhook…
              | ^^^^^^^
            line 4, column 9: agent = "demmo" in [telegram.work] is not an agent: [agents.demmo] is missing. Known agents: claude, demo; did you mean 'demo'?
            4 | agent = "demmo"
              |         ^^^^^^^
            line 5, column 12: unknown key 'owner' in [telegram.work.access]; it belongs in [access]
            5 | access = { owner…
              |            ^^^^^
        "#]],
    );
    assert_refused(
        "[telegram.work]\ntoken_file = \"123456:AAAAAAAAAAAAAAAAAAAAAAAAA\"\n",
        expect![[r#"
        line 2, column 14: 'token_file' in [telegram.work] must be the path of a file with the token, not the token itself
        2 | token_file = …
          |              ^
    "#]],
    );
}
