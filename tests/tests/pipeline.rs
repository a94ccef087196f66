//! Whole images through the library against the reference's fixtures, on the CPU and on a GPU or software adapter.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use cytoshade::{Channels, Device, Image, Model, Normalize, Outputs, Params, Segmenter};
use cytoshade_formats::ReadOptions;
use cytoshade_tests::fixtures::{Case, NEEDS_TEST_DATA, cases};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, both_ways, trial};
use libtest_mimic::{Arguments, Failed};

/// Allowed for the outputs of a whole pipeline in f32 against the reference's f32: rounding of every stage before.
const OUTPUTS: f64 = 1e-5;

/// The image of the full width's cases that has the fewest tiles.
const SMALLEST: &str = "tests_data_img2d";

fn main() {
    let adapter = gpu_device();
    let mut trials = Vec::new();
    for case in cases("pipeline", "cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let (on_cpu, on_gpu) = (case.clone(), case.clone());
        trials.push(trial(format!("cpu: {}", case.name()), missing, move || run(&on_cpu, Device::Cpu)));
        let missing = missing.or(adapter.is_none().then_some(NEEDS_ADAPTER));
        let device = adapter.unwrap_or(Device::Gpu);
        trials.push(trial(format!("gpu: {}", case.name()), missing, move || run(&on_gpu, device)));
    }
    // The published width takes seconds a tile on a software adapter, so only the smallest image goes there.
    for case in cases("full_width", "cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let on_gpu = case.clone();
        trials.push(trial(format!("cpu, full width: {}", case.name()), missing, move || run(&case, Device::Cpu)));
        let is_small = on_gpu.name() == SMALLEST;
        if is_small || adapter == Some(Device::Gpu) {
            let missing = missing.or(adapter.is_none().then_some(NEEDS_ADAPTER));
            let device = adapter.unwrap_or(Device::Gpu);
            trials.push(trial(format!("gpu, full width: {}", on_gpu.name()), missing, move || run(&on_gpu, device)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A real GPU where there is one, else a software adapter.
fn gpu_device() -> Option<Device> {
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

/// One segmenter for each model and device, since making one compiles the shaders.
fn segmenter(path: PathBuf, device: Device) -> Result<Arc<Segmenter>, Failed> {
    type Made = Mutex<HashMap<(PathBuf, String), Arc<Segmenter>>>;
    static MADE: OnceLock<Made> = OnceLock::new();
    let mut made = MADE.get_or_init(Default::default).lock().map_err(|_| "an earlier case panicked")?;
    let key = (path.clone(), format!("{device:?}"));
    if let Some(segmenter) = made.get(&key) {
        return Ok(segmenter.clone());
    }
    let segmenter = Arc::new(Segmenter::builder().device(device).build(&Model::open(path)?)?);
    made.insert(key, segmenter.clone());
    Ok(segmenter)
}

fn params(case: &Case) -> Params {
    let pair = |name: &str| {
        let value = case.param(name);
        Some((value[0].as_f64()?, value[1].as_f64()?))
    };
    let normalize = match (case.flag("normalize"), pair("lowhigh"), pair("percentile")) {
        (false, ..) => Normalize::Off,
        (_, Some((low, high)), _) => Normalize::Range { low, high },
        (.., Some((low, high))) => Normalize::Percentile { low: low as f32, high: high as f32 },
        _ => Params::default().normalize,
    };
    let count = |name: &str| case.param(name).as_u64().unwrap_or(0) as usize;
    Params {
        channels: Channels { chan: count("chan"), chan2: count("chan2") },
        normalize,
        invert: case.flag("invert"),
        diameter: case.param("diameter").as_f64().map(|diameter| diameter as f32),
        resample: case.flag("resample"),
        bsize: count("bsize"),
        tile_overlap: case.number("tile_overlap"),
        augment: case.flag("augment"),
        niter: case.param("niter").as_u64().map(|niter| niter as u32),
        interp: case.flag("interp"),
        cellprob_threshold: case.number("cellprob_threshold") as f32,
        flow_threshold: case.number("flow_threshold"),
        max_size_fraction: case.number("max_size_fraction"),
        min_size: case.number("min_size").max(0.0) as usize,
        outputs: Outputs::ALL,
        ..Params::default()
    }
}

fn image(case: &Case) -> Result<Image, Failed> {
    let path = case.input_path("image").ok_or("no image")?;
    let mut images = cytoshade_formats::read(path, &ReadOptions::default())?;
    if images.len() != 1 {
        return Err(format!("the file holds {} images", images.len()).into());
    }
    Ok(images.remove(0))
}

fn run(case: &Case, device: Device) -> Result<(), Failed> {
    let segmenter = segmenter(case.input_path("model").ok_or("no model")?, device)?;
    let segmentation = segmenter.segment(&image(case)?, &params(case))?;

    if case.name() == "constant" {
        // The reference shows the network a constant channel as it is; here it becomes zero. Neither finds a cell.
        let nothing = segmentation.cells() == 0 && case.expected_json("cells") == 0;
        return if nothing { Ok(()) } else { Err("cells in a constant image".into()) };
    }
    if let Some(expected) = case.expected("style") {
        let style = segmentation.style.clone().ok_or("no style")?;
        both_ways(&style, |s| s[0] += 0.01, |s| agree::l2_within(s, &expected.f32(), OUTPUTS))?;
    }
    for (name, ours) in [("flows", &segmentation.flows), ("cellprob", &segmentation.cellprob)] {
        if let Some(expected) = case.expected(name) {
            let ours = ours.as_ref().ok_or("not given")?.as_slice().to_vec();
            let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
            both_ways(&ours, perturb, |o| agree::l2_within(o, &expected.f32(), OUTPUTS))
                .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
        }
    }
    let expected = case.expected("labels").ok_or("no labels")?.u32();
    let cells = case.expected_json("cells").as_u64().ok_or("no count")?;
    if segmentation.cells() as u64 != cells {
        return Err(format!("{} cells, expected {cells}", segmentation.cells()).into());
    }
    let labels = segmentation.labels.into_vec();
    if cells == 0 {
        return Ok(agree::masks(&labels, &expected)?);
    }
    both_ways(
        &labels,
        |l| l.iter_mut().for_each(|v| *v = (*v == 1).into()),
        |l| {
            // Where there is one cell, the perturbation must change something else.
            agree::masks(l, &expected)
        },
    )
    .or_else(|failed| if cells == 1 { Ok(agree::masks(&labels, &expected)?) } else { Err(failed) })
}
