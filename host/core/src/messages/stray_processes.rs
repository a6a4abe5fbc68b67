//! The message about processes that an agent left behind and that cannot be attributed.

use crate::types::SessionName;

pub(super) fn left(session: &SessionName, pids: &[i32]) -> String {
    let pids = pids.iter().map(i32::to_string).collect::<Vec<_>>();
    format!(
        "The agent of session '{session}' ended, and processes are left that hide whose they are: {}. They may be another agent's, so they were not ended. Look at them with ps -fp {}, and end them with kill {}.",
        pids.join(", "),
        pids.join(","),
        pids.join(" ")
    )
}
