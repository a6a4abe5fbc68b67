//! Reads a program's output on a separate thread.

use std::{
    io::Read,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

pub struct Transcript(Arc<(Mutex<Text>, Condvar)>);

#[derive(Default)]
struct Text {
    whole: String,
    /// The number of bytes that earlier waits have consumed.
    read: usize,
    ended: bool,
}

impl Transcript {
    pub fn of(mut source: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Text::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || {
            let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
            loop {
                let count = source.read(&mut chunk).unwrap_or(0);
                kept.extend_from_slice(&chunk[..count]);
                // Append only complete lines, so that no multi-byte character is split.
                let whole =
                    if count == 0 { kept.len() } else { kept.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1) };
                let mut text = writer.0.lock().unwrap();
                text.whole.push_str(&String::from_utf8_lossy(&kept[..whole]));
                text.ended = count == 0;
                drop(text);
                writer.1.notify_all();
                kept.drain(..whole);
                if count == 0 {
                    return;
                }
            }
        });
        Self(shared)
    }

    /// Waits until `enough` returns a length for the unread output, and consumes that many bytes. If the output ends or
    /// `patience` runs out first, returns the unread output as an error.
    pub fn take(&self, enough: impl Fn(&str) -> Option<usize>, patience: Duration) -> Result<String, String> {
        let found = |text: &Text| enough(&text.whole[text.read..]);
        let waiting = |text: &mut Text| found(text).is_none() && !text.ended;
        let (mut text, _) = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), patience, waiting).unwrap();
        let from = text.read;
        match found(&text) {
            Some(length) => {
                // The length may end inside a character if the output differs from the expected text.
                let end = (from + length..).find(|&at| text.whole.is_char_boundary(at)).unwrap();
                text.read = end;
                Ok(text.whole[from..end].to_owned())
            }
            None => Err(text.whole[from..].to_owned()),
        }
    }

    pub fn whole(&self) -> String {
        self.0.0.lock().unwrap().whole.clone()
    }

    /// Waits for the output to end, and returns the unread part.
    pub fn rest(&self) -> String {
        let text = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), super::LIMIT, |text| !text.ended).unwrap().0;
        assert!(text.ended, "a process still holds the output open");
        text.whole[text.read..].to_owned()
    }
}
