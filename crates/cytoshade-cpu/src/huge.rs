//! Huge pages for what is as large as a plane.
//!
//! Memory that is new comes in pages of 4 KiB, each when it is first touched, by way of the kernel. That takes longer than
//! what most stages compute; in pages of 2 MiB it is hardly seen. Linux must be asked for them where it is set so, as it
//! mostly is; numpy asks too.

/// Memory smaller than this is left alone: what has been in use before is taken for it again, with its pages.
#[cfg(all(target_os = "linux", not(miri)))]
const LARGE: usize = 4 << 20;

/// Asks for huge pages for memory that nothing has touched yet. Nothing hangs on the answer.
#[cfg(all(target_os = "linux", not(miri)))]
#[allow(unsafe_code)]
pub(crate) fn advise<T>(memory: &mut [T]) {
    use rustix::mm::{Advice, madvise};

    const PAGE: usize = 2 << 20;
    let (bytes, start) = (size_of_val(memory), memory.as_mut_ptr());
    if bytes < LARGE {
        return;
    }
    // Whole huge pages alone: what lies beside them may be others' memory.
    let before = start.addr().next_multiple_of(PAGE) - start.addr();
    let length = bytes.saturating_sub(before) / PAGE * PAGE;
    // SAFETY: the range lies within `memory`, and this advice changes neither what is in it nor who may use it.
    let _ = unsafe { madvise(start.wrapping_byte_add(before).cast(), length, Advice::LinuxHugepage) };
}

/// Nothing, where there is nobody to ask.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) fn advise<T>(_: &mut [T]) {}
