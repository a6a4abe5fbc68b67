//! Executes an agent's program through `execve`. `std`'s `exec` isn't used, because it falls back to a shell for a file
//! that the kernel can't execute.

use std::{
    collections::BTreeMap,
    ffi::{CString, OsStr, c_char},
    io,
    os::unix::ffi::OsStrExt,
    ptr,
};

pub(super) struct PreparedExec {
    /// The arguments. The first one is the path of the program.
    args: Strings,
    env: Strings,
}

/// Strings with a null-terminated list of pointers to them.
struct Strings {
    pointers: Vec<*const c_char>,
    _owned: Vec<CString>,
}

#[expect(unsafe_code, reason = "pointers are neither `Send` nor `Sync`")]
// SAFETY: the pointers point into `_owned`, which is never changed.
unsafe impl Send for Strings {}
#[expect(unsafe_code, reason = "pointers are neither `Send` nor `Sync`")]
// SAFETY: as above.
unsafe impl Sync for Strings {}

impl PreparedExec {
    /// Copies the strings, so that [`exec`](Self::exec) doesn't have to allocate.
    ///
    /// # Errors
    /// A string contains a null byte.
    pub(super) fn new<'a>(
        program: &'a OsStr,
        args: impl IntoIterator<Item = &'a OsStr>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> io::Result<Self> {
        let args = std::iter::once(program).chain(args).map(|arg| CString::new(arg.as_bytes()));
        // A later variable replaces an earlier one with the same name.
        let env: BTreeMap<String, String> = env.into_iter().collect();
        let env = env.into_iter().map(|(name, value)| CString::new(format!("{name}={value}")));
        Ok(Self {
            args: Strings::new(args.collect::<Result<_, _>>()?),
            env: Strings::new(env.collect::<Result<_, _>>()?),
        })
    }

    /// Replaces this process with the program. Returns only if that fails. Neither allocates nor locks.
    #[expect(unsafe_code, reason = "there is no safe call that does not fall back to a shell")]
    pub(super) fn exec(&self) -> io::Error {
        let (args, env) = (&self.args.pointers, &self.env.pointers);
        // SAFETY: both lists end with null, and their strings live as long as `self`.
        unsafe { libc::execve(args[0], args.as_ptr(), env.as_ptr()) };
        io::Error::last_os_error()
    }
}

impl Strings {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { pointers, _owned: owned }
    }
}
