//! Builds the body of a request with the `multipart/form-data` type.

/// A boundary that no audio file contains by chance.
const BOUNDARY: &str = "----cordboard-transcribe-7f3a9c51d2e84b60";

pub struct Form(Vec<u8>);

impl Form {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn text(&mut self, field: &str, value: &str) {
        self.part(&format!("name=\"{field}\""), "text/plain; charset=utf-8", value.as_bytes());
    }

    /// Adds a file. `name` needs no escaping: the host chose it, and it contains only letters, digits and `.-_`.
    pub fn file(&mut self, field: &str, name: &str, content: &[u8]) {
        self.part(&format!("name=\"{field}\"; filename=\"{name}\""), "application/octet-stream", content);
    }

    fn part(&mut self, disposition: &str, content_type: &str, content: &[u8]) {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
        );
        self.0.extend(head.as_bytes());
        self.0.extend(content);
        self.0.extend(b"\r\n");
    }

    /// Returns the type of the body, for the header `content-type`, and the body.
    pub fn finish(mut self) -> (String, Vec<u8>) {
        self.0.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={BOUNDARY}"), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_a_part_per_field() {
        let mut form = Form::new();
        form.file("file", "voice-1.ogg", b"OggS\0");
        form.text("model", "whisper-1");
        let (content_type, body) = form.finish();
        assert_eq!(content_type, format!("multipart/form-data; boundary={BOUNDARY}"));
        let expected = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"voice-1.ogg\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nOggS\0\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nwhisper-1\r\n--{BOUNDARY}--\r\n"
        );
        assert_eq!(String::from_utf8(body).expect("text"), expected);
    }
}
