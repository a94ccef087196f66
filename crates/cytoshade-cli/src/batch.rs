//! Processes inputs in sequence. A failed input does not stop the others; an interruption does.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::interrupt;

/// Runs `each` on every input with its index. Prints failures as they occur.
pub(crate) fn run_each(
    inputs: &[PathBuf],
    mut each: impl FnMut(usize, &PathBuf) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut done, mut failed) = (0, 0);
    for (index, input) in inputs.iter().enumerate() {
        if interrupt::is_interrupted() {
            break;
        }
        match each(index, input) {
            Ok(()) => done += 1,
            // The interruption cancelled this input.
            Err(_) if interrupt::is_interrupted() => break,
            Err(failure) => {
                failure.print();
                failed += 1;
            }
        }
    }
    let of = inputs.len();
    if done + failed < of {
        Err(Failure::Interrupted { done, of })
    } else if failed > 0 {
        Err(Failure::Some { failed, of })
    } else {
        Ok(())
    }
}
