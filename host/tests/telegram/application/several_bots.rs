//! Tests several bots in one host. Both fake Bot APIs number updates and messages from the same start values, so the
//! bots' update and message ids collide.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, STRANGER, webhook};
use crate::botapi::{BotApi, Fault, UpdateRequest, message};

const WORK_TOKEN: &str = "77:WoRk-tOkEn_abcdefghij";
const GROUP: i64 = -100_950;

/// A host that runs two bots, configured in `[telegram]` and `[telegram.work]`.
struct TwoBots {
    app: App,
    work: BotApi,
}

impl TwoBots {
    /// Prepares the bots. `keys` is added to `[telegram.work]`, and may also add more tables.
    async fn prepared(keys: &str) -> Self {
        let (app, work) = (App::prepared().await, BotApi::start_with(WORK_TOKEN).await);
        fs::write(app.path("work.token"), format!("{WORK_TOKEN}\n")).unwrap();
        fs::set_permissions(app.path("work.token"), fs::Permissions::from_mode(0o600)).unwrap();
        let bots = Self { app, work };
        bots.app.configure(&format!("owner = {OWNER}\nmembers = [{MEMBER}]\n{}", bots.table(keys)));
        bots
    }

    fn table(&self, keys: &str) -> String {
        format!("[telegram.work]\ntoken_file = \"work.token\"\napi_url = \"{}\"\n{keys}", self.work.url)
    }

    async fn new(keys: &str) -> Self {
        let mut bots = Self::prepared(keys).await;
        bots.start().await;
        bots
    }

    async fn start(&mut self) {
        let before = [&self.app.api, &self.work].map(|api| api.calls("getUpdates").len());
        self.app.start();
        self.app.api.until_calls("getUpdates", before[0] + 1).await;
        self.work.until_calls("getUpdates", before[1] + 1).await;
    }

    /// Waits for a message of the bot `work` that contains `wanted` and whose id is `first` or later.
    async fn work_shows(&self, chat: i64, first: i64, wanted: &str) -> String {
        let find = || self.work.since(chat, first).into_iter().find(|text| text.contains(wanted));
        self.app.until(&format!("'{wanted}' from the bot work"), find).await
    }

    /// Sends a text to the bot `work`, and waits for a new message that contains `wanted`.
    async fn ask_work(&self, user: i64, text: &str, wanted: &str) -> String {
        let first = self.work.next_id();
        self.work.says(user, text);
        self.work_shows(user, first, wanted).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_chats_with_two_bots_are_separate_places() {
    let bots = TwoBots::new("").await;
    bots.app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    // These two updates have the same id.
    bots.app.ask(OWNER, "one", "You said: one").await;
    bots.ask_work(OWNER, "two", "You said: two").await;
    bots.app.until_turns("alpha", 1).await;
    bots.app.until_turns("beta", 1).await;
    assert_eq!(bots.app.session("alpha")["owner"], bots.app.session("beta")["owner"], "the user is the same person");
    let shows = |api: &BotApi, text: &str| api.chat(OWNER).iter().any(|shown| shown.contains(text));
    assert!(!shows(&bots.app.api, "two") && !shows(&bots.work, "one"));
    // The second bot also handles button presses and group messages.
    bots.ask_work(OWNER, "/persona", "Persona: ").await;
    bots.work.press(OWNER, OWNER, "planner");
    bots.app.until("the persona", || (bots.app.session("beta")["persona"] == "planner").then_some(())).await;
    let in_group = json!({"message": message(OWNER, GROUP, json!({"text": "/new gamma"}))});
    bots.work.push(in_group);
    bots.work_shows(GROUP, 0, "Session 'gamma' created.").await;
    assert!(bots.app.api.chat(GROUP).is_empty());
    assert!(bots.work.calls("setMyCommands").len() > 1, "a menu for everybody, and one for the owner");
    assert!(!bots.app.log().contains("WoRk-tOkEn"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_can_have_its_own_people() {
    let bots = TwoBots::new(&format!("access = {{ members = [{STRANGER}] }}")).await;
    bots.ask_work(STRANGER, "/new strange", "Session 'strange' created.").await;
    bots.app.api.says(STRANGER, "/new not-main");
    bots.work.says(MEMBER, "/new not-work");
    bots.app.ask(MEMBER, "/new members", "Session 'members' created.").await;
    bots.ask_work(OWNER, "/sessions", "strange").await;
    assert_eq!([bots.app.session("not-main"), bots.app.session("not-work")], [Value::Null, Value::Null]);
    assert!(bots.app.api.chat(STRANGER).is_empty() && bots.work.chat(MEMBER).is_empty());
    let row = json!({
        "id": STRANGER, "name": "Ada L", "role": "member", "source": "configuration", "bot": "work", "overridden": false,
    });
    assert!(bots.app.list("access").contains(&row), "{:?}", bots.app.list("access"));
    // A change to a bot's `access` table takes effect at once.
    bots.app.configure(&format!("owner = {OWNER}\n{}", bots.table("access = {}")));
    bots.app.until("the new access", || bots.app.log().contains("configuration changed").then_some(())).await;
    let first = bots.work.next_id();
    bots.work.says(STRANGER, "/sessions");
    bots.ask_work(OWNER, "/sessions", "strange").await;
    assert_eq!(bots.work.since(STRANGER, first), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_posts_of_both_bots_survive_a_kill() {
    let mut bots = TwoBots::new("").await;
    bots.app.api.fail("sendMessage", Fault::Hang);
    bots.work.fail("sendMessage", Fault::Hang);
    let before = [&bots.app.api, &bots.work].map(|api| api.calls("sendMessage").len());
    bots.app.api.says(OWNER, "/session of-main");
    bots.work.says(OWNER, "/session of-work");
    bots.app.api.until_calls("sendMessage", before[0] + 1).await;
    bots.work.until_calls("sendMessage", before[1] + 1).await;
    bots.app.kill();
    bots.start().await;
    bots.app.wait_for(OWNER, 0, "'of-main'").await;
    bots.work_shows(OWNER, 0, "'of-work'").await;
    let shows = |api: &BotApi, text: &str| api.chat(OWNER).iter().any(|shown| shown.contains(text));
    assert!(!shows(&bots.app.api, "of-work") && !shows(&bots.work, "of-main"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_stops_only_its_bot() {
    let mut bots = TwoBots::new("give_up = \"1s\"").await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    bots.work.revoke();
    let notice = bots.app.wait_for(OWNER, 0, "has stopped").await;
    assert!(notice.starts_with("The bot of [telegram.work] has stopped: failed to sign in to Telegram: "), "{notice}");
    bots.app.ask(OWNER, "/sessions", "beta").await;
    assert_eq!(bots.app.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_main_bot_leaves_the_others() {
    let mut bots = TwoBots::prepared("").await;
    let access = format!("owner = {OWNER}\n{}", bots.table("give_up = \"10m\""));
    bots.app.configure_telegram("give_up = \"1s\"", &access);
    bots.start().await;
    bots.app.api.revoke();
    bots.work_shows(OWNER, 0, "The bot of [telegram] has stopped: ").await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    // When the last bot has stopped, the host exits.
    bots.work.revoke();
    bots.app.configure_telegram("", &format!("owner = {OWNER}\n{}", bots.table("give_up = \"1s\"")));
    assert_eq!(bots.app.ended().await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tables_with_one_bot_are_refused() {
    let mut bots = TwoBots::prepared("").await;
    fs::write(bots.app.path("work.token"), "42:another-secret_of-the-bot\n").unwrap();
    bots.app.start();
    assert_eq!(bots.app.ended().await, Some(1));
    let why = "[telegram] and [telegram.work] contain tokens of the same bot, 42; create another bot";
    assert!(bots.app.log().contains(why), "{}", bots.app.log());
    let check = bots.app.command("check").output().unwrap();
    assert!(String::from_utf8_lossy(&check.stderr).contains(why), "{check:?}");
    assert!(bots.app.api.calls("getUpdates").is_empty() && bots.work.calls("getUpdates").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_has_its_own_agent_and_persona() {
    let keys = "agent = \"second\"\npersona = \"planner\"\n[agents.second]\nkind = \"demo\"";
    let bots = TwoBots::new(keys).await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created with persona 'planner'.").await;
    bots.ask_work(OWNER, "/new gamma brainstorm demo", "Session 'gamma' created").await;
    bots.app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let kind = |name: &str| {
        let session = bots.app.session(name);
        (session["agent"].clone(), session["persona"].clone())
    };
    assert_eq!(kind("beta"), ("second".into(), "planner".into()));
    assert_eq!(kind("gamma"), ("demo".into(), "brainstorm".into()));
    assert_eq!(kind("alpha").1, Value::Null);
    assert_ne!(kind("alpha").0, "second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_bots_run_without_a_main_bot() {
    let mut bots = TwoBots::prepared("").await;
    let config = format!("[access]\nowner = {OWNER}\n{}", bots.table("stream = \"edit\""));
    fs::write(bots.app.path("config.toml"), config).unwrap();
    bots.app.start();
    bots.work.until_calls("getUpdates", 1).await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    let check = bots.app.command("check").output().unwrap();
    let printed = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(printed.contains("token          ok  ") && printed.contains("work.token"), "{printed}");
    assert!(bots.app.api.calls("getUpdates").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_is_added_and_removed_at_the_next_start() {
    let mut bots = TwoBots::prepared("").await;
    bots.app.configure(&format!("owner = {OWNER}"));
    bots.app.start();
    bots.app.api.until_calls("getUpdates", 1).await;
    let named = "take effect at the next start: telegram.work.token_file.";
    let first = bots.app.api.next_id();
    bots.app.configure(&format!("owner = {OWNER}\n{}", bots.table("")));
    bots.app.wait_for(OWNER, first, named).await;
    assert!(bots.work.calls("getUpdates").is_empty());
    bots.app.kill();
    bots.start().await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    let first = bots.app.api.next_id();
    bots.app.configure(&format!("owner = {OWNER}"));
    bots.app.wait_for(OWNER, first, named).await;
    // A bot that is no longer configured doesn't answer.
    let first = bots.work.next_id();
    bots.work.says(OWNER, "/sessions");
    bots.app.ask(OWNER, "/sessions", "beta").await;
    assert_eq!(bots.work.since(OWNER, first), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_webhook_listener_serves_all_bots() {
    let mut bots = TwoBots::prepared("").await;
    webhook::add_webhook(&bots.app);
    let address = webhook::start(&mut bots.app).await;
    bots.work.until_calls("setWebhook", 1).await;
    for api in [&bots.app.api, &bots.work] {
        api.proxy_to(Some(&address));
    }
    bots.app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    bots.ask_work(OWNER, "/new beta", "Session 'beta' created.").await;
    bots.app.ask(OWNER, "one", "You said: one").await;
    bots.ask_work(OWNER, "two", "You said: two").await;
    let [main, work] = [&bots.app.api, &bots.work].map(|api| api.webhook().unwrap());
    assert_eq!(work["url"].as_str(), main["url"].as_str().map(|url| format!("{url}/work")).as_deref());
    let update = json!({"update_id": 99, "message": message(OWNER, OWNER, json!({"text": "/new gamma"}))});
    let request = UpdateRequest::new(main["secret_token"].as_str().unwrap(), &update);
    let of_no_bot = UpdateRequest { target: "POST /telegram/other".to_owned(), ..request };
    assert_eq!(of_no_bot.send(&address).await, Some(404));
    let polled = [&bots.app.api, &bots.work].map(|api| api.calls("getUpdates").len());
    assert_eq!((polled, bots.app.session("gamma")), ([0, 0], Value::Null));
}
