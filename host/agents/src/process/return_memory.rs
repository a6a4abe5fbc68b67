//! Returns this process's memory to the system: freed blocks, and code that is used only at startup.

/// Makes the allocator return blocks of 1 MiB and more to the system as soon as they are freed. By default, glibc
/// raises this threshold, up to 32 MiB, when large blocks are freed, and then keeps blocks below it in its arenas.
pub fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        const BLOCK: i32 = 1 << 20;
        #[expect(unsafe_code, reason = "a call into the C library")]
        // SAFETY: no pointers are passed, and the call sets a number under the allocator's own lock.
        let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, BLOCK) };
        if is_set != 1 {
            tracing::debug!("failed to make the allocator return freed memory");
        }
    }
}

/// Unmaps the pages of this program's code; those that run again are mapped again on demand. The kernel counts mapped
/// code as process memory and rarely reclaims it, and half of the code mapped during startup never runs again.
pub fn unmap_unused_code() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    for (start, length) in code_ranges(&maps, &program.to_string_lossy()) {
        #[expect(unsafe_code, reason = "unmapping pages is unsafe, because changed pages would lose their changes")]
        // SAFETY: nothing writes to the pages of the program's code, so the kernel maps the same content again.
        let unmapped = unsafe {
            rustix::mm::madvise(std::ptr::without_provenance_mut(start), length, rustix::mm::Advice::LinuxDontNeed)
        };
        if let Err(error) = unmapped {
            tracing::debug!(%error, "failed to unmap code that is used only at startup");
        }
    }
}

/// Returns the address and the length of each mapping of the program's file that is executable and not writable.
fn code_ranges(maps: &str, program: &str) -> Vec<(usize, usize)> {
    let range = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (range, rights) = (fields.next()?, fields.next()?);
        let path = line.find('/').map(|start| &line[start..])?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        (rights == "r-xp" && path == program).then_some((start, end - start))
    };
    maps.lines().filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_the_program_is_unmapped() {
        let maps = "55d0a0000000-55d0a05a0000 r--p 00000000 fe:00 42  /opt/my bin/cordboard\n\
                    55d0a05a1000-55d0a1480000 r-xp 005a0000 fe:00 42  /opt/my bin/cordboard\n\
                    55d0a1481000-55d0a1520000 rw-p 01480000 fe:00 42  /opt/my bin/cordboard\n\
                    7f0000000000-7f0000001000 r-xp 00000000 fe:00 43  /usr/lib/libc.so.6\n\
                    7f0000002000-7f0000003000 r-xp 00000000 00:00 0\n";
        assert_eq!(code_ranges(maps, "/opt/my bin/cordboard"), [(0x55d0_a05a_1000, 0xed_f000)]);
    }
}
