//! Synthetic outputs of a network for planes and stacks of round cells, the same on every machine, written to files for the
//! programs that are compared.

use std::fs::{read, write};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::Numbers;

/// Cells on a plane or in a stack.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Depth (1 for a plane), height and width.
    pub size: [usize; 3],
    /// Concatenated (dY, dX), or (dZ, dY, dX) of a stack: of length 5 towards each cell's centre, with noise.
    pub flows: Vec<f32>,
    /// About 6 inside of cells and -6 outside, with noise.
    pub cellprob: Vec<f32>,
    /// Intensities of two channels.
    pub image: Vec<f32>,
}

/// A scene's name, its size, the distance between its cells, and their largest radius.
pub type Layout = (&'static str, [usize; 3], usize, f32);

/// The scenes: sparse and crowded planes, and a stack.
pub const LAYOUTS: [Layout; 5] = [
    ("512 x 512, sparse", [1, 512, 512], 90, 16.0),
    ("512 x 512, crowded", [1, 512, 512], 34, 16.0),
    ("2048 x 2048, sparse", [1, 2048, 2048], 90, 16.0),
    ("2048 x 2048, crowded", [1, 2048, 2048], 34, 16.0),
    ("64 x 256 x 256", [64, 256, 256], 26, 12.0),
];

impl Scene {
    /// Draws an ellipse or an ellipsoid in each square or cube of side `pitch`, slightly off its middle.
    pub fn draw(&(_, size, pitch, radius): &Layout) -> Self {
        let [depth, height, width] = size;
        let (voxels, axes) = (size.iter().product(), if depth > 1 { 3 } else { 2 });
        let mut numbers = Numbers(7);
        let mut scene = Self {
            size,
            flows: numbers.vector(voxels * axes, 1.0),
            cellprob: numbers.vector(voxels, 3.0).into_iter().map(|noise| noise - 6.0).collect(),
            image: numbers.vector(2 * voxels, 20.0).into_iter().map(|noise| noise + 100.0).collect(),
        };
        let middles = |length: usize| (0..length.div_ceil(pitch)).map(move |k| (k * pitch + pitch / 2) as f32);
        let layers: Vec<f32> = if depth > 1 { middles(depth).collect() } else { vec![0.0] };
        for &z in &layers {
            for y in middles(height) {
                for x in middles(width) {
                    let jitter = numbers.vector(6, 1.0);
                    let shift = |at: f32, axis: usize| at + jitter[axis] * pitch as f32 / 16.0;
                    let radii = [3, 4, 5].map(|axis| radius * (0.85 + 0.15 * jitter[axis]));
                    let center = [if depth > 1 { shift(z, 0) } else { 0.0 }, shift(y, 1), shift(x, 2)];
                    scene.add(center, radii, axes);
                }
            }
        }
        scene
    }

    fn add(&mut self, center: [f32; 3], radii: [f32; 3], axes: usize) {
        let [_, height, width] = self.size;
        let voxels = self.cellprob.len();
        let [zs, ys, xs] = [0, 1, 2].map(|axis| {
            let (low, high) = (center[axis] - radii[axis], center[axis] + radii[axis]);
            low.max(0.0).ceil() as usize..(high.max(0.0) as usize + 1).min(self.size[axis])
        });
        for z in zs {
            for y in ys.clone() {
                for x in xs.clone() {
                    let toward = [0, 1, 2].map(|axis| center[axis] - [z, y, x][axis] as f32);
                    let inside = (0..3).map(|axis| (toward[axis] / radii[axis]).powi(2)).sum::<f32>() <= 1.0;
                    let at = (z * height + y) * width + x;
                    if !inside || self.cellprob[at] > 0.0 {
                        continue;
                    }
                    let length = toward.iter().map(|part| part * part).sum::<f32>().sqrt().max(1.0);
                    for axis in 0..axes {
                        self.flows[axis * voxels + at] += 5.0 * toward[axis + 3 - axes] / length;
                    }
                    self.cellprob[at] += 12.0;
                    self.image[at] += 900.0;
                }
            }
        }
    }

    /// Writes `NAME.json` and the arrays as `NAME.flows.f32`, `NAME.cellprob.f32` and `NAME.image.f32`.
    pub fn save(&self, folder: &Path, name: &str) -> Result<()> {
        write(folder.join(format!("{name}.json")), format!("{{\"size\": {:?}}}", self.size))?;
        for (what, values) in [("flows", &self.flows), ("cellprob", &self.cellprob), ("image", &self.image)] {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            write(folder.join(format!("{name}.{what}.f32")), bytes)?;
        }
        Ok(())
    }

    /// Reads the files of [`Scene::save`].
    pub fn open(folder: &Path, name: &str) -> Result<Self> {
        let layout = LAYOUTS.iter().find(|(of, ..)| *of == name);
        let &(_, size, ..) = layout.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no scene {name}")))?;
        let values = |what: &str| -> Result<Vec<f32>> {
            let bytes = read(folder.join(format!("{name}.{what}.f32")))?;
            let (values, _) = bytes.as_chunks::<4>();
            Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        Ok(Self { size, flows: values("flows")?, cellprob: values("cellprob")?, image: values("image")? })
    }
}
