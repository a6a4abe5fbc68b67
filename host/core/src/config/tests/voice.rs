//! Tests `[voice]`.

use std::time::Duration;

use expect_test::expect;

use super::{
    super::{Area, diff, load},
    assert_refused,
};

#[test]
fn the_program_and_its_time_are_read() {
    let text = "[voice]\ncommand = [\"whisper-cli\", \"-f\", \"{file}\"]\ntimeout = \"1h\"\n";
    let config = load(text).expect("a valid text");
    let command = config.voice.command.as_ref().expect("a command");
    assert_eq!((command.program.as_str(), config.voice.timeout), ("whisper-cli", Duration::from_secs(3600)));
    let defaults = load("").expect("the defaults");
    assert_eq!((defaults.voice.command.as_ref(), defaults.voice.timeout), (None, Duration::from_secs(120)));
    assert_eq!(diff(&defaults, &config).areas.into_iter().collect::<Vec<_>>(), [Area::Voice]);
}

#[test]
fn a_command_without_a_program_is_refused() {
    assert_refused(
        "[voice]\ncommand = []\n",
        expect![[r#"
            line 2, column 11: 'command' in [voice] must begin with a program, as in ["whisper-cli", "-f", "{file}"]; delete the line to turn the transcription off
            2 | command = []
              |           ^^
        "#]],
    );
    assert_refused(
        "[voice]\ncommand = [\" \", \"-f\"]\n",
        expect![[r#"
            line 2, column 11: 'command' in [voice] must begin with a program, as in ["whisper-cli", "-f", "{file}"]; delete the line to turn the transcription off
            2 | command = [" ", "-f"]
              |           ^^^^^^^^^^^
        "#]],
    );
    assert_refused(
        "[voice]\ncommand = [\"whisper-cli\", 4]\n",
        expect![[r#"
            line 2, column 27: an item of 'command' in [voice] must be text in quotes, not the number 4
            2 | command = ["whisper-cli", 4]
              |                           ^
        "#]],
    );
    assert_refused(
        "[voice]\ncommand = \"whisper-cli\"\n",
        expect![[r#"
            line 2, column 11: 'command' in [voice] must be a list, such as ["a", "b"], not "whisper-cli"
            2 | command = "whisper-cli"
              |           ^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_relative_path_of_the_program_is_refused() {
    assert_refused(
        "[voice]\ncommand = [\"~/bin/whisper\"]\n",
        expect![[r#"
            line 2, column 11: 'command' in [voice] must begin with an absolute path or the name of a program in PATH, not "~/bin/whisper"
            2 | command = ["~/bin/whisper"]
              |           ^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_time_out_of_range_is_refused() {
    for time in ["0s", "2h"] {
        let error = load(&format!("[voice]\ntimeout = \"{time}\"\n")).expect_err(time).to_string();
        assert!(error.contains(&format!("'timeout' in [voice] must be from 1s to 1h, not \"{time}\"")), "{error}");
    }
}
