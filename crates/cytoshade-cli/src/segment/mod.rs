//! `cytoshade segment`: segments image files.

mod args;
mod inputs;
mod report;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use cytoshade::{Identity, LoadOptions, Segmenter, Span};

use crate::batch::run_each;
use crate::diameter::size_model;
use crate::failure::Failure;
use crate::inputs::stems;
use crate::interrupt;
use crate::label_format::LabelFormat;
use crate::model::{Source, segmentation_model};
use crate::output::folder;
use crate::outputs::Outputs;
use crate::profile::Profiler;
use crate::report::warn;
use crate::restore::Restoration;
use inputs::Run;

pub(crate) use args::Segment;
pub(crate) use report::sizes;

pub(crate) fn run(args: &Segment, start: Instant) -> Result<(), Failure> {
    let params = args.params();
    params.check().map_err(Failure::usage)?;
    if let Some(format) = args.formats().find(|format| args.is_stack() && !format.holds_stacks()) {
        return Err(Failure::usage(format!(
            "{} cannot hold a stack; use tif, npy, rois, geojson, csv or seg",
            format.ending()
        )));
    }
    let stems = stems(&args.inputs, LabelFormat::Tif.ending())?;
    let options = LoadOptions { sha256: args.sha256, ..LoadOptions::default() };
    let mut profiler = Profiler::new(args.profile, args.trace.as_deref(), start);
    let mut outputs = Outputs::new(&args.inputs);
    let named = segmentation_model(args.model.as_deref(), args.sha256)?;
    outputs.keep_model(&named);
    interrupt::catch();
    let span = Span::begin("model");
    let model = Source::network(&named, &options)?;
    let span = span.end();
    if let Some(Identity::Unverified(published)) = model.origin().map(|origin| origin.identity) {
        warn(format_args!("no hash of {} is known, so its file is not verified", published.name));
    }
    share_work(args.threads)?;
    let mut builder = args.runs.apply(Segmenter::builder(&model));
    let sha256 = args.size_model_sha256;
    let estimate = size_model(args.diameter, args.size_model.as_deref(), sha256, &named, &mut outputs)?;
    if let Some(size_model) = estimate {
        builder = builder.size_model(size_model);
    }
    let segmenter = builder.clone().build().map_err(Failure::run)?;
    if let Some(profiler) = &mut profiler {
        profiler.startup(span, &segmenter);
    }
    let pinned = LoadOptions { sha256: args.restore_sha256, ..LoadOptions::default() };
    let open = |path: &PathBuf| Restoration::open(path, &pinned, &args.runs, &mut outputs);
    let restoration = args.restore.as_ref().map(open).transpose()?;
    folder(&args.output)?;
    cytoshade_safe_io::sweep_stale_files(&args.output);
    args.trace.iter().try_for_each(|trace| outputs.check(trace))?;

    let mut run = Run { args, params, segmenter, restoration, outputs, profiler };
    let result = run_each(&args.inputs, |index, input| {
        // A lost device fails only the current image.
        if run.segmenter.is_lost()
            && let Ok(segmenter) = builder.clone().build()
        {
            warn(format_args!("continuing on {}", segmenter.device()));
            run.segmenter = segmenter;
        }
        run.restoration.iter_mut().for_each(Restoration::revive);
        run.file(input, &stems[index])
    });
    if let Some(profiler) = run.profiler {
        profiler.finish(&mut run.outputs)?;
    }
    result
}

/// Sets the number of threads. Must run before rayon starts its pool.
fn share_work(threads: Option<NonZeroUsize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().map_err(Failure::run)
}
