//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Show the state of the hosts", "Den Zustand der Hosts anzeigen"),
        ("answers {status}", "antwortet mit {status}"),
        ("answers {status} instead of {expected}", "antwortet mit {status} statt {expected}"),
        ("answers {status}, but the body lacks {text}", "antwortet mit {status}, aber im Inhalt fehlt {text}"),
        ("answers, but requires a login ({status})", "antwortet, verlangt aber eine Anmeldung ({status})"),
        ("does not answer: {}", "antwortet nicht: {}"),
        ("no response within {}", "keine Antwort innerhalb von {}"),
        ("was not queried: {}", "wurde nicht abgefragt: {}"),
        ("{good} of {n} host ok:", "{good} von {n} Host in Ordnung:"),
        ("{good} of {n} hosts ok:", "{good} von {n} Hosts in Ordnung:"),
        ("{n} host, all ok.", "{n} Host, alles in Ordnung."),
        ("{n} hosts, all ok.", "{n} Hosts, alle in Ordnung."),
    ],
};
