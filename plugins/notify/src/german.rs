//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("**{name}** failed after {time}{cost}: {why}", "**{name}** ist fehlgeschlagen (Dauer: {time}{cost}): {why}"),
        ("**{name}** has finished after {time}{cost}.", "**{name}** ist fertig (Dauer: {time}{cost})."),
        ("**{name}** needs you: {why}", "**{name}** braucht dich: {why}"),
        (", for {}", ", Kosten: {}"),
        ("Off", "Aus"),
        ("Post here when a long turn ends elsewhere", "Hier melden, wenn anderswo eine lange Antwort fertig ist"),
        ("Report here", "Hier melden"),
        ("Reports are off.", "Meldungen sind aus."),
        ("Reports are posted here.", "Meldungen kommen hier an."),
        ("Reports are posted in another chat.", "Meldungen kommen in einem anderen Chat an."),
        (
            "Turns of at least {long} that end elsewhere are reported here.",
            "Lange Antworten anderswo werden hier gemeldet (ab: {long}).",
        ),
        ("Use /retry {} to try again.", "Mit /retry {} versuchst du es noch einmal."),
        ("Use /session {} to switch to it.", "Mit /session {} wechselst du dorthin."),
    ],
};
