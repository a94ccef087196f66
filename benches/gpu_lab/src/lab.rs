//! Compiles the pipelines of devices, several devices at a time.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::child::Child;
use crate::devices::{Device, Family, Setup};
use crate::error::Error;
use crate::figures::Figures;
use crate::pipelines::{self, Pipeline};
use crate::report::{Executable, Traits};

/// The results of a device.
#[derive(Clone, Debug)]
pub struct Results {
    /// The device.
    pub device: Device,
    /// Its traits.
    pub traits: Traits,
    /// The pipelines, each with its figures or the reason that there are none.
    pub pipelines: Vec<(Pipeline, Result<Figures, String>)>,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Lab {
    /// This program, which is run as a child.
    pub program: PathBuf,
    /// Where the drivers are.
    pub setup: Setup,
    /// Only shaders with this text in their names.
    pub shader: Option<String>,
    /// A folder for the texts of the compilers.
    pub texts: Option<PathBuf>,
}

impl Lab {
    /// Compiles the pipelines of some devices, in their order.
    ///
    /// Each has its results or the reason that there are none, such as a driver that does not open.
    pub fn run(&self, devices: &[Device]) -> Vec<Result<Results, Error>> {
        let results: Vec<Mutex<Option<Result<Results, Error>>>> = devices.iter().map(|_| Mutex::default()).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((device, result)) = take(&next, devices, &results) {
                let found = self.device(device);
                *result.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(found);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(devices.len());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        results.into_iter().filter_map(|result| result.into_inner().ok().flatten()).collect()
    }

    fn device(&self, device: &Device) -> Result<Results, Error> {
        let mut child = self.start(device)?;
        let traits = child.traits().clone();
        let mut all = pipelines::all(&traits)?;
        if let Some(part) = &self.shader {
            all.retain(|pipeline| pipeline.shader.name.contains(part.as_str()));
            if all.is_empty() {
                let names: Vec<&str> = cytoshade_shaders::ALL.iter().map(|shader| shader.name).collect();
                return Err(Error::Unknown { what: "shader", name: part.clone(), names: names.join(", ") });
            }
        }
        let mut found = Vec::new();
        for pipeline in all {
            let compiled = child.compile(&pipeline);
            // A process that failed is of no more use, and one that prints its text prints it at its end.
            let ended = compiled.is_err() || device.family == Family::Apple;
            let compiled = compiled.and_then(|mut executables| {
                if device.family == Family::Apple {
                    let text = child.finish()?;
                    executables.iter_mut().for_each(|executable| executable.assembly.clone_from(&text));
                }
                Ok(executables)
            });
            if ended {
                child = self.start(device)?;
            }
            if let (Ok(executables), Some(folder)) = (&compiled, &self.texts) {
                write(folder, device, &pipeline, executables)?;
            }
            let figures = compiled.and_then(|executables| Figures::new(device.family, &executables));
            found.push((pipeline, figures));
        }
        eprintln!("{}: {} pipelines on {}, {}", device.name, found.len(), traits.name, traits.driver);
        Ok(Results { device: *device, traits, pipelines: found })
    }

    /// A process that has opened the device, under the first of its names that the driver knows.
    fn start(&self, device: &Device) -> Result<Child, Error> {
        let mut failed = String::new();
        for mut command in device.commands(&self.setup, &self.program)? {
            command.arg("compile");
            match Child::start(command) {
                Ok(child) => return Ok(child),
                Err(reason) => failed = reason,
            }
        }
        Err(Error::Child { device: device.name.into(), reason: failed })
    }
}

/// The next device and the place of its result.
fn take<'a, D, R>(next: &AtomicUsize, devices: &'a [D], results: &'a [R]) -> Option<(&'a D, &'a R)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((devices.get(at)?, results.get(at)?))
}

/// Writes the texts of a pipeline to `<folder>/<device>/<pipeline>.txt`, and `.1.txt`, ... for further programs.
fn write(folder: &Path, device: &Device, pipeline: &Pipeline, executables: &[Executable]) -> Result<(), Error> {
    let folder = folder.join(device.name.replace(' ', "_"));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let name = pipeline.to_string().replace(' ', "_");
    for (at, executable) in executables.iter().enumerate() {
        let path = folder.join(if at == 0 { format!("{name}.txt") } else { format!("{name}.{at}.txt") });
        std::fs::write(&path, &executable.assembly).map_err(failed(&path))?;
    }
    Ok(())
}
