//! The network on tract, from the ONNX export for a batch of fixed size.

use protocol::{Job, Outcome};
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

fn main() -> Outcome<()> {
    let job = Job::from_args()?;
    set_default_executor(Executor::multithread(job.threads));
    let (threads, side) = (job.threads, job.side);
    let prepare = |n| {
        let shape = tvec!(n, 2, side, side);
        let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
        let model = tract_onnx::onnx().model_for_path(job.model_for(n))?.with_input_fact(0, fact)?;
        let _ = threads;
        Ok(model.into_optimized()?.into_runnable()?)
    };
    job.serve(prepare, |model, tiles, n| {
        let input = Tensor::from_shape(&[n, 2, side, side], tiles)?;
        let outputs = model.run(tvec!(input.into()))?;
        Ok(outputs[0].to_plain_array_view::<f32>()?.iter().copied().collect())
    })
}
