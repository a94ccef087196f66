//! A progress bar on a terminal, nothing in a pipe.

use cytoshade::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// The bar of one image. It shows itself only where standard error is a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(what: &str) -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_string());
        Self(bar)
    }

    pub(crate) fn show(&self, progress: Progress) {
        // The tiles are nearly all of the work; the other stages only change the word at the end.
        if progress.stage == Stage::Network {
            self.0.set_length(progress.total as u64);
            self.0.set_position(progress.done as u64);
            self.0.set_message(format!("tile {}/{}", progress.done, progress.total));
        } else if progress.done == 0 {
            self.0.set_message(progress.stage.name());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The bar of a transfer, in bytes.
#[cfg(feature = "fetch")]
pub(crate) struct Bytes(ProgressBar);

#[cfg(feature = "fetch")]
impl Bytes {
    pub(crate) fn new(what: &str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {bytes} of {total_bytes}, {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_string());
        Self(bar)
    }

    pub(crate) fn show(&self, done: u64, total: Option<u64>) {
        self.0.set_length(total.unwrap_or(done));
        self.0.set_position(done);
    }
}

#[cfg(feature = "fetch")]
impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
