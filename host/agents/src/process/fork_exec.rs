//! Creates an agent's process with `clone3`, which can create it directly in a cgroup. `std` can't do this: the new
//! process would have to move itself into the cgroup, and the kernel would make it wait about 10 ms.

use std::{
    ffi::CStr,
    io::{self, Read as _, Write as _},
    mem::{size_of, zeroed},
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
    ptr,
};

use rustix::process::{Pid, WaitOptions, waitpid};

use super::{cgroup_limits::OR_REMOVE, env_tag::RlimitTag, prepared_exec::PreparedExec};

/// From `linux/sched.h`. The type of libc's constant is too narrow.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// The settings to apply to a new process before it executes its program.
pub(super) struct ProcessSetup<'a> {
    pub folder: &'a CStr,
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub tag: RlimitTag,
    /// The folder of the cgroup to create the process in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Whether to fail if the process can't be created in the cgroup.
    pub requires_cgroup: bool,
}

/// Starts a program in its own session and process group. Blocks until the program is running or has failed to start.
///
/// # Errors
/// The process can't be created or set up, or the program can't be executed.
pub(super) fn fork_exec(image: &PreparedExec, setup: &ProcessSetup<'_>) -> io::Result<Pid> {
    // A successful exec closes the writer.
    let (mut failure, mut reporter) = io::pipe()?;
    let Some(pid) = fork(setup)? else {
        let error = become_program(image, setup);
        reporter.write_all(&error.raw_os_error().unwrap_or(libc::EIO).to_ne_bytes()).ok();
        exit()
    };
    drop(reporter);
    let mut code = [0; 4];
    if failure.read_exact(&mut code).is_err() {
        return Ok(pid);
    }
    waitpid(Some(pid), WaitOptions::empty())?;
    Err(io::Error::from_raw_os_error(i32::from_ne_bytes(code)))
}

/// Creates a process. Returns `None` in the new process, which must neither allocate nor lock, because another thread
/// of this process may have held a lock at that moment.
#[expect(unsafe_code, reason = "creating a process is unsafe, because only this thread exists in it")]
fn fork(setup: &ProcessSetup<'_>) -> io::Result<Option<Pid>> {
    if let Some(cgroup) = setup.cgroup {
        // SAFETY: an all-zero `clone_args` is valid.
        let mut args: libc::clone_args = unsafe { zeroed() };
        args.flags = CLONE_INTO_CGROUP;
        args.exit_signal = libc::SIGCHLD.unsigned_abs().into();
        args.cgroup = u64::from(cgroup.as_raw_fd().unsigned_abs());
        // SAFETY: without `CLONE_VM`, the new process gets its own copy of the memory, and the caller of this function
        // follows the rule above.
        let created = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) };
        if let Ok(created) = i32::try_from(created)
            && created >= 0
        {
            return Ok(Pid::from_raw(created));
        }
        let error = io::Error::last_os_error();
        if setup.requires_cgroup {
            return Err(io::Error::other(format!(
                "the kernel can't create the process in a cgroup, which its limits require ({error}); {OR_REMOVE}"
            )));
        }
        tracing::debug!(%error, "no cgroup for an agent: relying on its tags");
    }
    // SAFETY: the caller follows the rule above.
    match unsafe { libc::fork() } {
        ..0 => Err(io::Error::last_os_error()),
        created => Ok(Pid::from_raw(created)),
    }
}

/// Ends this process without running the host's exit handlers.
#[expect(unsafe_code, reason = "std has no call that skips exit handlers")]
fn exit() -> ! {
    // SAFETY: the call accesses no memory.
    unsafe { libc::_exit(1) }
}

/// Sets up this process and executes the program. Returns only if that fails. Neither allocates nor locks.
///
/// The new session has no terminal. Otherwise, the agent could type commands into the host's terminal, and a command
/// that reads from that terminal would stop the whole agent.
fn become_program(image: &PreparedExec, setup: &ProcessSetup<'_>) -> io::Error {
    let prepare = || {
        rustix::stdio::dup2_stdin(&setup.stdin)?;
        rustix::stdio::dup2_stdout(&setup.stdout)?;
        rustix::stdio::dup2_stderr(&setup.stderr)?;
        rustix::process::chdir(setup.folder)?;
        rustix::process::setsid()
    };
    if let Err(error) = prepare() {
        return error.into();
    }
    // Ignore an error: the environment or the cgroup alone identifies the agent.
    setup.tag.set().ok();
    reset_signals();
    image.exec()
}

/// The number of signals, and the size of a signal set in bytes, on all supported processors.
const SIGNALS: i32 = 64;
const SIGNAL_SET: usize = 8;

/// Unblocks all signals and restores the default actions of ignored ones, because the program would inherit both. `std`
/// ignores SIGPIPE in the host, and `nohup` or a script that starts the host in the background makes it ignore other
/// signals. An agent that ignores SIGINT can't be interrupted.
#[expect(unsafe_code, reason = "neither std nor rustix sets signal handlers and masks")]
fn reset_signals() {
    // The kernel's `sigaction` with the default action. It is called directly, because the C library's function may wait
    // for a lock, and refuses the signals that the library uses itself.
    let default = [0_u64; 4];
    // SAFETY: the set is initialized by `sigemptyset`, the kernel reads at most 32 bytes from `default`, and the calls
    // change only this process.
    unsafe {
        let mut none: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        for signal in 1..=SIGNALS {
            // Ignore an error: SIGKILL and SIGSTOP always have their default actions.
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, ptr::null_mut::<u64>(), SIGNAL_SET);
        }
    }
}
