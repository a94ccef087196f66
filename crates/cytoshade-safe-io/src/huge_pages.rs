//! Memory in large pages.

/// Asks the system to back an array, not yet written, by pages of 2 MiB where it supports that: Linux, if the administrator
/// allows it.
///
/// An array of 32 MiB has 8,192 pages of 4 KiB. Each is cleared at its first access by the kernel, which takes longer than
/// to read an image into them.
#[cfg(all(target_os = "linux", not(miri)))]
pub fn prefer_huge_pages(array: &mut [u8]) {
    const PAGE: usize = 4096;
    /// Smaller arrays gain nothing.
    const LEAST: usize = 8 << 20;
    if array.len() < LEAST {
        return;
    }
    let start = array.as_ptr().align_offset(PAGE);
    let Some(pages) = array.get_mut(start..) else { return };
    let length = pages.len() / PAGE * PAGE;
    // SAFETY: the range lies within `array`. This advice changes how the system stores it, never what it holds.
    #[allow(unsafe_code)]
    let advised = unsafe { rustix::mm::madvise(pages.as_mut_ptr().cast(), length, rustix::mm::Advice::LinuxHugepage) };
    // The array remains usable without.
    let _ = advised;
}

/// Does nothing on this system.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub fn prefer_huge_pages(_array: &mut [u8]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_keeps_its_values() {
        for length in [0, 1, 8 << 20, (9 << 20) + 1] {
            let mut array = vec![7; length];
            prefer_huge_pages(&mut array);
            prefer_huge_pages(array.get_mut(1..).unwrap_or_default());
            assert!(array.iter().all(|&value| value == 7));
        }
    }
}
