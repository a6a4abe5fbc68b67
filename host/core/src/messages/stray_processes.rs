//! The message about processes that an agent left behind and that cannot be attributed.

use crate::types::SessionName;

pub(super) fn left(session: &SessionName, pids: &[i32]) -> String {
    let pids = pids.iter().map(i32::to_string).collect::<Vec<_>>();
    format!(
        "The agent of session '{session}' exited and left processes that can't be attributed to it: {}. They may belong to another agent, so they were not stopped. Inspect them with ps -fp {}, and stop them with kill {}.",
        pids.join(", "),
        pids.join(","),
        pids.join(" ")
    )
}
