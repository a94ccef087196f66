//! Cytoshade on the CPU: `MODEL TILES SIDE THREADS` runs the network, `pipeline MODEL THREADS` whole images
//! (`run IMAGE MASKS`: read a file, segment, write a file).

use cytoshade::{Device, Model, Params, Segmenter};
use cytoshade_cpu::network::Network;
use cytoshade_formats::ReadOptions;
use protocol::{Job, Outcome, answer_lines};
use std::path::Path;
use std::time::Instant;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [what, model, threads] if what == "pipeline" => pipeline(model, threads.parse()?),
        _ => network(&Job::from_args()?),
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

fn pipeline(model: &str, n: usize) -> Outcome<()> {
    threads(n)?;
    let segmenter = Segmenter::builder().device(Device::Cpu).build(&Model::open(model)?)?;
    answer_lines(|words| {
        let ["run", input, output] = words else { return Err("expected run, IMAGE and MASKS".into()) };
        let start = Instant::now();
        let images = cytoshade_formats::read(Path::new(input), &ReadOptions::default())?;
        let image = images.first().ok_or("the file holds no image")?;
        let found = segmenter.segment(image, &Params::default())?;
        let mut bytes = Vec::new();
        cytoshade_formats::write_labels_tiff(std::io::Cursor::new(&mut bytes), &found.labels)?;
        std::fs::write(output, bytes)?;
        Ok(start.elapsed().as_secs_f64().to_string())
    })
}
