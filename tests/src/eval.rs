//! Whole images through the library, with the parameters of a case of the reference's `eval`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use cytoshade::{Device, Image, Model, Normalize, Outputs, Params, Segmenter, Stack};
use cytoshade_formats::ReadOptions;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::fixtures::{Case, NEEDS_TEST_DATA, numbers};
use crate::gpu::NEEDS_ADAPTER;
use crate::{agree, trial};

/// A hardware GPU if there is one, else a software adapter.
pub fn gpu_device() -> Option<Device> {
    use cytoshade::AdapterKind::Software;
    static FOUND: OnceLock<Option<Device>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let adapters = cytoshade::adapters();
        if adapters.iter().any(|adapter| adapter.auto) {
            Some(Device::Gpu)
        } else if adapters.iter().any(|adapter| adapter.kind == Software) {
            Some(Device::Software)
        } else {
            None
        }
    })
}

/// A test of the bundled network's segmenter on the CPU and on the best adapter, software included.
///
/// Ignored without an adapter. Its names are `MODULE::BACKEND::NAME`.
pub fn bundled_trials(module: &str, name: &str, test: fn(&Segmenter) -> Result<(), Failed>) -> Vec<Trial> {
    let on = |(word, device): (&str, Option<Device>)| {
        let missing = device.is_none().then_some(NEEDS_ADAPTER);
        trial(format!("{module}::{word}::{name}"), missing, move || {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cytoshade-demo.safetensors");
            let device = device.ok_or(NEEDS_ADAPTER)?;
            test(&Segmenter::builder(&Model::open(file)?).device(device).build()?)
        })
    };
    [("cpu", Some(Device::Cpu)), ("gpu", gpu_device())].into_iter().map(on).collect()
}

/// The case of the published width with the fewest tiles.
const SMALLEST: &str = "full_tests_data_img2d";

/// The test of a case on the CPU and on the best adapter, software included.
///
/// Ignored if the case's data or the adapter is missing. Its names are `MODULE::BACKEND::CASE`.
///
/// A network of the published width takes seconds per tile on a software adapter: there it only runs on the smallest image.
pub fn trials(module: &str, case: &Case, test: fn(&Case, Device) -> Result<(), Failed>) -> Vec<Trial> {
    let mut devices = vec![("cpu", Some(Device::Cpu))];
    if !case.is_wide() || case.name() == SMALLEST || gpu_device() != Some(Device::Software) {
        devices.push(("gpu", gpu_device()));
    }
    let no_data = (!case.complete()).then_some(NEEDS_TEST_DATA);
    let on = |(name, device): (&str, Option<Device>)| {
        let missing = no_data.or(device.is_none().then_some(NEEDS_ADAPTER));
        let case = case.clone();
        trial(format!("{module}::{name}::{}", case.name()), missing, move || test(&case, device.ok_or(NEEDS_ADAPTER)?))
    };
    devices.into_iter().map(on).collect()
}

/// The segmenter of a case. Cached by network, size model and device: building compiles the shaders.
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
    let mut builder = Segmenter::builder(&Model::open(model)?).device(device);
    if let Some(path) = size_model {
        builder = builder.size_model(cytoshade::SizeModel::open(path)?);
    }
    let segmenter = Arc::new(builder.build()?);
    made.insert(key, segmenter.clone());
    Ok(segmenter)
}

/// The image of a case, or the crop [y0, y1, x0, x1] of it.
pub fn image(case: &Case) -> Result<Image, Failed> {
    let path = case.input_path("image").ok_or("no image")?;
    let mut images = cytoshade_formats::read(path, &ReadOptions::default())?;
    if images.len() != 1 {
        return Err(format!("the file holds {} images", images.len()).into());
    }
    let image = images.remove(0);
    match numbers(case.extra("crop"))[..] {
        [y0, y1, x0, x1] => crop(&image, y0..y1, x0..x1),
        _ => Ok(image),
    }
}

/// The stack of a case, or the crop [z0, z1, y0, y1, x0, x1] of it.
pub fn stack(case: &Case) -> Result<Stack, Failed> {
    let path = case.input_path("stack").ok_or("no stack")?;
    let options = ReadOptions::stack();
    let layers = cytoshade_formats::read(path, &options)?;
    match numbers(case.extra("crop"))[..] {
        [z0, z1, y0, y1, x0, x1] => {
            let layers = layers.get(z0..z1).ok_or("the crop leaves the stack")?;
            let crops: Result<_, Failed> = layers.iter().map(|layer| crop(layer, y0..y1, x0..x1)).collect();
            Ok(Stack::new(crops?)?)
        }
        _ => Ok(Stack::new(layers)?),
    }
}

fn crop(image: &Image, rows: Range<usize>, columns: Range<usize>) -> Result<Image, Failed> {
    let mut values = Vec::new();
    for channel in 0..image.channels() {
        let plane = image.to_planes(channel)?;
        for row in plane.as_slice().chunks_exact(image.width()).take(rows.end).skip(rows.start) {
            values.extend_from_slice(row.get(columns.clone()).ok_or("the crop leaves the image")?);
        }
    }
    Ok(Image::new(values, image.channels(), rows.len(), columns.len())?)
}

/// Segments the image or the stack of a case and compares the cells with the reference's.
pub fn cells_agree(case: &Case, device: Device) -> Result<(), Failed> {
    cells_agree_with(case, &*segmenter(case, device)?)
}

/// [`cells_agree`] with a given segmenter.
pub fn cells_agree_with(case: &Case, segmenter: &Segmenter) -> Result<(), Failed> {
    let params = params(case);
    let expected = case.expected("labels").ok_or("no labels")?;
    if !case.has_input("stack") {
        let found = segmenter.segment(&image(case)?, &params)?;
        return same_cells(case, found.cells(), found.labels.as_slice(), &expected.u32());
    }
    let found = segmenter.segment_stack(&stack(case)?, &params)?.labels;
    if params.do_3d || params.stitch_threshold > 0.0 {
        return same_cells(case, found.max() as usize, found.as_slice(), &expected.u32());
    }
    // Each z-slice is numbered separately.
    let expected = expected.label_volume();
    for z in 0..expected.depth() {
        agree::masks_with_twin(found.slice(z).as_slice(), expected.slice(z).as_slice())?;
    }
    Ok(())
}

/// If the outcome depends on the network's rounding, the case lists the reference's further answers.
fn same_cells(case: &Case, cells: usize, labels: &[u32], expected: &[u32]) -> Result<(), Failed> {
    let Some(further) = case.expected("answers").map(|answers| answers.u32()) else {
        if cells != case.cells()? {
            return Err(format!("{cells} cells, expected {}", case.cells()?).into());
        }
        return agree::masks_with_twin(labels, expected);
    };
    let answers: Vec<&[u32]> = std::iter::once(expected).chain(further.chunks(expected.len())).collect();
    agree::masks_of_with_twin(labels, &answers)
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

/// The parameters of a case; the others have their defaults.
pub fn params(case: &Case) -> Params {
    let default = Params::default();
    let number = |name: &str, default: f64| case.param(name).as_f64().unwrap_or(default);
    let flag = |name: &str, default: bool| case.param(name).as_bool().unwrap_or(default);
    let count = |name: &str| number(name, 0.0).max(0.0) as usize;
    Params::new()
        .channels([count("chan"), count("chan2")])
        .all_channels(flag("all_channels", false))
        .normalize(normalize(case))
        .invert(flag("invert", false))
        .sharpen_radius(number("sharpen_radius", 0.0) as f32)
        .smooth_radius(number("smooth_radius", 0.0) as f32)
        .tile_norm_blocksize(count("tile_norm_blocksize"))
        .tile_norm_smooth3d(number("tile_norm_smooth3D", 1.0) as f32)
        .norm3d(flag("norm3D", true))
        .diameter(case.param("diameter").as_f64().map(|diameter| diameter as f32))
        .resample(flag("resample", true))
        .bsize(case.param("bsize").as_u64().map(|side| side as usize))
        .tile_overlap(number("tile_overlap", default.tile_overlap))
        .augment(flag("augment", false))
        .niter(case.param("niter").as_u64().map(|niter| niter as u32))
        .interp(flag("interp", true))
        .cellprob_threshold(number("cellprob_threshold", 0.0) as f32)
        .flow_threshold(number("flow_threshold", default.flow_threshold))
        .max_size_fraction(number("max_size_fraction", default.max_size_fraction))
        .min_size(count("min_size"))
        .do_3d(flag("do_3D", false))
        .anisotropy(number("anisotropy", 1.0))
        .flow3d_smooth(number("flow3D_smooth", 0.0))
        .stitch_threshold(number("stitch_threshold", 0.0))
        .outputs(Outputs::ALL)
}
