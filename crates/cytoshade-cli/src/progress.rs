//! Progress bars on a terminal; they are hidden if standard error is not one.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cytoshade::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

/// The bar on the terminal, if any.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `write` while the bar is cleared, so that its lines and the bar do not mix.
pub(crate) fn beside_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A progress bar that is on the terminal until it is dropped.
struct Shown(ProgressBar);

impl Shown {
    fn new(length: u64, template: &str, title: &str) -> Self {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_owned());
        *shown() = Some(bar.clone());
        Self(bar)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        *shown() = None;
        self.0.finish_and_clear();
    }
}

/// The progress bar of one image.
pub(crate) struct Bar(Shown);

impl Bar {
    pub(crate) fn new(title: &str) -> Self {
        Self(Shown::new(1, "{prefix} {wide_bar} {msg}", title))
    }

    pub(crate) fn show(&self, progress: Progress) {
        let Self(Shown(bar)) = self;
        // The network takes nearly all of the time; the other stages only change the message.
        if progress.stage == Stage::Network {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(format!("tile {}/{}", progress.done, progress.total));
        } else if progress.done == 0 {
            bar.set_message(progress.stage.name());
        }
    }
}

/// The progress of a run: the tiles of one image, or the number of images with their rate, time left and cells.
pub(crate) enum RunBar {
    Hidden,
    One(Bar),
    Many(ManyBar),
}

/// The progress bar of many images.
pub(crate) struct ManyBar {
    shown: Shown,
    cells: usize,
}

impl RunBar {
    /// A bar for so many images. The title is shown with a single one.
    pub(crate) fn new(images: usize, title: &str, is_quiet: bool) -> Self {
        match images {
            _ if is_quiet => Self::Hidden,
            0 | 1 => Self::One(Bar::new(title)),
            images => {
                let template = "{pos}/{len} images {wide_bar} {per_sec}, {eta} left, {msg}";
                Self::Many(ManyBar { shown: Shown::new(images as u64, template, ""), cells: 0 })
            }
        }
    }

    /// Shows the tiles and stages of an image.
    pub(crate) fn show(&self, progress: Progress) {
        match self {
            Self::Hidden => {}
            Self::One(bar) => bar.show(progress),
            Self::Many(bar) if progress.stage == Stage::Network => {
                let (cells, Progress { done, total, .. }) = (bar.cells, progress);
                bar.shown.0.set_message(format!("{cells} cells, tile {done}/{total}"));
            }
            Self::Many(_) => {}
        }
    }

    /// Counts complete images with the cells in them.
    pub(crate) fn add(&mut self, images: usize, cells: usize) {
        if let Self::Many(bar) = self {
            bar.cells += cells;
            bar.shown.0.set_message(format!("{} cells", bar.cells));
            bar.shown.0.inc(images as u64);
        }
    }

    /// True if the bar on the terminal takes the place of a line for each image.
    pub(crate) fn replaces_lines(&self) -> bool {
        matches!(self, Self::Many(bar) if !bar.shown.0.is_hidden()) && std::io::stdout().is_terminal()
    }
}

/// The progress bar of a download, in bytes.
#[cfg(feature = "fetch")]
pub(crate) struct Bytes(Shown);

#[cfg(feature = "fetch")]
impl Bytes {
    pub(crate) fn new(title: &str) -> Self {
        Self(Shown::new(0, "{prefix} {wide_bar} {bytes} of {total_bytes}, {eta}", title))
    }

    pub(crate) fn show(&self, done: u64, total: Option<u64>) {
        self.0.0.set_length(total.unwrap_or(done));
        self.0.0.set_position(done);
    }
}
