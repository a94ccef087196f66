//! Cytoshade's stages on the CPU, driven as benches/peers/protocol says, beside benches/peers/stages.py.
//!
//! `write FOLDER` draws the scenes and prints the name of each; `FOLDER` answers `run SCENE STAGE` with the seconds that
//! one run takes, `cells SCENE` with the number of cells and `covered SCENE` with the pixels that they cover.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::{Duration, Instant};

use cytoshade_benches::scenes::{LAYOUTS, Scene};
use cytoshade_core::tiling::Cutting;
use cytoshade_core::{EndPoints, Histogram, LabelVolume, Labels, Params, Planes, Volume};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks, normalize, resize, tile, volume};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SHRINK: f64 = 0.75;
const NITER: u32 = 200;
const FLOW_THRESHOLD: f64 = 0.4;
const MIN_SIZE: usize = 15;
const MAX_SIZE_FRACTION: f64 = 0.4;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => {
            std::fs::create_dir_all(folder)?;
            for layout in &LAYOUTS {
                Scene::draw(layout).save(Path::new(folder), layout.0)?;
                println!("{}", layout.0);
            }
            Ok(())
        }
        [folder] => serve(Path::new(folder)),
        _ => Err("usage: stages_peer [write] FOLDER".into()),
    }
}

fn serve(folder: &Path) -> Outcome<()> {
    let mut open: Option<(String, Made)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        let name = words.get(1).copied().unwrap_or_default();
        if open.as_ref().is_none_or(|(of, _)| of != name) {
            open = Some((name.into(), Made::new(Scene::open(folder, name)?)?));
        }
        let Some((_, made)) = &open else { continue };
        let answer = match words[..] {
            ["run", _, stage] => made.run(stage).map(|time| time.as_secs_f64()),
            ["cells", _] => made.whole().map(|labels| f64::from(labels.iter().copied().max().unwrap_or(0))),
            ["covered", _] => made.whole().map(|labels| labels.iter().filter(|&&label| label > 0).count() as f64),
            _ => Err(format!("unknown: {line}").into()),
        };
        match answer {
            Ok(number) => println!("{number}"),
            Err(error) => println!("error {error}"),
        }
    }
    Ok(())
}

/// A scene, and what each stage is given.
enum Made {
    Plane(Box<Plane>),
    Stack(Box<Stack>),
}

struct Plane {
    image: Planes,
    outputs: Planes,
    cutting: Cutting,
    tiles: Vec<f32>,
    flows: Planes,
    cellprob: Vec<f32>,
    ends: EndPoints,
    counts: Histogram,
    labels: Labels,
    checked: Labels,
}

struct Stack {
    image: Volume,
    flows: Volume,
    cellprob: Vec<f32>,
    ends: volume::follow_flows::EndPoints,
    labels: LabelVolume,
}

/// How long some work takes.
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let made = work();
    let time = start.elapsed();
    drop(made);
    time
}

impl Made {
    fn new(Scene { size, flows, cellprob, image }: Scene) -> Outcome<Self> {
        let [depth, height, width] = size;
        if depth > 1 {
            let image = Volume::new(image, 2, depth, height, width)?;
            let flows = Volume::new(flows, 3, depth, height, width)?;
            let ends = volume::follow_flows::follow_flows(&flows, &cellprob, 0.0, NITER, true)?;
            let labels = volume::masks::masks(&ends, size, MAX_SIZE_FRACTION);
            return Ok(Made::Stack(Box::new(Stack { image, flows, cellprob, ends, labels })));
        }
        let image = Planes::new(image, 2, height, width)?;
        let flows = Planes::new(flows, 2, height, width)?;
        let small = |side: usize| (side as f64 * SHRINK) as usize;
        let outputs = Planes::zeros(3, small(height), small(width));
        let cutting = Cutting::new(height, width, 16, 224, 0.1, false);
        let tiling = &cutting.tiling;
        let tiles = vec![1.0; tiling.tiles.len() * 3 * tiling.height * tiling.width];
        let ends = follow_flows::follow_flows(&flows, &cellprob, 0.0, NITER, true)?;
        let counts = histogram::histogram(&ends, height, width);
        let labels = masks::masks(&ends, &counts, MAX_SIZE_FRACTION);
        let mut checked = labels.clone();
        flow_error::remove_bad(&mut checked, &flows, FLOW_THRESHOLD)?;
        Ok(Made::Plane(Box::new(Plane {
            image,
            outputs,
            cutting,
            tiles,
            flows,
            cellprob,
            ends,
            counts,
            labels,
            checked,
        })))
    }

    fn run(&self, stage: &str) -> Outcome<Duration> {
        match self {
            Made::Plane(plane) => plane.run(stage),
            Made::Stack(stack) => stack.run(stage),
        }
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        match self {
            Made::Plane(plane) => plane.whole(),
            Made::Stack(stack) => stack.whole(),
        }
    }
}

impl Plane {
    fn run(&self, stage: &str) -> Outcome<Duration> {
        let (height, width) = (self.image.height(), self.image.width());
        Ok(match stage {
            "normalize" => {
                let mut image = Volume::from(self.image.clone());
                time(|| normalize::normalize(&mut image, &Params::default()))
            }
            "resize" => time(|| {
                let small = resize::bilinear(&self.image, self.outputs.height(), self.outputs.width());
                (small, resize::bilinear(&self.outputs, height, width))
            }),
            "tile" => time(|| {
                let cutting = Cutting::new(height, width, 16, 224, 0.1, false);
                tile::cut(&cutting, &self.image, &cutting.tiling.tiles)
            }),
            "blend" => time(|| {
                let mut blend = Blend::new(self.cutting.clone(), 3, height, width);
                let tiling = &self.cutting.tiling;
                let outputs = self.tiles.chunks_exact(3 * tiling.height * tiling.width);
                tiling.tiles.iter().zip(outputs).for_each(|(tile, output)| blend.add(tile, output));
                blend.finish()
            }),
            "follow_flows" => time(|| follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)),
            // The reference counts within this stage.
            "masks" => time(|| {
                let counts = histogram::histogram(&self.ends, height, width);
                masks::masks(&self.ends, &counts, MAX_SIZE_FRACTION)
            }),
            "flow_error" => {
                let mut labels = self.labels.clone();
                time(|| flow_error::remove_bad(&mut labels, &self.flows, FLOW_THRESHOLD))
            }
            "fill_holes" => {
                let mut labels = self.checked.clone();
                time(|| fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE))
            }
            "flows to masks" => time(|| self.whole()),
            _ => return Err(format!("no stage {stage}").into()),
        })
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        let ends = follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)?;
        let counts = histogram::histogram(&ends, self.counts.height, self.counts.width);
        let mut labels = masks::masks(&ends, &counts, MAX_SIZE_FRACTION);
        flow_error::remove_bad(&mut labels, &self.flows, FLOW_THRESHOLD)?;
        fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE);
        Ok(labels.into_vec())
    }
}

impl Stack {
    fn run(&self, stage: &str) -> Outcome<Duration> {
        Ok(match stage {
            "normalize" => {
                let mut image = self.image.clone();
                time(|| normalize::normalize(&mut image, &Params::default()))
            }
            "follow_flows" => {
                time(|| volume::follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true))
            }
            "masks" => time(|| volume::masks::masks(&self.ends, self.flows.size(), MAX_SIZE_FRACTION)),
            "fill_holes" => {
                let mut labels = self.labels.clone();
                time(|| volume::fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE))
            }
            "flows to masks" => time(|| self.whole()),
            _ => return Err(format!("no stage {stage} of stacks").into()),
        })
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        let ends = volume::follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)?;
        let mut labels = volume::masks::masks(&ends, self.flows.size(), MAX_SIZE_FRACTION);
        volume::fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE);
        Ok(labels.into_vec())
    }
}
