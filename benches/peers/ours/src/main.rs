//! Cytoshade as a peer.
//!
//! - `MODEL TILES SIDE THREADS` runs the network on the CPU;
//! - `wgsl MODEL TILES SIDE THREADS` runs it in WGSL on a GPU, else on a software adapter, with transfers in its time;
//! - `pipeline MODEL THREADS` runs whole images on the CPU. `run IMAGE MASKS` reads a file, segments it and writes a file; `stages`
//!   returns the time of each stage of the last run, as `NAME=SECONDS`.

use cytoshade::{Device, Model, Params, Segmenter};
use cytoshade_cpu::network::Network;
use cytoshade_formats::ReadOptions;
use cytoshade_gpu::{Choice, Gpu};
use pollster::block_on;
use protocol::{Job, Outcome, answer_lines};
use std::path::Path;
use std::time::Instant;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [what, model, threads] if what == "pipeline" => pipeline(model, threads.parse()?),
        [what, job @ ..] if what == "wgsl" => wgsl(Job::new(job)?),
        job => network(&Job::new(job)?),
    }
}

fn threads(threads: usize) -> Outcome<()> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?)
}

fn network(job: &Job) -> Outcome<()> {
    threads(job.threads)?;
    let model = Model::open(&job.model)?;
    let network = Network::new(model.network());
    eprintln!("{}", network.isa());
    job.serve(|_| Ok(()), |(), tiles, n| Ok(network.run(tiles, n, job.side, job.side, &mut |_| Ok(()))?.outputs))
}

fn wgsl(mut job: Job) -> Outcome<()> {
    let gpu = block_on(Gpu::open(Choice::Any))?;
    let info = gpu.info();
    job.about = format!("{} ({})", info.name, info.driver);
    let model = Model::open(&job.model)?;
    let network = block_on(cytoshade_gpu::Network::new(&gpu, model.network()))?;
    job.serve(|_| Ok(()), |(), tiles, n| Ok(block_on(network.run(tiles, n, job.side, job.side))?.outputs))
}

fn pipeline(model: &str, n: usize) -> Outcome<()> {
    threads(n)?;
    let segmenter = Segmenter::builder(&Model::open(model)?).device(Device::Cpu).build()?;
    let mut stages = Vec::new();
    answer_lines(|words| {
        let ["run", input, output] = words else {
            return if words == ["stages"] {
                Ok(stages.join(" "))
            } else {
                Err("expected run, IMAGE and MASKS".into())
            };
        };
        let start = Instant::now();
        let images = cytoshade_formats::read(Path::new(input), &ReadOptions::default())?;
        let image = images.first().ok_or("the file holds no image")?;
        let read = start.elapsed();
        let found = segmenter.segment(image, &Params::default())?;
        let write = Instant::now();
        let mut bytes = Vec::new();
        cytoshade_formats::write_labels_tiff(std::io::Cursor::new(&mut bytes), &found.labels)?;
        std::fs::write(output, bytes)?;
        let (write, whole) = (write.elapsed(), start.elapsed());
        let of_pipeline = found.timings.iter().map(|(stage, time)| (stage.name(), time));
        let all = [("read", read)].into_iter().chain(of_pipeline).chain([("write", write)]);
        stages = all.map(|(name, time)| format!("{name}={}", time.as_secs_f64())).collect();
        Ok(whole.as_secs_f64().to_string())
    })
}
