//! The result of a segmentation for the page.

use cytoshade::{Segmentation, Timings};
use js_sys::{Object, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;

/// The cells of one image.
#[derive(Debug)]
#[wasm_bindgen]
pub struct SegmentationResult {
    width: usize,
    height: usize,
    labels: Vec<u32>,
    areas: Vec<u32>,
    diameter: f32,
    timings: Timings,
}

impl From<Segmentation> for SegmentationResult {
    fn from(segmentation: Segmentation) -> Self {
        let Segmentation { labels, diameter, timings, .. } = segmentation;
        let mut areas = vec![0; labels.max() as usize];
        for &label in labels.as_slice() {
            if let Some(area) = (label as usize).checked_sub(1).and_then(|at| areas.get_mut(at)) {
                *area += 1;
            }
        }
        Self { width: labels.width(), height: labels.height(), areas, diameter, timings, labels: labels.into_vec() }
    }
}

#[wasm_bindgen]
impl SegmentationResult {
    /// The labels, row by row: 0 is background, 1 to `count` are the cells.
    #[wasm_bindgen(getter)]
    pub fn masks(&self) -> Uint32Array {
        Uint32Array::from(&self.labels[..])
    }

    /// Number of pixels of each cell; cell 1 is first.
    #[wasm_bindgen(getter)]
    pub fn areas(&self) -> Uint32Array {
        Uint32Array::from(&self.areas[..])
    }

    /// Number of cells.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.areas.len()
    }

    /// Width in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The diameter used, in pixels of the image.
    #[wasm_bindgen(getter)]
    pub fn diameter(&self) -> f32 {
        self.diameter
    }

    /// Milliseconds by name of the stage, and `total`.
    #[wasm_bindgen(getter)]
    pub fn timings(&self) -> Object {
        let timings = Object::new();
        let total = ("total", self.timings.total());
        for (name, time) in self.timings.iter().map(|(stage, time)| (stage.name(), time)).chain([total]) {
            // Setting a property of a fresh object cannot fail.
            let _ = Reflect::set(&timings, &name.into(), &(time.as_secs_f64() * 1e3).into());
        }
        timings
    }
}
