//! Lines on standard output and standard error. A closed or full stream neither stops a command nor loses a result.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::progress::beside_bar;

/// Set if a write to standard output failed, other than by a closed pipe.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output.
///
/// Ignores a closed pipe, since readers like `head` close theirs early. Any other failure is printed once on standard
/// error and sets the exit status to 1 (see [`is_output_lost`]).
pub(crate) fn print_line(line: impl Display) {
    let line = format!("{line}\n");
    let result = beside_bar(|| write(&mut io::stdout().lock(), &line));
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
        && !OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        warn(format_args!("cannot write to standard output: {error}"));
    }
}

/// True if [`print_line`] lost a line.
pub(crate) fn is_output_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}

/// Prints a message on standard error; ignores failures.
pub(crate) fn warn(message: impl Display) {
    print_error(&format!("cytoshade: {message}\n"));
}

/// Prints text on standard error; ignores failures.
pub(crate) fn print_error(text: &str) {
    let _ = beside_bar(|| write(&mut io::stderr().lock(), text));
}

/// Writes the text in one call, so that the lines of concurrent processes do not mix.
fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}
