//! For tests: renders answers in capitals in the `normal` mode, so that tests see when this view replaces another one
//! in the middle of an answer. `render` never returns for a text that contains `never`.

use std::hint::black_box;

use cordboard_plugin::{
    Reply, View,
    view::{Limits, Part, Summary, Turn, TurnFrame},
};

struct UppercaseView;

impl View for UppercaseView {
    fn modes() -> Result<Vec<Summary>, String> {
        Ok(vec![Summary { name: "normal".to_owned(), description: "The answer in capitals".to_owned() }])
    }

    fn render(_mode: &str, turn: Turn, _limits: Limits) -> Result<TurnFrame, String> {
        let texts = turn.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.to_uppercase()),
            Part::Action(_) => None,
        });
        let text = texts.collect::<Vec<_>>().join("\n\n");
        while black_box(text.contains("NEVER")) {}
        let message = (!text.is_empty()).then(|| Reply::text(text));
        Ok(TurnFrame { live: None, messages: message.into_iter().collect() })
    }
}

cordboard_plugin::export!(UppercaseView: view);
