//! Tests the findings of `cordboard check`.

use std::{fs, os::unix::fs::PermissionsExt};

use super::host::{Home, QUICK};

#[test]
fn check_names_a_policy_that_no_plugin_offers() {
    let home = Home::new("[plugins]\nlifecycle = \"none\"\n");
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("plugin         missing  none\n"), "{}", ended.out);
    assert!(ended.err.contains("lifecycle = \"none\": no plugin of that name exports lifecycle"), "{}", ended.err);
}

#[test]
fn check_confirms_a_valid_setup() {
    let home = Home::new(QUICK);
    let ended = home.ask("check", &[]);
    let config = home.path("config.toml").display().to_string();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.starts_with(&format!("configuration  ok  {config}\nagent          ")), "{}", ended.out);
    assert!(
        ended.out.contains("agent          ok  demo\nplugin         ok  access\nplugin         ok  approval\n"),
        "{}",
        ended.out
    );
}

#[test]
fn check_reads_each_secret_and_shows_none() {
    let home = Home::new("");
    let places = ["good", "open", "none"].map(|name| home.path(name).display().to_string());
    for (place, mode) in places.iter().zip([0o600, 0o644]) {
        fs::write(place, "swordfish\n").unwrap();
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    }
    let [good, open, none] = &places;
    let of_systemd = "of-systemd = { credential = \"x\" }";
    home.configure(&format!("[secrets]\ngood = {good:?}\nopen = {open:?}\nnone = {none:?}\n{of_systemd}\n"));
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    for line in ["ok  good", "invalid  none", "unknown  of-systemd", "invalid  open"] {
        assert!(ended.out.contains(&format!("\nsecret         {line}\n")), "{line}: {}", ended.out);
    }
    assert_eq!(
        ended.err,
        format!(
            "cordboard: [secrets] none: failed to read {none}: No such file or directory (os error 2)\n\
             [secrets] open: failed to read {open}: other users can read it (mode 644): run chmod 600\n"
        )
    );
    home.configure(&format!("[secrets]\ngood = {good:?}\n{of_systemd}\n"));
    let ended = home.ask("check", &[]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(!ended.out.contains("swordfish"), "{}", ended.out);
}

#[test]
fn check_shows_no_secret_within_another_text() {
    let home = Home::new("");
    let (good, none) = (home.path("good"), home.path("swordfish"));
    fs::write(&good, "swordfish\n").unwrap();
    fs::set_permissions(&good, fs::Permissions::from_mode(0o600)).unwrap();
    let agent = "[agents.swordfish]\nkind = \"claude\"\ncommand = \"/nowhere\"\n";
    home.configure(&format!("[secrets]\ngood = {good:?}\nnone = {none:?}\n{agent}"));
    let ended = home.ask("check", &[]);
    assert!(ended.out.contains("agent          missing  (secret good)\n"), "{}", ended.out);
    assert!(ended.err.contains("/(secret good): No such file"), "{}", ended.err);
}

#[test]
fn check_names_a_missing_default_agent() {
    let default = "[agents]\ndefault = \"mine\"\n[agents.mine]\nkind = \"claude\"\ncommand = \"/nowhere/mine\"\n";
    let ended = Home::new(default).ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("agent          ok  demo\nagent          missing  mine\n"), "{}", ended.out);
    assert_eq!(
        ended.err,
        "cordboard: [agents] default = \"mine\": failed to start '/nowhere/mine': the file does not exist; set the program's full \
         path in `command`\n"
    );
}

#[test]
fn check_names_a_rejected_plugin_and_the_reason() {
    let home = Home::new("");
    fs::write(home.path("plugins/note.wasm"), "not wasm").unwrap();
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("plugin         rejected  note\n"), "{}", ended.out);
    assert_eq!(
        ended.err,
        "cordboard: plugin 'note': it is not a WebAssembly component: it is a text file; copy the built component itself\n"
    );
}

#[test]
fn check_runs_a_plugin_with_its_configuration() {
    let home = Home::new("[plugins.persona.config.personas.x]\ninstructions = 3\n");
    let ended = home.ask("check", &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    let file = home.path("config.toml").display().to_string();
    let why = format!(
        "cordboard: plugin 'persona': it failed its trial: it returned an error: personas.x.instructions: invalid type: integer `3`, \
         expected a string; correct [plugins.persona.config] in {file}\n"
    );
    assert_eq!(ended.err, why);
    // With this invalid table, the host still starts and logs the same error.
    let mut host = home.run();
    host.log("personas.x.instructions: invalid type: integer `3`, expected a string; correct [plugins.persona.config]");
    assert_eq!(host.end().code, Some(0));
}
