//! The program's memory allocator, and when it gives memory back to the system.
//!
//! `docs/adr/0001-allocator.md` has the measurements.

use libmimalloc_sys::{mi_option_set_default, mi_option_t};
pub use mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3, for which the bindings have no name.
const PURGE_DELAY: mi_option_t = 15;

/// How long freed memory is kept for what is allocated next; a second if nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// 300 ms: a heavy delivery's peak is a sixth lower than with a second, and its speed a fourteenth. For what runs for long.
    Short,
    /// 10 s: an import takes a twelfth less time than with a second, and an eighth more memory. For what is busy until it ends.
    Long,
}

impl Keep {
    fn millis(self) -> i64 {
        match self {
            Self::Short => 300,
            Self::Long => 10_000,
        }
    }
}

/// Says how long freed memory is kept. To be called before there are threads. `MIMALLOC_PURGE_DELAY` in the environment wins.
#[allow(unsafe_code)]
pub fn keep_freed(keep: Keep) {
    // SAFETY: it writes a number into mimalloc's table of options, whose bounds it checks, and which other threads only read.
    unsafe { mi_option_set_default(PURGE_DELAY, keep.millis()) }
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code)]

    use super::*;

    #[global_allocator]
    static ALLOCATOR: MiMalloc = MiMalloc;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: it reads a number.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "mimalloc's own default");
        keep_freed(Keep::Short);
        assert_eq!(delay(), Keep::Short.millis());
    }
}
