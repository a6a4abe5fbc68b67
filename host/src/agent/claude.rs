//! The claude stream-json protocol, as the CLI speaks it on its stdin and stdout; the demo agent speaks it too.

use cordboard_core::session::{Launch, Prompt};

use super::{Codec, Decoded};

/// The codec of one run.
pub(super) struct Claude {
    #[expect(dead_code, reason = "read by the codec")]
    instructions: String,
}

impl Claude {
    pub(super) fn new(launch: &Launch, _agent: &str) -> Self {
        Self { instructions: launch.instructions.clone() }
    }
}

impl Codec for Claude {
    fn open(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn prompt(&mut self, prompt: &Prompt) -> Vec<u8> {
        prompt.text.clone().into_bytes()
    }

    fn interrupt(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(&mut self, _line: &[u8]) -> Decoded {
        Decoded::default()
    }
}
