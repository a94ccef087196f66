//! `cytoshade segment`: segments image files and folders.
//!
//! ```text
//! arguments -> discover (files) -> plan (headers, names, records) -> session:
//!     reader (one image ahead) -> segment_batch -> writer (files, lines, totals) -> manifest
//! ```
//!
//! Stacks, large images, restorations and profiles take the place of `segment_batch` one by one.

mod args;
mod plan;
mod reader;
mod report;
mod segmented;
mod session;
mod space;
mod totals;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use crate::discover::discover;
use crate::failure::Failure;
use crate::interrupt;
use crate::report::warn;

pub(crate) use args::Segment;
pub(crate) use report::sizes;
pub(crate) use session::Session;
pub(crate) use totals::Totals;

pub(crate) fn run(args: Segment, start: Instant) -> Result<(), Failure> {
    args.check()?;
    let inputs = discover(&args.inputs, &args.folders)?;
    plan::check_names(&inputs.files, &args)?;
    interrupt::catch();
    let args = Arc::new(args);
    let mut session = Session::start(args.clone(), &inputs.root, start)?;
    if args.skip_done {
        session.warn_of_changed_settings();
    }
    if inputs.results > 0 && !args.quiet {
        warn(format_args!("files left out because their names are those of results: {}", inputs.results));
    }
    let (totals, of) = session.run(&inputs.files)?;
    report(&args, &totals, of, inputs.is_collection)?;
    session.finish()?;
    totals.outcome(of)
}

/// Prints the totals of a run over so many inputs: as a table if there are several, or as a line of `--json` if an
/// argument is a folder or a pattern.
pub(crate) fn report(args: &Segment, totals: &Totals, of: usize, is_collection: bool) -> Result<(), Failure> {
    if args.json {
        return if is_collection { totals.print_json() } else { Ok(()) };
    }
    if of > 1 && !args.quiet {
        totals.print_table();
    }
    Ok(())
}
