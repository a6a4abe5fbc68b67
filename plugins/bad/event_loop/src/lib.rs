//! For tests: reacts to events with actions that cause the same events. If the host delivered events to the plugin that
//! caused them, this plugin would loop forever.

use cordboard_plugin::{
    Hook,
    hook::{Event, kind},
    log, session_control,
};

struct EventLoop;

impl Hook for EventLoop {
    fn on_event(event: Event) {
        let Some(session) = event.session else { return log::info(&format!("heard {}", event.kind)) };
        log::info(&format!("heard {} of {}", event.kind, session.name));
        assert!(session.name != "trap", "the hook panicked");
        while std::hint::black_box(session.name == "spin") {
            std::hint::spin_loop();
        }
        let done = match event.kind.as_str() {
            kind::TURN_FINISHED => session_control::send(&session.name, "once more"),
            kind::SUSPENDED => session_control::start(&session.name).map(drop),
            _ => Ok(()),
        };
        if let Err(error) = done {
            log::warn(&error.message);
        }
    }
}

cordboard_plugin::export!(EventLoop: hook);
