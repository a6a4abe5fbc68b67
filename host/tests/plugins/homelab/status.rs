//! `/status` against hosts that are well, ill, silent and not there.

use super::{Lab, stand_in::StandIn};

#[tokio::test]
async fn each_host_is_shown_with_the_worst_first() {
    let well = StandIn::saying(200, "all is fine").await;
    let login = StandIn::saying(401, "").await;
    let ill = StandIn::saying(503, "").await;
    let silent = StandIn::start(|_| None).await;
    let closed = StandIn::closed();
    let other = StandIn::saying(200, "").await;
    let table = format!(
        "[plugins.status]\nhttp = [\"{0}/*\", \"{1}/*\", \"{2}/*\", \"{3}/*\", \"{4}/*\"]\n[plugins.status.config]\nwait = \"1s\"\n\
         [plugins.status.config.hosts]\nnas = \"{0}/health\"\npve = \"{1}\"\ngit = \"{2}\"\ncam = \"{3}\"\nlab = \"{4}\"\ntv = \"{5}\"\n\
         dns = {{ url = \"{0}\", contains = \"ready\" }}\nweb = {{ url = \"{1}\", expect = 401 }}\n",
        well.url, login.url, ill.url, silent.url, closed, other.url
    );
    let lab = Lab::new("status", &table).await;
    let told = lab.read("status").await;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "3 of 8 hosts well:", "{told}");
    assert_eq!(lines[1], "🔴 cam does not answer: nothing came within 1.0 s");
    assert!(lines[2].starts_with("🔴 lab does not answer: failed to connect to 127.0.0.1:"), "{told}");
    assert_eq!(lines[3], "🟡 dns answers 200 without ready");
    assert_eq!(lines[4], "🟡 git answers 503");
    let asks = format!(
        "⚪ tv was not asked: GET {}/ was not granted; add to the configuration: [plugins.status] http = [",
        other.url
    );
    assert!(lines[5].starts_with(&asks) && lines[5].ends_with(&format!("\"{}/\"]", other.url)), "{told}");
    assert_eq!(lines[6..], ["🟢 nas answers 200", "🟢 pve answers, and asks for a login (401)", "🟢 web answers 401"]);
    assert_eq!(well.lines(), ["GET /", "GET /health"]);
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn when_all_is_well_that_is_said() {
    let well = StandIn::saying(204, "").await;
    let lab = Lab::new(
        "status",
        &format!("[plugins.status]\nhttp = [\"{0}/*\"]\n[plugins.status.config.hosts]\nnas = \"{0}\"\n", well.url),
    )
    .await;
    assert_eq!(lab.read("status").await, "1 host, all well.\n🟢 nas answers 204");
    assert_eq!(lab.bench.call("status").await.unwrap().buttons[0][0].command, "/status");
}
