//! What a plugin may put before people: buttons for its own commands.

use cordboard::kit::Deed;
use cordboard_core::types::Reply;

use crate::components::{Bench, bad, standard};

async fn tricky(own: &str) -> Bench {
    let bench = Bench::of(&format!("[plugins.trick]\ngrants = [\"chat\"]\n{own}"));
    bench.plug("sessions", &standard("sessions")).await.unwrap();
    bench.plug("trick", &bad("trick")).await.unwrap();
    bench
}

fn shown(reply: &Reply) -> Vec<&str> {
    reply.buttons.iter().flatten().map(|button| button.command.as_str()).collect()
}

#[tokio::test]
async fn a_button_gives_the_plugins_own_commands_alone() {
    let bench = tricky("").await;
    let others = ["/plugins grant trick 0123456789ab", "/retry alpha", "/sessions", "rm -r everything", "/nobody", ""];
    for line in others {
        let reply = bench.call(&format!("trick button {line}")).await.unwrap();
        assert_eq!(shown(&reply), ["/trick own"], "{line}");
        assert_eq!(reply.buttons.len(), 1, "no row is left empty");
        assert_eq!(reply.buttons[0][0].of.as_deref(), Some("trick"), "the press is checked against it");
    }
    let reply = bench.call("trick button /trick say hello").await.unwrap();
    assert_eq!(shown(&reply), ["/trick say hello", "/trick own"]);
}

#[tokio::test]
async fn a_post_has_no_other_buttons_either() {
    let bench = tricky("").await;
    bench.call("trick post console local psst").await.unwrap();
    let deeds = bench.memory.take_deeds();
    let [Deed::Posted(_, reply)] = deeds.as_slice() else { panic!("{deeds:?}") };
    assert_eq!((reply.text.as_str(), shown(reply)), ("psst", Vec::new()));
}
