//! Cytoshade's stages as a peer of benches/peers/stages.py, with the protocol of benches/peers/protocol.
//!
//! `write FOLDER` writes the scenes and prints the name of each; `adapter` prints the name of the GPU, or of a software adapter.
//! `cpu FOLDER` and `gpu FOLDER` answer `run SCENE STAGE` with the seconds of one run, `cells SCENE` with the number of cells and
//! `covered SCENE` with the pixels that they cover. `gpu` also answers `agrees SCENE STAGE` with 1 if the stage agrees with that
//! on the CPU, else 0.

#[cfg(not(target_os = "wasi"))]
mod device;
mod output;
mod plane;
mod stack;

use std::error::Error;
use std::io::BufRead;
use std::path::Path;

use cytoshade_benches::scenes::{LAYOUTS, Scene};
use plane::Plane;
use stack::Stack;

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
        ["cpu", folder] => serve(|name| {
            let scene = Scene::open(Path::new(folder), name)?;
            let [depth, ..] = scene.size;
            Ok(if depth > 1 { Box::new(Stack::new(scene)?) as Box<dyn Stages> } else { Box::new(Plane::new(scene)?) })
        }),
        #[cfg(not(target_os = "wasi"))]
        ["adapter"] => {
            println!("{}", cytoshade_benches::gpu().ok_or("no adapter found")?.info().name);
            Ok(())
        }
        #[cfg(not(target_os = "wasi"))]
        ["gpu", folder] => {
            let gpu = cytoshade_benches::gpu().ok_or("no adapter found")?;
            serve(|name| device::stages(&gpu, Scene::open(Path::new(folder), name)?))
        }
        _ => Err("usage: stages_peer adapter | write FOLDER | cpu FOLDER | gpu FOLDER".into()),
    }
}

/// A scene, with the inputs of each stage.
trait Stages {
    /// Seconds of one run of a stage.
    fn run(&self, stage: &str) -> Outcome<f64>;

    /// All stages from flows to labels.
    fn whole(&self) -> Outcome<Vec<u32>>;

    /// Whether a stage agrees with the CPU's.
    fn agrees(&self, _stage: &str) -> Outcome<bool> {
        Ok(true)
    }
}

fn serve(open: impl Fn(&str) -> Outcome<Box<dyn Stages>>) -> Outcome<()> {
    let mut now: Option<(String, Box<dyn Stages>)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        let name = words.get(1).copied().unwrap_or_default();
        if now.as_ref().is_none_or(|(of, _)| of != name) {
            now = Some((name.into(), open(name)?));
        }
        let Some((_, stages)) = &now else { continue };
        let answer = match words[..] {
            ["run", _, stage] => stages.run(stage),
            ["agrees", _, stage] => stages.agrees(stage).map(|agrees| f64::from(u8::from(agrees))),
            ["cells", _] => stages.whole().map(|labels| f64::from(labels.iter().copied().max().unwrap_or(0))),
            ["covered", _] => stages.whole().map(|labels| labels.iter().filter(|&&label| label > 0).count() as f64),
            _ => Err(format!("unknown: {line}").into()),
        };
        match answer {
            Ok(number) => println!("{number}"),
            Err(error) => println!("error {error}"),
        }
    }
    Ok(())
}
