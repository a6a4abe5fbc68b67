//! A board at a terminal, whose other end is ours.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Weak},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    ioctl::{Getter, Setter, ioctl},
    termios::{Winsize, tcsetwinsize},
};

use super::{Home, LIMIT, transcript::Transcript, until};

pub struct Terminal {
    child: Child,
    /// The only lasting one, so that to drop it is to leave. None once nobody sits there.
    keys: Option<Arc<File>>,
    screen: Transcript,
}

/// Reads as long as somebody sits there.
struct Eyes(Weak<File>);

/// How long a terminal that was left may still be held open.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

impl Read for Eyes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(ours) = self.0.upgrade() else { return Ok(0) };
            if poll(&mut [PollFd::new(&*ours, PollFlags::IN)], Some(&LOOK))? > 0 {
                return (&*ours).read(buffer);
            }
        }
    }
}

/// `TIOCSPTLCK` and `TIOCGPTN` of <linux/tty.h>: each terminal is made locked, and has a number.
const LOCK: u32 = 0x4004_5431;
const NUMBER: u32 = 0x8004_5430;

/// Both ends: ours, and the one that a program sits at.
fn open() -> (File, File) {
    let ours = OpenOptions::new().read(true).write(true).open("/dev/ptmx").unwrap();
    #[expect(
        unsafe_code,
        reason = "nothing else gives the number of a terminal; both numbers and both types are the kernel's"
    )]
    let number: u32 = unsafe {
        ioctl(&ours, Setter::<LOCK, i32>::new(0)).unwrap();
        ioctl(&ours, Getter::<NUMBER, u32>::new()).unwrap()
    };
    let no_job = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
    let path = format!("/dev/pts/{number}");
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(no_job).open(path).unwrap();
    tcsetwinsize(&ours, Winsize { ws_row: 40, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (ours, theirs)
}

impl Terminal {
    pub fn start(home: &Home) -> Self {
        let (ours, theirs) = open();
        let child = Command::new(env!("CARGO_BIN_EXE_cordboard"))
            .args(["run", "--chat", "console"])
            .args(home.arguments())
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs)
            .spawn()
            .unwrap();
        let ours = Arc::new(ours);
        let screen = Transcript::of(Eyes(Arc::downgrade(&ours)));
        Self { child, keys: Some(ours), screen }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.as_deref().expect("somebody sits there").write_all(keys.as_bytes()).unwrap();
    }

    /// Closes the window.
    pub fn leave(&mut self) {
        self.keys = None;
    }

    /// Reads on to the end of this text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let found = |unread: &str| unread.find(text).map(|at| at + text.len());
        if let Err(unread) = self.screen.take(found, LIMIT) {
            panic!("{text:?} was awaited, and this came: {unread:?}");
        }
    }

    pub fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the host ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<ExitStatus> = self.child.wait();
    }
}
