//! A second, tiny architecture from a file to labels, on every instruction set of the CPU and on a GPU or software adapter.

use cytoshade::{Device, Image, Model, Normalize, Outputs, Params, Segmenter, Stack};
use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{FlowChannels, Network};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};
use cytoshade_gpu::{ConvKernel, Gpu, Network as GpuNetwork, Options};
use cytoshade_model::{Error, LoadOptions, SaveOptions, load, load_tensors, to_safetensors};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::random::Random;
use cytoshade_tests::synthetic::{SIDE, domes};
use cytoshade_tests::three_convs::{ThreeConvs, recognize, with_flows};
use cytoshade_tests::{agree, each_way, eval, gpu, must_fail_when_perturbed, trial};
use libtest_mimic::{Arguments, Failed};
use pollster::block_on;

/// (y, x) of the centers of cells away from tile edges: to so small a network, the zeros around a tile look like an
/// edge of the cell.
const CENTERS: [(i32, i32); 4] = [(30, 32), (32, 112), (112, 30), (116, 112)];

/// Relative L2 error that a Winograd kernel of the GPU may make.
const WINOGRAD: f64 = 1e-5;

fn main() {
    let adapter = gpu::open();
    let mut trials = vec![
        trial("own architecture: the readers name what they found", None, unknown_tensors),
        trial("own architecture: parts that do not fit are refused", None, parts_that_do_not_fit),
    ];
    for isa in Isa::ALL {
        let missing = (!Isa::available().contains(&isa)).then_some("this instruction set");
        trials.push(trial(format!("own architecture: outputs on {isa}"), missing, move || outputs_on_cpu(isa)));
    }
    trials.push(gpu::trial(&adapter, "own architecture: outputs on a GPU", None, outputs_on_gpu));
    let device = eval::gpu_device();
    let missing = device.is_none().then_some(NEEDS_ADAPTER);
    for (name, device, missing) in [("the CPU", Device::Cpu, None), ("a GPU", device.unwrap_or(Device::Gpu), missing)] {
        let mut on = |what: &str, test: fn(Device) -> Result<(), Failed>| {
            trials.push(trial(format!("own architecture: {what} on {name}"), missing, move || test(device)));
        };
        on("labels", labels);
        on("flows, cell probability and classes of one tile", one_tile);
        on("stacks", stacks);
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// File, tensors, network.
fn network(values: &ThreeConvs) -> Result<Network, Failed> {
    Ok(recognize(&load_tensors(&values.file(), &LoadOptions::default())?)?)
}

/// The readers of U-Nets refuse the file, and the writer refuses the network.
fn unknown_tensors() -> Result<(), Failed> {
    let values = ThreeConvs::bright_cells();
    match load(&values.file(), &LoadOptions::default()) {
        Err(error @ Error::NoNetwork { .. }) => {
            let message = error.to_string();
            assert!(message.contains("“conv_0.bias”, “conv_0.weight”, "), "{message}");
            assert!(message.contains("U-Net"), "{message}");
        }
        other => return Err(format!("{other:?}").into()),
    }
    let saved = to_safetensors(&network(&values)?, &SaveOptions::default());
    assert!(matches!(saved, Err(Error::NotSaved { .. })), "{saved:?}");
    Ok(())
}

fn parts_that_do_not_fit() -> Result<(), Failed> {
    let mut tensors = load_tensors(&ThreeConvs::random(1, [1, 5, 7, 3]).file(), &LoadOptions::default())?;
    assert!(recognize(&tensors).is_ok());
    let flows = |dy, dx, cellprob| with_flows(&tensors, Some(FlowChannels { dy, dx, cellprob }));
    assert!(flows(2, 0, 1).is_ok());
    assert!(flows(0, 1, 1).unwrap_err().contains("three different channels"));
    assert!(flows(1, 2, 3).unwrap_err().contains("three different channels"));
    // Five channels are given, six are read.
    let weight = tensors.get_mut("conv_1.weight").ok_or("no weight")?;
    weight.shape = vec![7, 6, 3, 3];
    weight.values.resize(7 * 6 * 9, 0.0);
    let error = recognize(&tensors).unwrap_err();
    assert!(error.contains("conv_1"), "{error}");
    Ok(())
}

/// Outputs of random networks, of channels that do and do not fill blocks.
fn outputs(limit: f64, run: impl Fn(&Network, &[f32], [usize; 3]) -> Result<Vec<f32>, Failed>) -> Result<(), Failed> {
    for (seed, channels, [count, height, width]) in
        [(1, [1, 5, 7, 3], [2, 9, 13]), (2, [2, 16, 17, 4], [1, 12, 20]), (3, [3, 33, 8, 5], [3, 5, 7])]
    {
        let values = ThreeConvs::random(seed, channels);
        let tiles = Random(seed).vector(count * channels[0] * height * width, -1.0, 2.0);
        let tiles_of = tiles.chunks_exact(channels[0] * height * width);
        let expected: Vec<f64> = tiles_of.flat_map(|tile| values.forward(tile, height, width)).collect();
        let found = run(&network(&values)?, &tiles, [count, height, width])?;
        each_way(
            &found,
            |found| agree::l2_within(found, &expected, limit),
            &[
                ("one output off", &|found| found[7] += 1e-2),
                ("a NaN", &|found| found[0] = f32::NAN),
                ("outputs without their last", &|found| found.truncate(found.len() - 1)),
            ],
        )?;
    }
    Ok(())
}

fn outputs_on_cpu(isa: Isa) -> Result<(), Failed> {
    outputs(agree::NETWORK, |network, tiles, [count, height, width]| {
        let network = CpuNetwork::with_isa(network, isa).ok_or("this machine lacks it")?;
        let batch = network.run(tiles, count, height, width, &mut |_| Ok(()))?;
        assert!(batch.styles.is_empty());
        Ok(batch.outputs)
    })
}

/// Every kernel that runs on the device, the first convolution of which has no ReLU.
fn outputs_on_gpu(gpu: &Gpu) -> Result<(), Failed> {
    let layer = |precision| cytoshade_gpu::Layer { inputs: 5, outputs: 7, shortcut: 0, precision };
    let options = Options::default();
    let suits = |kernel: &ConvKernel| kernel.applies(gpu.capabilities(), &layer(options.precision)).is_ok();
    let kernels: Vec<_> = ConvKernel::ALL.into_iter().filter(suits).map(Some).chain([None]).collect();
    assert!(kernels.len() > 1);
    for kernel in kernels {
        outputs(WINOGRAD, |network, tiles, [count, height, width]| {
            let network = block_on(GpuNetwork::with(gpu, network, Options { kernel, ..options }))?;
            // Packing, three convolutions of one dispatch or, by Winograd, of two; unpacking.
            let each = if network.kernels() == [ConvKernel::Winograd] { 2 } else { 1 };
            assert_eq!(network.dispatches(), 2 + 3 * each, "nothing is dispatched for a style");
            let batch = block_on(network.run(tiles, count, height, width))?;
            assert!(batch.styles.is_empty());
            Ok(batch.outputs)
        })?;
    }
    Ok(())
}

fn segmenter(network: Network, device: Device) -> Result<Segmenter, Failed> {
    Ok(Segmenter::builder(&Model::from_network(network)).device(device).build()?)
}

/// The flows are a gradient, not of unit length: their check is off.
fn params() -> Params {
    Params::new().normalize(Normalize::Off).flow_threshold(0.0).outputs(Outputs::ALL)
}

fn labels(device: Device) -> Result<(), Failed> {
    let image = domes(&CENTERS);
    let values = ThreeConvs::bright_cells();
    let found = segmenter(network(&values)?, device)?.segment(&image, &params())?;
    assert_eq!(found.style, None, "the network has none");
    assert_eq!(found.classes.as_ref().map(cytoshade::Planes::channels), Some(1));
    each_way(
        &found.labels.as_slice().to_vec(),
        |labels| is_one_cell_a_dome(labels),
        &[
            ("no cells", &|labels| labels.fill(0)),
            ("one cell", &|labels| labels.iter_mut().for_each(|label| *label = (*label).min(1))),
        ],
    )?;
    // Code that assumes the U-Net's order of outputs finds other labels.
    let tensors = load_tensors(&values.file(), &LoadOptions::default())?;
    let as_unet = with_flows(&tensors, Some(FlowChannels { dy: 0, dx: 1, cellprob: 2 }))?;
    let wrong = segmenter(as_unet, device)?.segment(&image, &params())?;
    assert!(is_one_cell_a_dome(wrong.labels.as_slice()).is_err());
    Ok(())
}

/// Each dome is one cell with the dome's boundary.
fn is_one_cell_a_dome(labels: &[u32]) -> Result<(), String> {
    let cells = labels.iter().max().copied().unwrap_or(0) as usize;
    if cells != CENTERS.len() {
        return Err(format!("{cells} cells"));
    }
    let mut seen = Vec::new();
    for (y, x) in CENTERS {
        let cell = labels[y as usize * SIDE + x as usize];
        let outside = labels[(y - 17) as usize * SIDE + x as usize];
        let inside = [-9, 9].map(|off| labels[(y + off) as usize * SIDE + x as usize]);
        if cell == 0 || seen.contains(&cell) || outside == cell || inside != [cell; 2] {
            return Err(format!("the cell at {y}, {x} is {cell}; {inside:?} within, {outside} beyond its edge"));
        }
        seen.push(cell);
    }
    Ok(())
}

/// An image that is one tile: its outputs are those of the plain formula on the padded plane.
fn one_tile(device: Device) -> Result<(), Failed> {
    let (height, width) = (41, 50);
    let values = ThreeConvs::random(9, [1, 8, 6, 5]);
    let pixels = Random(4).vector(height * width, 0.0, 1.0);
    let image = Image::new(pixels.clone(), 1, height, width)?;
    let found = segmenter(network(&values)?, device)?.segment(&image, &params())?;

    let rule = network(&values)?.description().tile;
    let TileLayout { pad_y, pad_x, tiling } = TileLayout::new(height, width, rule.padding, rule.side, 0.1, false);
    assert_eq!((tiling.tiles.len(), tiling.height, tiling.width), (1, 56, 64));
    let mut padded = vec![0.0; tiling.height * tiling.width];
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        padded[(y + pad_y.before) * tiling.width + pad_x.before..][..width].copy_from_slice(row);
    }
    let outputs = values.forward(&padded, tiling.height, tiling.width);
    let plane = |channel: usize| {
        let outputs = &outputs;
        (0..height * width).map(move |at| {
            let (y, x) = (at / width + pad_y.before, at % width + pad_x.before);
            outputs[(channel * tiling.height + y) * tiling.width + x]
        })
    };
    // Two classes come first, then dY, dX and the cell probability.
    let expected = [(found.flows, 2..4), (found.cellprob, 4..5), (found.classes, 0..2)];
    for (found, channels) in expected {
        let found = found.ok_or("an output that was asked for is missing")?.into_vec();
        let expected: Vec<f64> = channels.flat_map(plane).collect();
        must_fail_when_perturbed(
            &found,
            |found| found.rotate_left(1),
            |found| agree::l2_within(found, &expected, WINOGRAD),
        )?;
    }
    Ok(())
}

/// The z-slices of bright balls. The middle one equals that of [`domes`].
fn balls() -> Result<Stack, Failed> {
    let dome = domes(&CENTERS).to_planes(0)?;
    let slice = |z: i32| {
        let fall = 4.0 * (z - MIDDLE as i32).pow(2) as f32;
        let values = dome.as_slice().iter().map(|value| (value - fall).max(100.0)).collect::<Vec<f32>>();
        Image::new(values, 1, SIDE, SIDE)
    };
    Ok(Stack::new((0..=2 * MIDDLE as i32).map(slice).collect::<Result<_, _>>()?)?)
}

/// The z-slice through the centers of [`balls`].
const MIDDLE: usize = 18;

/// Slice by slice as images; and in 3-D, where the network's last output is the cell probability.
fn stacks(device: Device) -> Result<(), Failed> {
    let stack = balls()?;
    let segmenter = segmenter(network(&ThreeConvs::bright_cells())?, device)?;
    let slices = segmenter.segment_stack(&stack, &params())?;
    assert_eq!(slices.styles, None, "the network has none");
    let mut expected = Vec::new();
    for image in stack.slices() {
        expected.extend_from_slice(segmenter.segment(image, &params())?.labels.as_slice());
    }
    agree::equal_with_twin(slices.labels.as_slice(), &expected, "the labels of the slices")?;

    let volume = segmenter.segment_stack(&stack, &params().do_3d(true))?;
    assert_eq!(volume.styles, None, "the network has none");
    let plane = |z: usize| volume.labels.as_slice()[z * SIDE * SIDE..][..SIDE * SIDE].to_vec();
    must_fail_when_perturbed(&plane(MIDDLE), |labels| *labels = plane(0), |labels| is_one_cell_a_dome(labels))
}
