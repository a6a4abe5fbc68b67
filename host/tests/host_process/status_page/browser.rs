//! Tests the status page in headless Chromium, on a phone and on a desktop, in light and dark. Without a browser, these
//! tests report that they were skipped, and pass.

use super::{
    super::support::{Home, Host},
    LISTEN,
    chromium::{Chromium, Screen},
    status_client,
};

const SCREENS: [Screen; 2] =
    [Screen { width: 390, height: 844, is_mobile: true }, Screen { width: 1280, height: 800, is_mobile: false }];

/// The brightness of the page's background, from 0 to 255.
const BRIGHTNESS: &str = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))";

/// The number of pixels by which the page is wider than the screen.
const OVERFLOW: &str = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

fn has_text(id: &str, text: &str) -> String {
    format!("document.getElementById({id:?}).innerText.includes({text:?})")
}

/// Checks that the page has logged no error and sent no request to another origin.
#[track_caller]
fn check_console_and_network(browser: &Chromium, origin: &str) {
    let errors: Vec<_> = browser.events("Log.entryAdded").filter(|event| event["entry"]["level"] == "error").collect();
    let calls: Vec<_> = browser.events("Runtime.consoleAPICalled").collect();
    let thrown: Vec<_> = browser.events("Runtime.exceptionThrown").collect();
    assert!(errors.is_empty() && calls.is_empty() && thrown.is_empty(), "{errors:?} {calls:?} {thrown:?}");
    let urls = browser.events("Network.requestWillBeSent").map(|event| event["request"]["url"].as_str().unwrap());
    let urls: Vec<&str> = urls.filter(|url| *url != "about:blank").collect();
    assert!(urls.iter().any(|url| url.ends_with("/status.js")), "{urls:?}");
    let foreign: Vec<_> = urls.into_iter().filter(|url| !url.starts_with(origin)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// Creates a session whose title and name are long, and an open request.
fn prepare(host: &mut Host<'_>) {
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello <b>there</b>", "You said: hello <b>there</b>");
    host.say(&format!("run echo {}", "x".repeat(200)));
    host.expect("/answer #1 why\n");
}

#[test]
fn the_page_fits_each_screen_in_light_and_dark() {
    let Some(mut browser) = Chromium::start() else { return };
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    prepare(&mut host);
    let origin = format!("http://{}/", client.address);
    for screen in SCREENS {
        for scheme in ["light", "dark"] {
            browser.resize(screen);
            browser.prefer_color_scheme(scheme);
            for path in ["", "sessions/a"] {
                browser.navigate(&format!("{origin}{path}"));
                browser.until("document.getElementById('connection')?.textContent === 'Live'");
                browser.until(&has_text("requests", "xxxx"));
                match path {
                    "" => browser.until("document.querySelectorAll('#plugins tbody tr').length > 10"),
                    _ => browser.until(&has_text("session", "You said: hello <b>there</b>")),
                }
                assert_eq!(browser.evaluate(OVERFLOW), 0, "{screen:?} {path}");
                let brightness = browser.evaluate(BRIGHTNESS).as_u64().unwrap();
                assert_eq!(brightness > 200, scheme == "light", "{scheme}: {brightness}");
                assert_eq!(brightness < 60, scheme == "dark", "{scheme}: {brightness}");
                browser.save_screenshot(&format!("{}-{scheme}{}", screen.width, path.replace('/', "-")));
            }
        }
    }
    assert_eq!(browser.evaluate("document.querySelectorAll('#session b').length"), 0, "a text became an element");
    check_console_and_network(&browser, &origin);
}

#[test]
fn the_page_is_updated_without_a_reload() {
    let Some(mut browser) = Chromium::start() else { return };
    let home = Home::with(LISTEN);
    home.plug("echo", "echo");
    let mut host = home.start();
    let client = status_client(&mut host);
    let origin = format!("http://{}/", client.address);
    browser.resize(SCREENS[1]);
    browser.navigate(&origin);
    browser.until(&has_text("sessions", "No sessions."));
    browser.evaluate("window.isSamePage = true");
    prepare(&mut host);
    browser.until("document.querySelector('#sessions tbody a')?.textContent === 'a'");
    browser.until(&has_text("requests", "#1"));
    host.say("/deny");
    browser.until(&has_text("requests", "No open requests."));
    browser.until(&has_text("sessions", "idle"));
    // The idle clock advances although the state doesn't change.
    let clock = "document.querySelector('#sessions .clock').textContent";
    let before = browser.evaluate(clock);
    browser.until(&format!("{clock} !== {before}"));
    home.plug("echo", "echo_v2");
    let rows = "[...document.querySelectorAll('#plugins tbody tr')]";
    browser.until(&format!("{rows}.some(row => row.innerText.match(/echo[^]* · 2/))"));
    browser.evaluate("document.querySelector('#plugins details summary').click()");
    browser.until(&has_text("plugins", "was activated"));
    assert_eq!(browser.evaluate("window.isSamePage"), true);
    check_console_and_network(&browser, &origin);
}
