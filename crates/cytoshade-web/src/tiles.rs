//! The network on the CPU, its tiles spread over workers.

use std::future::Future;
use std::pin::Pin;

use cytoshade::{Batch, DeviceInfo, Done, Elsewhere, Error, LoadOptions, Model, Segmenter};
use cytoshade_core::{BatchNorm, Conv, Linear, Shape};
use cytoshade_cpu::network::Network;
use js_sys::{Array, Float32Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::failure;

/// The network in one of the workers that tiles are spread over.
#[derive(Debug)]
#[wasm_bindgen]
pub struct TileNetwork {
    network: Network,
}

/// Tiles of [`warm_up`] that are enough for the browser to begin.
const WARM_UP: usize = 3;

/// Runs a small network of zeros. A browser compiles code in haste, and for speed only what has run for a while; so it does
/// that while the model is still on its way, for all workers at once.
#[wasm_bindgen(js_name = warmUp)]
pub fn warm_up() {
    const SIDE: usize = 32;
    // Nothing depends on it: where it could not be made, the first tile is slower.
    let Some(network) = zeros() else { return };
    let _ = Network::new(&network).run(&[0.0; 2 * SIDE * SIDE * WARM_UP], WARM_UP, SIDE, SIDE, &mut |_| Ok(()));
}

/// A network that has each kind of layer, of whole blocks of channels and of halves.
fn zeros() -> Option<cytoshade_core::Network> {
    let shape = Shape::new(vec![2, 8, 32], 3).ok()?;
    let conv = |layer: &cytoshade_core::ConvShape| {
        let (zeros, ones) = (vec![0.0; layer.inputs], vec![1.0; layer.inputs]);
        let norm = BatchNorm { weight: ones.clone(), bias: zeros.clone(), mean: zeros, var: ones };
        let weights = layer.outputs * layer.inputs * layer.kernel * layer.kernel;
        Conv::new(layer, &norm, vec![0.0; weights], vec![0.0; layer.outputs]).ok()
    };
    let linear = |layer: &cytoshade_core::LinearShape| {
        Linear::new(layer, vec![0.0; layer.inputs * layer.outputs], vec![0.0; layer.outputs]).ok()
    };
    let convs = shape.convs().iter().map(conv).collect::<Option<_>>()?;
    let linears = shape.linears().iter().map(linear).collect::<Option<_>>()?;
    cytoshade_core::Network::new(shape, convs, linears, 30.0, 30.0).ok()
}

#[wasm_bindgen]
impl TileNetwork {
    /// The network from the bytes of a model file, which the engine has checked before.
    ///
    /// # Errors
    /// As the engine's.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<TileNetwork, JsValue> {
        let model = Model::from_bytes(bytes, &LoadOptions::default()).map_err(|error| failure::of(&error))?;
        Ok(Self { network: Network::new(model.network()) })
    }

    /// Runs one tile [channels, height, width]; gives its outputs [nout, height, width] and its style vector.
    ///
    /// # Errors
    /// Where the tile is not of that shape.
    pub fn run(&self, tile: &[f32], height: usize, width: usize) -> Result<Array, JsValue> {
        let batch =
            self.network.run(tile, 1, height, width, &mut |_| Ok(())).map_err(|error| failure::of(&error.into()))?;
        Ok(Array::of2(&Float32Array::from(&batch.outputs[..]), &Float32Array::from(&batch.styles[..])))
    }
}

/// The workers, behind a JavaScript function: `(tile, height, width)` to a promise of `[outputs, style]`.
#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) run: Function,
    pub(crate) count: usize,
}

impl Elsewhere for Workers {
    fn info(&self) -> DeviceInfo {
        match Segmenter::cpu_info() {
            DeviceInfo::Cpu { isa, .. } => DeviceInfo::Cpu { isa, threads: self.count },
            other => other,
        }
    }

    fn network<'a>(
        &'a self,
        tiles: &'a [f32],
        count: usize,
        height: usize,
        width: usize,
        done: &'a mut Done<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Batch, Error>> + 'a>> {
        Box::pin(async move {
            // All are asked for at once; the workers take them in turn.
            let each = (tiles.len() / count.max(1)).max(1);
            let answers: Vec<JsFuture> =
                tiles.chunks_exact(each).map(|tile| self.ask(tile, height, width)).collect::<Result<_, _>>()?;
            let mut batch = Batch { outputs: Vec::new(), styles: Vec::new() };
            for (answer, complete) in answers.into_iter().zip(1..) {
                let answer: Array = answer.await.and_then(JsCast::dyn_into).map_err(failed)?;
                for (values, at) in [&mut batch.outputs, &mut batch.styles].into_iter().zip(0..) {
                    let part: Float32Array = answer.get(at).dyn_into().map_err(failed)?;
                    values.extend(part.to_vec());
                }
                done(complete)?;
            }
            Ok(batch)
        })
    }
}

impl Workers {
    fn ask(&self, tile: &[f32], height: usize, width: usize) -> Result<JsFuture, Error> {
        let tile = Float32Array::from(tile);
        let promise = self.run.call3(&JsValue::NULL, &tile, &height.into(), &width.into());
        Ok(promise.and_then(JsCast::dyn_into::<Promise>).map_err(failed)?.into())
    }
}

fn failed(what: JsValue) -> Error {
    let message = what.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{what:?}"), |error| error.message().into());
    Error::Elsewhere(format!("a worker of the network failed: {message}"))
}
