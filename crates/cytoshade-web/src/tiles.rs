//! Parallel work on the CPU, distributed over workers: the network on tiles, and the integration of the flows.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

use cytoshade::{Batch, DeviceInfo, Error, LoadOptions, Model, PendingBatch, RemoteBackend, Segmenter};
use cytoshade_core::arch::unet::{ConvLayer, LinearLayer, UNet};
use cytoshade_core::{BatchNorm, EndPoints};
use cytoshade_cpu::follow_flows::Steps;
use cytoshade_cpu::network::Network;
use js_sys::{Array, Float32Array, Function, Promise, Uint32Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::failure;

/// The network in one of the workers.
#[derive(Debug)]
#[wasm_bindgen]
pub struct TileNetwork {
    network: Network,
}

/// Tiles of [`warm_up`]: enough to trigger the optimizing compiler.
const WARM_UP: usize = 3;

/// Runs a small network of zeros, so that the browser optimizes the code while the model downloads.
///
/// Browsers start with baseline code and optimize a function only once it has run for a while. All workers share the
/// result.
#[wasm_bindgen(js_name = warmUp)]
pub fn warm_up() {
    const SIDE: usize = 32;
    // Without the warm-up only the first tile is slower.
    let Some(network) = zeros() else { return };
    let _ = Network::new(&network).run(&[0.0; 2 * SIDE * SIDE * WARM_UP], WARM_UP, SIDE, SIDE, &mut |_| Ok(()));
}

/// A network with each kind of layer, in full and half blocks of channels.
fn zeros() -> Option<cytoshade_core::Network> {
    let unet = UNet::new(vec![2, 8, 32], 3).ok()?;
    let conv = |layer: &ConvLayer| {
        let (zeros, ones) = (vec![0.0; layer.inputs], vec![1.0; layer.inputs]);
        let norm = BatchNorm { weight: ones.clone(), bias: zeros.clone(), mean: zeros, var: ones };
        let weights = layer.outputs * layer.inputs * layer.kernel * layer.kernel;
        layer.conv(&norm, vec![0.0; weights], vec![0.0; layer.outputs]).ok()
    };
    let linear =
        |layer: &LinearLayer| layer.linear(vec![0.0; layer.inputs * layer.outputs], vec![0.0; layer.outputs]).ok();
    let convs = unet.convs().iter().map(conv).collect::<Option<_>>()?;
    let linears = unet.linears().iter().map(linear).collect::<Option<_>>()?;
    unet.network(convs, linears, 30.0, 30.0).ok()
}

#[wasm_bindgen]
impl TileNetwork {
    /// Opens the network from the bytes of a model file that the engine has checked.
    ///
    /// # Errors
    /// Those of [`Engine::open`](crate::engine::Engine::open).
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<TileNetwork, JsValue> {
        let model = Model::from_bytes(bytes, &LoadOptions::default()).map_err(|error| failure::from_error(&error))?;
        Ok(Self { network: Network::new(model.network()) })
    }

    /// Runs the network on the tile [channels, height, width] at the start of `values`.
    ///
    /// Returns the outputs [nout, height, width] and the style vector. The outputs replace the tile at the start of
    /// `values`, or are in a new array if `values` is too short.
    ///
    /// # Errors
    /// Fails if `values` is shorter than the tile.
    pub fn run(&self, values: Float32Array, channels: usize, height: usize, width: usize) -> Result<Array, JsValue> {
        let tile = part(&values, channels * height * width).to_vec();
        let batch = self
            .network
            .run(&tile, 1, height, width, &mut |_| Ok(()))
            .map_err(|error| failure::from_error(&error.into()))?;
        let outputs = sized(Some(values), batch.outputs.len());
        part(&outputs, batch.outputs.len()).copy_from(&batch.outputs);
        Ok(Array::of2(&outputs, &Float32Array::from(&batch.styles[..])))
    }
}

/// The first `len` values of an array, or all if it is shorter.
fn part(values: &Float32Array, len: usize) -> Float32Array {
    values.subarray(0, u32::try_from(len).unwrap_or(u32::MAX))
}

/// An array of at least `len` values: `values` if it is long enough, else a new one.
fn sized(values: Option<Float32Array>, len: usize) -> Float32Array {
    values
        .filter(|values| values.length() as usize >= len)
        .unwrap_or_else(|| Float32Array::new_with_length(u32::try_from(len).unwrap_or(u32::MAX)))
}

/// Integrates pixels along steps [height, width, 2] in a worker. Returns the end points `[y, x]`.
///
/// # Errors
/// Fails if the steps do not have that shape.
#[wasm_bindgen(js_name = followFlows)]
pub fn follow_flows(
    steps: &[f32],
    height: usize,
    width: usize,
    pixels: Vec<u32>,
    niter: u32,
    interp: bool,
) -> Result<Array, JsValue> {
    let steps = Steps::from_values(steps, height, width).map_err(|error| failure::from_error(&error.into()))?;
    let EndPoints { y, x, .. } = steps.follow(pixels, niter, interp);
    Ok(Array::of2(&Float32Array::from(&y[..]), &Float32Array::from(&x[..])))
}

/// Minimum number of pixels per worker; fewer do not repay the message.
const MIN_SHARE: usize = 1 << 13;
/// Maximum bytes of steps in all workers. Each holds two copies: the message, and one in its wasm memory, which never
/// shrinks.
const MAX_STEPS: usize = 256 << 20;

/// The workers, called through a JavaScript function `call(name, arguments)` that returns a promise of two arrays.
///
/// The names are `run` for [`TileNetwork::run`] and `followFlows` for [`follow_flows`].
#[derive(Debug)]
pub(crate) struct Workers {
    call: Function,
    count: usize,
    /// Number of output planes of the network.
    nout: usize,
    /// Arrays returned by workers, for reuse: allocating costs more time than copying.
    spare: RefCell<Vec<Float32Array>>,
}

impl RemoteBackend for Workers {
    fn info(&self) -> DeviceInfo {
        match Segmenter::cpu_info() {
            DeviceInfo::Cpu { isa, .. } => DeviceInfo::Cpu { isa, threads: self.count },
            other => other,
        }
    }

    fn network(&self, tile: &[f32], height: usize, width: usize) -> PendingBatch<'_> {
        let pixels = height * width;
        let values = sized(self.spare.borrow_mut().pop(), tile.len().max(self.nout * pixels));
        part(&values, tile.len()).copy_from(tile);
        let channels = JsValue::from(tile.len() / pixels.max(1));
        let answer = self.call_worker("run", [values.into(), channels, height.into(), width.into()]);
        Box::pin(async move {
            let [values, style] = arrays(answer?).await?;
            let outputs = part(&values, self.nout * pixels).to_vec();
            self.spare.borrow_mut().push(values);
            Ok(Batch { outputs, styles: style.to_vec() })
        })
    }

    fn follow_flows<'a>(
        &'a self,
        steps: &'a Steps<'a>,
        pixels: Vec<u32>,
        niter: u32,
        interp: bool,
    ) -> Pin<Box<dyn Future<Output = Result<EndPoints, Error>> + 'a>> {
        Box::pin(async move {
            // Each further worker needs a copy of the steps; this one processes the first share itself.
            let workers = self.count.saturating_sub(1).min(MAX_STEPS / (2 * size_of_val(steps.values())).max(1));
            let shares = (workers + 1).min(pixels.len() / MIN_SHARE).max(1);
            let mut parts = pixels.chunks(pixels.len().div_ceil(shares).max(1));
            let own = parts.next().unwrap_or_default().to_vec();
            let answers: Vec<JsFuture> =
                parts.map(|pixels| self.follow_part(steps, pixels, niter, interp)).collect::<Result<_, _>>()?;
            let mut ends = steps.follow(own, niter, interp);
            for answer in answers {
                let [y, x] = arrays(answer).await?;
                ends.y.extend(y.to_vec());
                ends.x.extend(x.to_vec());
            }
            ends.pixels = pixels;
            Ok(ends)
        })
    }
}

impl Workers {
    pub(crate) fn new(call: Function, count: usize, nout: usize) -> Self {
        Self { call, count, nout, spare: RefCell::default() }
    }

    fn follow_part(&self, steps: &Steps<'_>, pixels: &[u32], niter: u32, interp: bool) -> Result<JsFuture, Error> {
        let values = Float32Array::from(steps.values());
        let [height, width] = steps.size().map(JsValue::from);
        let pixels = Uint32Array::from(pixels);
        self.call_worker("followFlows", [values.into(), height, width, pixels.into(), niter.into(), interp.into()])
    }

    fn call_worker<const N: usize>(&self, name: &str, arguments: [JsValue; N]) -> Result<JsFuture, Error> {
        let arguments: Array = arguments.into_iter().collect();
        let promise = self.call.call2(&JsValue::NULL, &name.into(), &arguments);
        Ok(promise.and_then(JsCast::dyn_into::<Promise>).map_err(failed)?.into())
    }
}

/// The two arrays of a worker's answer.
async fn arrays(answer: JsFuture) -> Result<[Float32Array; 2], Error> {
    let answer: Array = answer.await.and_then(JsCast::dyn_into).map_err(failed)?;
    let array = |at| answer.get(at).dyn_into().map_err(failed);
    Ok([array(0)?, array(1)?])
}

fn failed(thrown: JsValue) -> Error {
    let message =
        thrown.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{thrown:?}"), |error| error.message().into());
    Error::Remote(format!("a worker failed: {message}"))
}
