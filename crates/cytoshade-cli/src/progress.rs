//! Progress bars on a terminal; they are hidden if standard error is not one.

use cytoshade::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// The progress bar of one image.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(title: &str) -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_string());
        Self(bar)
    }

    pub(crate) fn show(&self, progress: Progress) {
        // The network takes nearly all of the time; the other stages only change the message.
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

/// The progress bar of a download, in bytes.
#[cfg(feature = "fetch")]
pub(crate) struct Bytes(ProgressBar);

#[cfg(feature = "fetch")]
impl Bytes {
    pub(crate) fn new(title: &str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {bytes} of {total_bytes}, {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_string());
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
