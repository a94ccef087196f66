//! The network on rten, from the ONNX export.

use protocol::{Job, Outcome};
use rten::{Model, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};
use std::sync::Arc;

fn main() -> Outcome<()> {
    let job = Job::from_args()?;
    let pool = Arc::new(ThreadPool::with_num_threads(job.threads));
    let side = job.side;
    let prepare = |n| Ok(Model::load_file(job.model_for(n))?);
    job.serve(prepare, |model, tiles, n| {
        let input = NdTensorView::from_data([n, 2, side, side], tiles);
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let output: NdTensor<f32, 4> = model.run_one(input.into(), Some(options))?.try_into()?;
        Ok(output.to_vec())
    })
}
