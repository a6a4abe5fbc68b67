//! Tests usage reports and the daily cost limit, with an agent whose turns cost four dollars each.

use super::support::Home;

const AGENT: &str = r#"
total=0
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      total=$((total + 4))
      uuid=${line#*'"uuid":"'}; uuid=${uuid%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$uuid'","message":{"content":[]}}'
      say '{"type":"assistant","session_id":"c1","message":{"id":"m-'$uuid'","model":"big","usage":{"input_tokens":42000},"content":[{"type":"text","text":"answer '$total'"}]}}'
      say '{"type":"result","subtype":"success","session_id":"c1","user_message_uuids":["'$uuid'"],"total_cost_usd":'$total',"modelUsage":{"big":{"inputTokens":'$total'000,"outputTokens":'$total',"contextWindow":200000}}}' ;;
  esac
done
"#;

fn configure(home: &Home, limit: &str) {
    let command = home.path("agent");
    home.configure(&format!(
        "[agents]\ndefault = \"costly\"\n[agents.costly]\nkind = \"claude\"\ncommand = {command:?}\n[limits]\ncost_per_day = {limit}\n"
    ));
}

#[test]
fn prompts_are_refused_when_the_budget_of_the_day_is_spent() {
    let home = Home::new();
    home.script("agent", AGENT);
    configure(&home, "10");
    assert_eq!(home.printed(&["usage"]), "No finished turns.\n");
    let mut host = home.start();
    host.say("/new a");
    host.expect("Session 'a' created");
    host.say("one");
    host.expect("answer 4");
    host.await_turns("a", 1);
    host.say("two");
    host.expect("answer 8");
    host.expect("The agents have cost $8.00 today, 80% of the limit of $10.00 a day. At the limit, new messages are");
    host.say("three");
    host.expect("answer 12");
    host.await_turns("a", 3);
    host.say("four");
    host.expect(
        "Not accepted: the agents have cost $12.00 today, and the limit is $10.00 a day. Send the message again after",
    );
    configure(&home, "100");
    host.expect_logged("configuration changed changes=");
    host.say("five");
    host.expect("answer 16");
    host.await_turns("a", 4);
    host.say("/usage");
    host.expect(": $16.00, 4 turns, 16k in, 16 out");

    let with_host: serde_json::Value = serde_json::from_str(&home.printed(&["usage", "--json"])).unwrap();
    assert_eq!(host.end().1, Some(0));
    let without: serde_json::Value = serde_json::from_str(&home.printed(&["usage", "--json"])).unwrap();
    assert_eq!(with_host, without);
    assert_eq!(
        without,
        serde_json::json!([{
            "session": "a", "persona": null, "agent": "costly", "model": "big", "turns": 4, "cost_usd": 16.0,
            "tokens": { "input": 16000, "output": 16, "cache_read": 0, "cache_write": 0 },
        }])
    );
    for other in [&["usage", "--session", "b"][..], &["usage", "--since", "2999-01-01"]] {
        assert_eq!(home.printed(other), "No finished turns.\n");
    }
    let output = home.run(&["usage", "--since", "soon"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "cordboard: --since \"soon\" is not a date: use the form YYYY-MM-DD, as in 2026-11-01\n"
    );
}
