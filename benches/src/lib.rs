//! Shared by the benches: networks with random weights, synthetic cells, and the GPU to measure.

#[cfg(not(target_os = "wasi"))]
pub mod arguments;
#[cfg(not(target_os = "wasi"))]
pub mod ceilings;
#[cfg(not(target_os = "wasi"))]
pub mod plain;
pub mod scenes;

use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{BatchNorm, Network, Planes};
#[cfg(not(target_os = "wasi"))]
use cytoshade_gpu::{Choice, Gpu};

/// A linear congruential generator of repeatable numbers from -1 to 1.
///
/// Speed does not depend on the values.
#[derive(Debug)]
struct Numbers(u32);

impl Numbers {
    fn vector(&mut self, len: usize, scale: f32) -> Vec<f32> {
        (0..len)
            .map(|_| {
                self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
            })
            .collect()
    }
}

/// A network of a given layout with random weights.
pub fn network(nbase: &[usize]) -> Network {
    let unet = UNet::new(nbase.to_vec(), 3).expect("a layout within the limits");
    let mut numbers = Numbers(1);
    let convs = unet
        .convs()
        .iter()
        .map(|layer| {
            let norm = BatchNorm {
                weight: vec![1.0; layer.inputs],
                bias: numbers.vector(layer.inputs, 0.1),
                mean: numbers.vector(layer.inputs, 0.1),
                var: vec![1.0; layer.inputs],
            };
            let len = layer.outputs * layer.inputs * layer.kernel * layer.kernel;
            let weight = numbers.vector(len, 1.0 / (layer.inputs as f32 * layer.kernel as f32));
            layer.conv(&norm, weight, numbers.vector(layer.outputs, 0.1)).expect("arrays of the layer's sizes")
        })
        .collect();
    let linears = unet
        .linears()
        .iter()
        .map(|layer| {
            let weight = numbers.vector(layer.outputs * layer.inputs, 0.1);
            layer.linear(weight, vec![0.0; layer.outputs]).expect("arrays of the layer's sizes")
        })
        .collect();
    unet.network(convs, linears, 30.0, 30.0).expect("layers that fit")
}

/// The layout of the published networks.
pub const FULL_WIDTH: [usize; 5] = [2, 32, 64, 128, 256];

/// Tiles of noise for a network.
pub fn tiles(network: &Network, count: usize, height: usize, width: usize) -> Vec<f32> {
    Numbers(2).vector(count * network.description().inputs * height * width, 1.0)
}

/// Flows and cell probability of round cells on a grid, like those of a good network.
///
/// The flows have length 5 and point to each cell's centre.
#[derive(Debug, Clone)]
pub struct Cells {
    /// (dY, dX).
    pub flows: Planes,
    /// Above 0 inside of cells.
    pub cellprob: Vec<f32>,
}

impl Cells {
    /// (dY, dX, cellprob).
    pub fn planes(&self) -> Planes {
        let mut planes = self.flows.clone();
        let cellprob = Planes::new(self.cellprob.clone(), 1, planes.height(), planes.width());
        planes.append(&cellprob.expect("a plane of a size")).expect("planes of one size");
        planes
    }
}

/// A plane of `side` x `side` pixels with a cell of 30 pixels in each square of `pitch` pixels.
///
/// 34 is crowded, 90 is sparse.
pub fn cells(side: usize, pitch: usize) -> Cells {
    let mut flows = Planes::zeros(2, side, side);
    let mut cellprob = vec![-6.0; side * side];
    for y in 0..side {
        for x in 0..side {
            let toward = |v: usize| (v / pitch * pitch + pitch / 2) as f32 - v as f32;
            let (dy, dx) = (toward(y), toward(x));
            let distance = dy.hypot(dx);
            if distance <= 15.0 {
                cellprob[y * side + x] = 6.0;
                flows.plane_mut(0)[y * side + x] = 5.0 * dy / distance.max(1.0);
                flows.plane_mut(1)[y * side + x] = 5.0 * dx / distance.max(1.0);
            }
        }
    }
    Cells { flows, cellprob }
}

/// The GPU to measure: hardware, else a software adapter.
#[cfg(not(target_os = "wasi"))]
pub fn gpu() -> Option<Gpu> {
    let open = |choice| pollster::block_on(Gpu::open(choice)).ok();
    open(Choice::Hardware).or_else(|| open(Choice::Software))
}
