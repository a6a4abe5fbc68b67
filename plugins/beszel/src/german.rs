//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Only the first {} are shown.", "Nur die ersten {} werden angezeigt."),
        ("Show the load of the machines", "Die Auslastung der Maschinen anzeigen"),
        ("disk {}", "Platte {}"),
        ("down", "ausgefallen"),
        ("has been {status} for {span}", "ist seit {span} {status}"),
        ("is {status}", "ist {status}"),
        ("memory {}", "RAM {}"),
        ("paused", "pausiert"),
        ("pending", "ausstehend"),
        ("up {}", "läuft seit {}"),
        ("{all}, none down.", "{all}, keines ausgefallen."),
        ("{all}, {down} down:", "{all}, {down} ausgefallen:"),
        ("{n} failed service", "{n} ausgefallener Dienst"),
        ("{n} failed services", "{n} ausgefallene Dienste"),
        ("{n} system", "{n} System"),
        ("{n} systems", "{n} Systeme"),
        (
            "{user} can't see any systems: add the user to the systems in Beszel, or set SHARE_ALL_SYSTEMS.",
            "{user} sieht keine Systeme: Füge den Benutzer in Beszel zu den Systemen hinzu oder setze \
             SHARE_ALL_SYSTEMS.",
        ),
    ],
};
