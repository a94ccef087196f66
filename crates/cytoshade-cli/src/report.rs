//! Lines on standard output and standard error. A stream that is closed or full ends no command and loses no result.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once a line did not reach standard output, other than through a closed pipe.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output. A reader may close its end of a pipe, as `head` does. Any other failure is reported
/// once on standard error, and makes the exit status 1 at the end (see [`is_output_lost`]).
pub(crate) fn print_line(line: impl Display) {
    let result = write(&mut io::stdout().lock(), &format!("{line}\n"));
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
        && !OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        warn(format_args!("cannot write to standard output: {error}"));
    }
}

/// True if a line of [`print_line`] was lost.
pub(crate) fn is_output_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}

/// Prints a message on standard error, if anybody reads it.
pub(crate) fn warn(message: impl Display) {
    print_error(&format!("cytoshade: {message}\n"));
}

/// Prints text on standard error, if anybody reads it.
pub(crate) fn print_error(text: &str) {
    let _ = write(&mut io::stderr().lock(), text);
}

/// One call for the whole text keeps the lines of several processes apart.
fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}
