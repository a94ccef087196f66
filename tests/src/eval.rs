//! Whole images through the library as a case of the reference's `eval` says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use cytoshade::{Channels, Device, Image, LoadOptions, Model, Normalize, Outputs, Params, Segmenter, Stack};
use cytoshade_formats::{Pages, ReadOptions};
use libtest_mimic::Failed;
use serde_json::Value;

use crate::fixtures::Case;

/// A real GPU where there is one, else a software adapter.
pub fn gpu_device() -> Option<Device> {
    use cytoshade::AdapterKind::Software;
    let adapters = cytoshade::adapters();
    if adapters.iter().any(|adapter| adapter.auto) {
        Some(Device::Gpu)
    } else if adapters.iter().any(|adapter| adapter.kind == Software) {
        Some(Device::Software)
    } else {
        None
    }
}

/// The segmenter of a case: one for each network, size model and device, since making one compiles the shaders.
pub fn segmenter(case: &Case, device: Device) -> Result<Arc<Segmenter>, Failed> {
    type Key = (PathBuf, Option<PathBuf>, String);
    static MADE: OnceLock<Mutex<HashMap<Key, Arc<Segmenter>>>> = OnceLock::new();
    let model = case.input_path("model").ok_or("no model")?;
    let size_model = if case.has_input("size_model") { case.input_path("size_model") } else { None };
    let key = (model.clone(), size_model.clone(), format!("{device:?}"));
    let mut made = MADE.get_or_init(Default::default).lock().map_err(|_| "an earlier case panicked")?;
    if let Some(segmenter) = made.get(&key) {
        return Ok(segmenter.clone());
    }
    let mut builder = Segmenter::builder().device(device);
    if let Some(path) = size_model {
        builder = builder.size_model(cytoshade::open_size_model(path, &LoadOptions::default())?);
    }
    let segmenter = Arc::new(builder.build(&Model::open(model)?)?);
    made.insert(key, segmenter.clone());
    Ok(segmenter)
}

/// The image of a case.
pub fn image(case: &Case) -> Result<Image, Failed> {
    let path = case.input_path("image").ok_or("no image")?;
    let mut images = cytoshade_formats::read(path, &ReadOptions::default())?;
    if images.len() != 1 {
        return Err(format!("the file holds {} images", images.len()).into());
    }
    Ok(images.remove(0))
}

/// The stack of a case.
pub fn stack(case: &Case) -> Result<Stack, Failed> {
    let path = case.input_path("stack").ok_or("no stack")?;
    let options = ReadOptions { pages: Pages::Stack, ..ReadOptions::default() };
    Ok(Stack::new(cytoshade_formats::read(path, &options)?)?)
}

/// A pair of numbers.
fn pair(value: &Value) -> Option<(f64, f64)> {
    Some((value[0].as_f64()?, value[1].as_f64()?))
}

/// How intensities are normalized.
fn normalize(case: &Case) -> Normalize {
    let lowhigh = case.param("lowhigh");
    let each: Option<Vec<(f64, f64)>> = lowhigh.as_array().map(|each| each.iter().filter_map(pair).collect());
    match (pair(lowhigh), each, pair(case.param("percentile"))) {
        _ if !case.flag("normalize") => Normalize::Off,
        (Some((low, high)), ..) => Normalize::Range { low, high },
        (_, Some(each), _) => Normalize::Ranges(each),
        (.., Some((low, high))) => Normalize::Percentile { low: low as f32, high: high as f32 },
        _ => Params::default().normalize,
    }
}

/// The parameters of a case; what it does not name is at its default.
pub fn params(case: &Case) -> Params {
    let default = Params::default();
    let number = |name: &str, default: f64| case.param(name).as_f64().unwrap_or(default);
    let flag = |name: &str, default: bool| case.param(name).as_bool().unwrap_or(default);
    let count = |name: &str| number(name, 0.0).max(0.0) as usize;
    Params {
        channels: Channels { chan: count("chan"), chan2: count("chan2") },
        all_channels: flag("all_channels", false),
        normalize: normalize(case),
        invert: flag("invert", false),
        sharpen_radius: number("sharpen_radius", 0.0) as f32,
        smooth_radius: number("smooth_radius", 0.0) as f32,
        tile_norm_blocksize: count("tile_norm_blocksize"),
        tile_norm_smooth3d: number("tile_norm_smooth3D", 1.0) as f32,
        norm3d: flag("norm3D", true),
        diameter: case.param("diameter").as_f64().map(|diameter| diameter as f32),
        resample: flag("resample", true),
        bsize: case.param("bsize").as_u64().map_or(default.bsize, |side| side as usize),
        tile_overlap: number("tile_overlap", default.tile_overlap),
        augment: flag("augment", false),
        niter: case.param("niter").as_u64().map(|niter| niter as u32),
        interp: flag("interp", true),
        cellprob_threshold: number("cellprob_threshold", 0.0) as f32,
        flow_threshold: number("flow_threshold", default.flow_threshold),
        max_size_fraction: number("max_size_fraction", default.max_size_fraction),
        min_size: count("min_size"),
        do_3d: flag("do_3D", false),
        anisotropy: number("anisotropy", 1.0),
        flow3d_smooth: number("flow3D_smooth", 0.0),
        stitch_threshold: number("stitch_threshold", 0.0),
        outputs: Outputs::ALL,
        ..default
    }
}
