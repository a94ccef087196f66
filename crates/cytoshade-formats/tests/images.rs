//! Image files as tifffile (with imagecodecs) and Pillow read them: series, axes and every sample.
//!
//! The files are those that `tests/oracle/check_images.py` writes, of every compression, layout and type, and the
//! larger data's files of unusual kinds. Without the reference's environment these tests are reported as ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use cytoshade_core::{Image, Samples};
use cytoshade_formats::{ImageFile, Origin, Pages, ReadOptions, Selection, Series};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const NEEDS_TEST_DATA: &str = "CYTOSHADE_TEST_DATA";
const NEEDS_PYTHON: &str = "target/oracle (tests/oracle/setup.sh) or CYTOSHADE_ORACLE";
/// The most that a sample of a lossy picture may differ: decoders round, and enlarge colours, in their own ways.
const LOSSY: f32 = 3.0;

fn main() {
    let python = python();
    let no_python = python.is_none().then_some(NEEDS_PYTHON);
    let no_cases = no_python.or(test_data().is_none().then_some(NEEDS_TEST_DATA));
    let (first, second, third) = (python.clone(), python.clone(), python);
    let trials = vec![
        trial("files of every kind are read as tifffile reads them", no_python, move || generated(&first)),
        trial("files of unusual kinds are read as tifffile reads them", no_cases, move || cases(&second)),
        trial("a changed sample, axis or series is seen", no_python, move || perturbed(&third)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test that is reported as ignored if something is missing.
fn trial(name: &str, missing: Option<&str>, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let name = missing.map_or(name.to_owned(), |missing| format!("{name} (needs {missing})"));
    Trial::test(name, test).with_ignored_flag(missing.is_some())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn test_data() -> Option<PathBuf> {
    std::env::var_os("CYTOSHADE_TEST_DATA").map(PathBuf::from)
}

/// A Python with tifffile, if there is one.
fn python() -> Option<PathBuf> {
    let made = root().join("target/oracle/bin/python");
    let named = std::env::var_os("CYTOSHADE_ORACLE").map(PathBuf::from);
    named.or(made.is_file().then_some(made))
}

fn script(python: &Option<PathBuf>, arguments: &[&str], paths: &[PathBuf]) -> Result<String, Failed> {
    let script = root().join("tests/oracle/check_images.py");
    let python = python.as_ref().ok_or(NEEDS_PYTHON)?;
    let output = Command::new(python).arg(script).args(arguments).args(paths).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn files(folder: &Path, is_one: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Failed> {
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| path.file_name().is_some_and(|name| is_one(&name.to_string_lossy())));
    paths.sort();
    Ok(paths)
}

fn generated(python: &Option<PathBuf>) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let made = folder.path().join("made");
    script(python, &["make", &made.to_string_lossy()], &[])?;
    let paths = files(&made, |_| true)?;
    assert!(paths.len() > 200, "{}", paths.len());
    compare_all(python, &paths)
}

fn cases(python: &Option<PathBuf>) -> Result<(), Failed> {
    let folder = test_data().ok_or(NEEDS_TEST_DATA)?.join("cases");
    // Too many pixels for the default limit, and what tifffile itself takes an hour for.
    let paths = files(&folder, |name| name.starts_with("t_") && !name.contains("33000"))?;
    assert!(paths.len() > 30, "{}", paths.len());
    compare_all(python, &paths)
}

fn compare_all(python: &Option<PathBuf>, paths: &[PathBuf]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let said = script(python, &["read", &folder.path().to_string_lossy()], paths)?;
    let mut wrong = Vec::new();
    for (number, (path, line)) in paths.iter().zip(said.lines()).enumerate() {
        let expected: Value = serde_json::from_str(line)?;
        let arrays = |series: usize| folder.path().join(format!("{number}_{series}.npy"));
        if let Err(what) = compare(path, &expected, arrays) {
            wrong.push(format!("{}: {what}", path.display()));
        }
    }
    assert_eq!(said.lines().count(), paths.len());
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {} files:\n{}", wrong.len(), paths.len(), wrong.join("\n")).into())
}

/// Holds a file to what the other reader said of it; its samples lie in one file for each series.
fn compare(path: &Path, expected: &Value, arrays: impl Fn(usize) -> PathBuf) -> Result<(), String> {
    let file = ImageFile::open(path, &ReadOptions::default()).map_err(|error| error.to_string())?;
    let expected = expected["series"].as_array().ok_or_else(|| format!("the other reader failed: {expected}"))?;
    for (index, theirs) in expected.iter().enumerate() {
        let shape: Vec<usize> =
            theirs["shape"].as_array().into_iter().flatten().filter_map(Value::as_u64).map(|n| n as usize).collect();
        let axes = theirs["axes"].as_str().unwrap_or_default();
        let is_same = |series: &Series| same_axes(series, axes, &shape);
        // Plain pages of several kinds are series in an order of our own.
        let at = match file.series().get(index) {
            Some(series) if series.origin() != Origin::Pages => Some(index).filter(|_| is_same(series)),
            _ => file.series().iter().position(is_same),
        };
        let Some(at) = at else {
            let ours: Vec<String> =
                file.series().iter().map(|series| format!("{} {:?}", series.letters(), series.shape())).collect();
            return Err(format!("series {index} is {axes} {shape:?}, found {}", ours.join(", ")));
        };
        if arrays(index).is_file() {
            samples(path, &file, at, &arrays(index)).map_err(|what| format!("series {index}: {what}"))?;
        }
    }
    let taken = file.series().iter().filter(|series| series.left_out().is_none()).count();
    if taken > expected.len() { Err(format!("{taken} series, expected {}", expected.len())) } else { Ok(()) }
}

/// Axes of length 1 are a matter of taste.
fn same_axes(series: &Series, axes: &str, shape: &[usize]) -> bool {
    let long = |axes: &str, shape: &[usize]| -> Vec<(char, usize)> {
        axes.chars()
            .zip(shape.iter().copied())
            .filter(|(letter, length)| *length > 1 || matches!(letter, 'Y' | 'X'))
            .collect()
    };
    long(&series.letters(), &series.shape()) == long(axes, shape)
}

/// Compares every page of a series.
fn samples(path: &Path, file: &ImageFile<'_>, series: usize, expected: &Path) -> Result<(), String> {
    let text = |error: cytoshade_formats::Error| error.to_string();
    let selection = Selection { pages: Pages::List, series: Some(series), ..Selection::default() };
    let (shape, expected) = read_npy(expected)?;
    let [pages, channels, height, width] = shape[..] else { return Err(format!("{shape:?}")) };
    let items = file.items(&selection).map_err(text)?;
    if items.len() != pages {
        return Err(format!("{} pages, expected {pages}", items.len()));
    }
    let most = if path.file_name().is_some_and(is_lossy) { LOSSY } else { 0.0 };
    for (at, (item, expected)) in items.iter().zip(expected.chunks(channels * height * width)).enumerate() {
        let image = file.images(item).map_err(text)?.remove(0);
        if (image.channels(), image.height(), image.width()) != (channels, height, width) {
            return Err(format!("page {at} is {} x {} x {}", image.channels(), image.height(), image.width()));
        }
        let farthest = farthest(&image, expected);
        if farthest > most.into() {
            return Err(format!("page {at} differs by up to {farthest}"));
        }
    }
    Ok(())
}

/// Shape and values of an array, read by another crate.
fn read_npy(path: &Path) -> Result<(Vec<usize>, Vec<f64>), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let open = || npyz::NpyFile::new(&bytes[..]).map_err(|error| error.to_string());
    let shape = open()?.shape().iter().map(|&side| side as usize).collect();
    macro_rules! first_of {
        ($($type:ty),*) => {$(
            if let Ok(values) = open()?.try_data::<$type>() {
                let values = values.map(|value| value.map(|value| value as f64)).collect::<Result<_, _>>();
                return Ok((shape, values.map_err(|error| error.to_string())?));
            }
        )*};
    }
    first_of!(f32, f64, u8, u16, u32, u64, i8, i16, i32, i64);
    Err("another type".into())
}

fn is_lossy(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    ["lossy", "t_jpeg_", "t_thumb_jpeg", "t_webp"].iter().any(|start| name.starts_with(start))
}

/// The largest difference of a sample.
fn farthest(image: &Image, expected: &[f64]) -> f64 {
    macro_rules! apart {
        ($($variant:ident)*) => {
            match image.samples() {
                $(Samples::$variant(values) => values.iter().zip(expected).map(|(a, b)| {
                    // NaN is NaN.
                    let (a, b) = (*a as f64, *b);
                    if a == b || a.is_nan() && b.is_nan() { 0.0 } else { (a - b).abs() }
                }).fold(0.0, f64::max),)*
                _ => f64::INFINITY,
            }
        };
    }
    apart!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64)
}

/// What the comparison must see.
fn perturbed(python: &Option<PathBuf>) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let made = folder.path().join("made");
    script(python, &["make", &made.to_string_lossy()], &[])?;
    let path = made.join("ome_TZCYX.ome.tif");
    let said = script(python, &["read", &folder.path().to_string_lossy()], std::slice::from_ref(&path))?;
    let honest: Value = serde_json::from_str(&said)?;
    let array = folder.path().join("0_0.npy");
    let arrays = |_| array.clone();
    compare(&path, &honest, arrays)?;
    let mut axes = honest.clone();
    axes["series"][0]["axes"] = "ZTCYX".into();
    assert!(compare(&path, &axes, arrays).is_err());
    let none: Value = serde_json::json!({"series": []});
    assert!(compare(&path, &none, arrays).is_err());
    let mut bytes = std::fs::read(&array)?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&array, bytes)?;
    assert!(compare(&path, &honest, arrays).is_err());
    Ok(())
}
