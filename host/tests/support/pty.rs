//! A pseudoterminal for programs that need a terminal: sends keys, and waits for output. It isn't the program's
//! controlling terminal, so closing it sends no signal.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    process::{Child, Command},
    sync::{Arc, Weak, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    ioctl::{Getter, Setter, ioctl},
    process::{Pid, Signal, kill_process},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// The time limit of each wait. Only a program that hangs reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// The interval at which the reading thread checks whether the terminal is closed.
const CLOSE_CHECK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// `TIOCSPTLCK` and `TIOCGPTN` from `asm/ioctls.h`: unlock a new terminal, and get its number.
const LOCK: u32 = 0x4004_5431;
const NUMBER: u32 = 0x8004_5430;

/// A terminal that runs a program, and the program's output.
pub struct Pty {
    /// The only strong reference that is held permanently, so dropping it closes the terminal.
    keys: Option<Arc<File>>,
    output: mpsc::Receiver<Vec<u8>>,
    shown: String,
    child: Child,
}

/// Creates a terminal. Returns the test's side and the program's side.
fn terminal() -> (File, File) {
    let ours = OpenOptions::new().read(true).write(true).open("/dev/ptmx").expect("a terminal can be created");
    #[expect(unsafe_code, reason = "there is no safe API for a terminal's number; requests and types are the kernel's")]
    let number: u32 = unsafe {
        ioctl(&ours, Setter::<LOCK, i32>::new(0)).expect("the terminal can be unlocked");
        ioctl(&ours, Getter::<NUMBER, u32>::new()).expect("the terminal has a number")
    };
    tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).expect("the size can be set");
    let flags = OFlags::NOCTTY.bits().cast_signed();
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(flags).open(format!("/dev/pts/{number}"));
    (ours, theirs.expect("the program's end can be opened"))
}

/// Forwards the output until the terminal is closed.
fn watch(ours: &Weak<File>, sender: &mpsc::Sender<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Some(ours) = ours.upgrade() {
        match poll(&mut [PollFd::new(&*ours, PollFlags::IN)], Some(&CLOSE_CHECK)) {
            Ok(0) => {}
            Ok(_) => {
                let Ok(read @ 1..) = (&*ours).read(&mut chunk) else { return };
                if sender.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

impl Pty {
    pub fn open(command: &mut Command) -> Self {
        let (ours, theirs) = terminal();
        let end = || theirs.try_clone().expect("the program's end can be shared");
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end()).spawn();
        let ours = Arc::new(ours);
        let (sender, output) = mpsc::channel();
        let watched = Arc::downgrade(&ours);
        thread::spawn(move || watch(&watched, &sender));
        Self { keys: Some(ours), output, shown: String::new(), child: child.expect("the program starts") }
    }

    pub fn press(&mut self, keys: &str) {
        let mut ours = self.keys.as_deref().expect("the terminal is open");
        ours.write_all(keys.as_bytes()).expect("the terminal accepts keys");
    }

    /// Waits until `text` appears in the output that follows the last wait's match. Returns this output up to and
    /// including `text`.
    #[track_caller]
    pub fn wait(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.shown.find(text) {
                return self.shown.drain(..at + text.len()).collect();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(chunk) = self.output.recv_timeout(left) else { panic!("no {text:?} in {:?}", self.shown) };
            self.shown.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Changes the size of the terminal, and tells the program.
    pub fn resize(&mut self, ws_col: u16, ws_row: u16) {
        let ours = self.keys.as_deref().expect("the terminal is open");
        tcsetwinsize(ours, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }).expect("the size can be set");
        self.signal(Signal::WINCH);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("the program has a pid");
        kill_process(pid, signal).expect("the program runs");
    }

    /// Waits until the program has exited with success. Asserts that the terminal echoes keys again.
    pub fn ended_and_restored(mut self) {
        assert!(self.child.wait().expect("the program can be waited for").success());
        let ours = self.keys.as_deref().expect("the terminal is open");
        let modes = tcgetattr(ours).expect("the terminal has modes").local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON), "{modes:?}");
        self.wait("\u{1b}[?1049l");
    }

    /// Closes the terminal.
    pub fn leave(&mut self) {
        self.keys = None;
    }

    pub fn ended(mut self) {
        assert!(self.child.wait().expect("the program can be waited for").success());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // The program may have exited already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
