//! Ctrl-C and requests to terminate.

use std::sync::LazyLock;

use cytoshade::Cancel;
use cytoshade_safe_io::remove_pending_files;

use crate::failure::INTERRUPTED;
use crate::report::warn;

static CANCEL: LazyLock<Cancel> = LazyLock::new(Cancel::new);

/// Installs the handler of interruptions: the first cancels the current computation, the second ends the process.
///
/// Handles SIGINT, SIGTERM and SIGHUP, and the console events of Windows. If one of them is ignored, as SIGHUP under
/// `nohup`, all keep the system's action.
pub(crate) fn catch() {
    let _ = ctrlc::try_set_handler(|| {
        if CANCEL.is_cancelled() {
            remove_pending_files();
            std::process::exit(i32::from(INTERRUPTED));
        }
        CANCEL.cancel();
        warn("interrupted: stopping after the current step; interrupt again to stop at once");
    });
}

/// The handle that cancels computations after an interruption.
pub(crate) fn cancel() -> &'static Cancel {
    &CANCEL
}

/// True after an interruption.
pub(crate) fn is_interrupted() -> bool {
    CANCEL.is_cancelled()
}
