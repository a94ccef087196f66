//! Ctrl-C and requests to terminate.

use std::sync::LazyLock;

use cytoshade::Cancel;
use cytoshade_safe_io::remove_pending_files;

use crate::failure::INTERRUPTED;
use crate::report::warn;

static CANCEL: LazyLock<Cancel> = LazyLock::new(Cancel::new);

/// From now on the first SIGINT, SIGTERM or SIGHUP (Ctrl-C and the like on Windows) cancels the computation at hand, and
/// the second ends the process. A system that refuses the handler keeps its own behavior.
pub(crate) fn catch() {
    let _ = ctrlc::try_set_handler(|| {
        if CANCEL.is_cancelled() {
            remove_pending_files();
            std::process::exit(i32::from(INTERRUPTED));
        }
        CANCEL.cancel();
        warn("interrupted: ending as soon as possible; interrupt again to end at once");
    });
}

/// Cancels computations once the process is interrupted.
pub(crate) fn cancel() -> &'static Cancel {
    &CANCEL
}

/// True once the process is interrupted.
pub(crate) fn is_interrupted() -> bool {
    CANCEL.is_cancelled()
}
