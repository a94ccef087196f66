//! Files saved for other programs, as those programs open them: Cellpose's graphical program, roifile (for Fiji), and
//! readers of JSON and CSV. `tests/oracle/check_saved.py` checks them; without the reference's environment these tests
//! are ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use cytoshade::{Device, Model, Outputs, Params, Segmenter};
use cytoshade_core::{Image, LabelVolume, Labels, Planes, Volume};
use cytoshade_formats::{
    FlowView, LabelView, SegParts, outline_labels, save, write_csv, write_geojson, write_labels_npy, write_outlines,
    write_rois, write_seg,
};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::synthetic::{CENTERS, domes};
use cytoshade_tests::{eval, trial};
use libtest_mimic::{Arguments, Failed};

const NEEDS_PYTHON: &str = "target/oracle (tests/oracle/setup.sh) or CYTOSHADE_ORACLE";

fn main() {
    let missing = python().is_err().then_some(NEEDS_PYTHON);
    let mut trials = vec![trial("saved_files_are_the_references", missing, || compare(&python()?))];
    for (name, device) in [("cpu", Some(Device::Cpu)), ("gpu", eval::gpu_device())] {
        let missing = missing.or(device.is_none().then_some(NEEDS_ADAPTER));
        let run = move || segmented(device.ok_or(NEEDS_ADAPTER)?);
        trials.push(trial(format!("{name}: what_is_segmented_is_saved_so"), missing, run));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The Python of the reference's environment, if any.
fn python() -> Result<PathBuf, &'static str> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let made = root.join("target/oracle/bin/python");
    std::env::var_os("CYTOSHADE_ORACLE")
        .map(PathBuf::from)
        .or_else(|| made.is_file().then_some(made))
        .ok_or(NEEDS_PYTHON)
}

/// Small pseudo-random numbers.
fn noise(at: usize, seed: u64) -> u64 {
    let mixed = (at as u64 + seed * 7919).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

/// Disks, some of them with holes and with islands in these.
fn disks() -> Labels {
    let (height, width) = (120, 150);
    let disks = [(30, 30, 22), (30, 30, 14), (30, 30, 5), (80, 40, 25), (70, 110, 28), (20, 120, 9), (100, 100, 17)];
    let label = |y: isize, x: isize| {
        let inside = |&(cy, cx, r): &(isize, isize, isize)| (y - cy).pow(2) + (x - cx).pow(2) <= r * r;
        match disks.iter().rposition(inside) {
            Some(1) => 0,
            Some(2) => 1,
            Some(disk) => disk as u32 + 1,
            None => 0,
        }
    };
    let pixels = (0..height * width).map(|at| label(at / width, at % width)).collect();
    compact(Labels::new(pixels, height as usize, width as usize).unwrap_or_default())
}

/// Labels that each consist of many parts, holes and dots.
fn crowd(seed: u64, block: usize, kinds: u64) -> Labels {
    let (height, width) = (41, 53);
    let pixel = |at: usize| (noise(at / width / block * width + at % width / block, seed) % kinds) as u32;
    compact(Labels::new((0..height * width).map(pixel).collect(), height, width).unwrap_or_default())
}

/// Two parts of equal length, of which the first found must be used.
fn twins() -> Labels {
    let mut labels = Labels::zeros(20, 30);
    for (label, corners) in [(1, [(2, 2), (10, 14)]), (2, [(2, 20), (2, 10)]), (3, [(12, 24), (14, 2)])] {
        for (top, left) in corners {
            for at in 0..16 {
                labels.as_mut_slice()[(top + at / 4) * 30 + left + at % 4] = label;
            }
        }
    }
    labels
}

/// The labels without gaps in their numbers, as in the reference's files.
fn compact(mut labels: Labels) -> Labels {
    let mut known: Vec<u32> = labels.as_slice().to_vec();
    known.push(0);
    known.sort();
    known.dedup();
    for label in labels.as_mut_slice() {
        *label = known.binary_search(label).unwrap_or(0) as u32;
    }
    labels
}

fn planes(channels: usize, height: usize, width: usize) -> Result<Planes, Failed> {
    let values = (0..channels * height * width).map(|at| noise(at, 3) as f32 / f32::MAX.sqrt() % 7.0 - 3.0);
    let values = values.enumerate().map(|(at, value)| value + (at as f32 * 0.01).sin() * 4.0).collect();
    Ok(Planes::new(values, channels, height, width)?)
}

fn write(folder: &Path, stem: &str, labels: &Labels, shrink: usize, channels: usize) -> Result<(), Failed> {
    let (height, width) = (labels.height(), labels.width());
    let pixels = (0..channels * height * width).map(|at| noise(at, 5) as u16).collect();
    let image = Image::new(pixels, channels, height, width)?;
    let (flows, cellprob) = (planes(2, height / shrink, width / shrink)?, planes(1, height / shrink, width / shrink)?);
    write_parts(folder, stem, channels, (labels, &image, &flows, &cellprob))
}

type Parts<'a> = (&'a Labels, &'a Image, &'a Planes, &'a Planes);

fn write_parts(
    folder: &Path,
    stem: &str,
    channels: usize,
    (labels, image, flows, cellprob): Parts<'_>,
) -> Result<(), Failed> {
    let parts = SegParts {
        labels: labels.into(),
        images: std::slice::from_ref(image),
        flows: Some(FlowView::image(flows, cellprob)?),
        filename: "no/such/image.png",
        channels: [channels - 1, 0],
        diameter: 21.75,
    };
    write_files(folder, stem, &parts)?;
    save(folder.join(format!("{stem}.txt")), |out| write_outlines(out, labels))?;
    let mut inner = labels.clone();
    inner.remove_edge_masks();
    save(folder.join(format!("{stem}_inner.npy")), |out| write_labels_npy(out, &inner))?;
    Ok(())
}

fn write_files(folder: &Path, stem: &str, parts: &SegParts<'_>) -> Result<(), Failed> {
    let labels: LabelView<'_> = parts.labels;
    save(folder.join(format!("{stem}_seg.npy")), |out| write_seg(out, parts))?;
    save(folder.join(format!("{stem}_rois.zip")), |out| write_rois(out, labels))?;
    save(folder.join(format!("{stem}.geojson")), |out| write_geojson(out, labels))?;
    save(folder.join(format!("{stem}.csv")), |out| write_csv(out, labels))?;
    Ok(())
}

/// A stack of crowds, with flows in two or three axes.
fn write_stack(folder: &Path, stem: &str, axes: usize, channels: usize) -> Result<(), Failed> {
    let crowds: Vec<Labels> = (0..3).map(|seed| crowd(seed, 3, 5)).collect();
    let (depth, height, width) = (crowds.len(), crowds[0].height(), crowds[0].width());
    let all = crowds.iter().flat_map(Labels::as_slice).copied().collect();
    let mut labels = LabelVolume::new(all, depth, height, width)?;
    let pixels = channels * height * width;
    let slice =
        |z: usize| Image::new((0..pixels).map(|at| noise(at, z as u64) as u16).collect(), channels, height, width);
    let images = (0..depth).map(slice).collect::<Result<Vec<_>, _>>()?;
    let volume = |channels: usize| -> Result<Volume, Failed> {
        let values = planes(channels * depth, height, width)?.into_vec();
        Ok(Volume::new(values, channels, depth, height, width)?)
    };
    let (flows, cellprob) = (volume(axes)?, volume(1)?);
    let parts = SegParts {
        labels: (&labels).into(),
        images: &images,
        flows: Some(FlowView::stack(&flows, &cellprob)?),
        filename: "no/such/stack.tif",
        channels: [0, 0],
        diameter: 12.0,
    };
    write_files(folder, stem, &parts)?;
    labels.remove_edge_masks();
    save(folder.join(format!("{stem}_inner.npy")), |out| write_labels_npy(out, &labels))?;
    Ok(())
}

/// A segmentation from a device, saved and read.
fn segmented(device: Device) -> Result<(), Failed> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cytoshade-demo.safetensors");
    let (image, params) = (domes(&CENTERS), Params::new().outputs(Outputs::ALL));
    let found = Segmenter::builder(&Model::open(file)?).device(device).build()?.segment(&image, &params)?;
    let (flows, cellprob) = (found.flows.ok_or("no flows")?, found.cellprob.ok_or("no cell probability")?);
    let folder = tempfile::tempdir()?;
    write_parts(folder.path(), "domes", 1, (&found.labels, &image, &flows, &cellprob))?;
    check(&python()?, folder.path())
}

fn check(python: &Path, folder: &Path) -> Result<(), Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/check_saved.py");
    let output = Command::new(python).arg(script).arg(folder).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn compare(python: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let disks = disks();
    write(folder.path(), "disks", &disks, 1, 1)?;
    write(folder.path(), "resized", &disks, 3, 3)?;
    write(folder.path(), "twins", &twins(), 1, 1)?;
    write(folder.path(), "empty", &Labels::zeros(30, 40), 1, 1)?;
    for seed in 0..12 {
        let (block, kinds) = (1 + seed as usize % 4, 2 + seed % 5);
        write(folder.path(), &format!("crowd{seed}"), &crowd(seed, block, kinds), 1, 2)?;
    }
    write_stack(folder.path(), "stack", 3, 1)?;
    write_stack(folder.path(), "stitched", 2, 2)?;
    check(python, folder.path())?;

    // The comparison must fail for each file in turn if it belongs to another image.
    let mut other = disks.clone();
    let inside = other.as_slice().iter().position(|&label| label == 3).ok_or("no third cell")?;
    other.as_mut_slice()[inside] = 0;
    type Spoil<'a> = &'a dyn Fn(&Path) -> Result<(), cytoshade_formats::Error>;
    let spoils: [(&str, Spoil<'_>); 6] = [
        ("disks_seg.npy", &|path| spoil_outlines(path, &disks)),
        ("disks_rois.zip", &|path| save(path, |out| write_rois(out, &other))),
        ("disks.geojson", &|path| save(path, |out| write_geojson(out, &other))),
        ("disks.csv", &|path| save(path, |out| write_csv(out, &other))),
        ("disks.txt", &|path| save(path, |out| write_outlines(out, &other))),
        ("disks_inner.npy", &|path| save(path, |out| write_labels_npy(out, &other))),
    ];
    for (name, spoil) in spoils {
        let folder = tempfile::tempdir()?;
        write(folder.path(), "disks", &disks, 1, 1)?;
        spoil(&folder.path().join(name))?;
        if check(python, folder.path()).is_ok() {
            return Err(format!("a spoilt {name} was not noticed").into());
        }
    }
    Ok(())
}

/// Removes a pixel from the outlines in a `_seg.npy`.
fn spoil_outlines(path: &Path, labels: &Labels) -> Result<(), cytoshade_formats::Error> {
    let outlines: Vec<u8> =
        outline_labels(labels)?.as_slice().iter().flat_map(|&label| (label as u16).to_le_bytes()).collect();
    let mut bytes = std::fs::read(path).map_err(cytoshade_formats::Error::Read)?;
    let start = bytes.windows(outlines.len()).position(|part| part == outlines).unwrap_or(0);
    let pixel = outlines.iter().position(|&byte| byte != 0).unwrap_or(0);
    bytes[start + pixel] = 0;
    std::fs::write(path, bytes).map_err(cytoshade_formats::Error::Write)
}
