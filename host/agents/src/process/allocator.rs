//! Configures the memory allocator of this process.

/// Makes the allocator return blocks of 1 MiB and more to the system as soon as they are freed. By default, glibc
/// raises this limit to up to 32 MiB when large blocks are freed, and then keeps such blocks in its arenas.
pub fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        const BLOCK: i32 = 1 << 20;
        #[expect(unsafe_code, reason = "a call into the C library")]
        // SAFETY: the call takes no pointers, and sets a number under the allocator's own lock.
        let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, BLOCK) };
        if is_set != 1 {
            tracing::debug!("failed to make the allocator return freed memory");
        }
    }
}
