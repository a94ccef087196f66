//! Reads the files that `tests/oracle/make_fixtures.py` wrote; `tests/fixtures/README.md` describes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cytoshade_core::EndPoints;
use cytoshade_core::arch::unet::UNet;
use cytoshade_formats::{Pages, ReadOptions};
use libtest_mimic::Failed;
use serde_json::Value;

use crate::agree::ExpectedBatch;
use crate::reference::active;

/// The folder of the fixtures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The folder of the larger data, which is not in the repository; `None` without it.
pub fn test_data() -> Option<PathBuf> {
    std::env::var_os("CYTOSHADE_TEST_DATA").map(PathBuf::from)
}

/// The missing item of a test that needs [`test_data`].
pub const NEEDS_TEST_DATA: &str = "CYTOSHADE_TEST_DATA";

/// A JSON file of a stage.
pub fn json(stage: &str, file: &str) -> Value {
    let path = folder().join(stage).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of a JSON table of a stage.
pub fn rows(stage: &str, file: &str) -> Vec<Value> {
    json(stage, file)["rows"].as_array().cloned().unwrap_or_default()
}

/// A JSON list of sizes.
pub fn numbers(value: &Value) -> Vec<usize> {
    value.as_array().into_iter().flatten().map(|v| v.as_u64().unwrap_or(u64::MAX) as usize).collect()
}

/// One case of a stage.
#[derive(Clone, Debug)]
pub struct Case {
    folder: PathBuf,
    value: Value,
}

/// The cases of a stage; there is at least one.
pub fn cases(stage: &str, file: &str) -> Vec<Case> {
    let folder = folder().join(stage);
    let cases: Vec<Case> = json(stage, file)["cases"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| Case { folder: folder.clone(), value: value.clone() })
        .collect();
    assert!(!cases.is_empty(), "{stage}/{file} holds no case");
    cases
}

/// An array of a fixture, with values as f64 (exact for every type in use).
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sides.
    pub shape: Vec<usize>,
    /// The values in row-major order.
    pub values: Vec<f64>,
}

impl Array {
    /// The values as f32.
    pub fn f32(&self) -> Vec<f32> {
        self.values.iter().map(|&v| v as f32).collect()
    }

    /// The values as labels.
    pub fn u32(&self) -> Vec<u32> {
        self.values.iter().map(|&v| v as u32).collect()
    }

    /// Height and width: the last two sides.
    pub fn size(&self) -> (usize, usize) {
        let n = self.shape.len();
        (self.shape[n - 2], self.shape[n - 1])
    }

    /// As planes: [channels, height, width], or one plane.
    pub fn planes(&self) -> cytoshade_core::Planes {
        let (height, width) = self.size();
        cytoshade_core::Planes::new(self.f32(), self.values.len() / (height * width), height, width).unwrap()
    }

    /// As a volume: [channels, depth, height, width], or [channels, height, width] of one z-slice.
    pub fn volume(&self) -> cytoshade_core::Volume {
        match self.shape[..] {
            [channels, depth, height, width] => {
                cytoshade_core::Volume::new(self.f32(), channels, depth, height, width).unwrap()
            }
            _ => self.planes().into(),
        }
    }

    /// As end points, shape [2, points], of the pixels with a cellprob above the threshold.
    pub fn end_points(&self, cellprob: &[f32], threshold: f32) -> EndPoints {
        let mut y = self.f32();
        let x = y.split_off(y.len() / 2);
        EndPoints { pixels: active(cellprob, threshold), y, x }
    }

    /// As end points in a stack, shape [3, points].
    pub fn points(&self) -> Vec<[f32; 3]> {
        let (values, count) = (self.f32(), self.values.len() / 3);
        (0..count).map(|i| [0, 1, 2].map(|axis| values[axis * count + i])).collect()
    }

    /// As the labels of a stack.
    pub fn label_volume(&self) -> cytoshade_core::LabelVolume {
        let [depth, height, width] = self.shape[..] else { panic!("no stack: {:?}", self.shape) };
        cytoshade_core::LabelVolume::new(self.u32(), depth, height, width).unwrap()
    }

    /// As labels.
    pub fn labels(&self) -> cytoshade_core::Labels {
        let (height, width) = self.size();
        cytoshade_core::Labels::new(self.u32(), height, width).unwrap()
    }
}

/// A case of stage `network`.
#[derive(Clone, Debug)]
pub struct NetworkCase {
    /// The network.
    pub network: cytoshade_core::Network,
    /// The tiles, shape [count, channels, height, width].
    pub tiles: Vec<f32>,
    /// Number of tiles.
    pub count: usize,
    /// Height of a tile.
    pub height: usize,
    /// Width of a tile.
    pub width: usize,
    /// The expected outputs.
    pub expected: ExpectedBatch,
}

impl Case {
    /// The case's name, unique in its file.
    pub fn name(&self) -> String {
        self.value["name"].as_str().unwrap_or_default().into()
    }

    /// A parameter, or `Null`.
    pub fn param(&self, name: &str) -> &Value {
        &self.value["params"][name]
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str) -> f64 {
        self.param(name).as_f64().unwrap_or_else(|| panic!("{}: no number {name}", self.name()))
    }

    /// A parameter that is true or false.
    pub fn flag(&self, name: &str) -> bool {
        self.param(name).as_bool().unwrap_or_else(|| panic!("{}: no flag {name}", self.name()))
    }

    /// A value of the case itself, or `Null`.
    pub fn extra(&self, name: &str) -> &Value {
        &self.value[name]
    }

    /// The number of cells that the case expects.
    pub fn cells(&self) -> Result<usize, Failed> {
        Ok(self.expected_json("cells").as_u64().ok_or("no count of cells")? as usize)
    }

    /// An expected JSON value, or `Null`.
    pub fn expected_json(&self, name: &str) -> &Value {
        &self.value["expected"][name]
    }

    /// The names of the expected values.
    pub fn expected_names(&self) -> BTreeSet<&str> {
        self.value["expected"].as_object().into_iter().flat_map(|values| values.keys().map(String::as_str)).collect()
    }

    /// The path of an input; `None` if it is in test data that is missing.
    pub fn input_path(&self, name: &str) -> Option<PathBuf> {
        self.path(self.value["inputs"][name].as_str().unwrap_or_else(|| panic!("{}: no input {name}", self.name())))
    }

    /// Whether the case has an input of this name.
    pub fn has_input(&self, name: &str) -> bool {
        self.value["inputs"][name].is_string()
    }

    /// Whether the network has the published width.
    pub fn is_wide(&self) -> bool {
        self.value["inputs"]["model"].as_str().is_some_and(|file| file.contains("cpnet_full"))
    }

    /// The missing test data of the case, if any, for [`trial`](crate::trial).
    pub fn missing(&self) -> Option<&'static str> {
        (!self.complete()).then_some(NEEDS_TEST_DATA)
    }

    /// Whether every input exists.
    pub fn complete(&self) -> bool {
        self.value["inputs"]
            .as_object()
            .into_iter()
            .flatten()
            .all(|(_, file)| file.as_str().is_some_and(|file| self.path(file).is_some_and(|path| path.exists())))
    }

    /// An input array.
    pub fn input(&self, name: &str) -> Array {
        read_npy(&self.input_path(name).unwrap_or_else(|| panic!("{}: {name} needs test data", self.name())))
    }

    /// An expected array; `None` if the case has none of this name.
    pub fn expected(&self, name: &str) -> Option<Array> {
        let file = self.value["expected"][name].as_str()?;
        let path = self.path(file)?;
        Some(if file.ends_with(".npy") { read_npy(&path) } else { read_picture(&path) })
    }

    /// An expected array.
    pub fn require(&self, name: &str) -> Result<Array, Failed> {
        self.expected(name).ok_or_else(|| format!("the case expects no {name}").into())
    }

    /// A case of stage `network`, with its files read and its sizes checked.
    pub fn network(&self) -> Result<NetworkCase, Failed> {
        let path = self.input_path("model").ok_or(NEEDS_TEST_DATA)?;
        let network = cytoshade_model::load(&std::fs::read(path)?, &cytoshade_model::LoadOptions::default())?;
        let (nbase, nout) = (numbers(self.param("nbase")), self.number("nout") as usize);
        let unet = UNet::from_network(&network).ok_or("another architecture")?;
        assert_eq!((unet.nbase(), unet.nout()), (&nbase[..], nout));
        let tiles = self.input("x");
        let [count, _, height, width] = tiles.shape[..] else { return Err("the tiles have not four sides".into()) };
        let outputs = self.expected("y").ok_or("the case expects no outputs")?;
        assert_eq!(outputs.shape, [count, nout, height, width]);
        let styles = self.expected("style").ok_or("the case expects no styles")?;
        let expected = ExpectedBatch { outputs: outputs.values, styles: styles.values };
        Ok(NetworkCase { network, tiles: tiles.f32(), count, height, width, expected })
    }

    fn path(&self, file: &str) -> Option<PathBuf> {
        match file.strip_prefix("$CYTOSHADE_TEST_DATA/") {
            Some(file) => test_data().map(|folder| folder.join(file)),
            None => Some(self.folder.join(file)),
        }
    }
}

/// A grey image, such as labels, or a stack of them.
fn read_picture(path: &Path) -> Array {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let options = ReadOptions::pages(Pages::List);
    let slices = cytoshade_formats::read_bytes(&bytes, &options).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut values = Vec::new();
    for slice in &slices {
        let plane = slice.to_planes(0).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        values.extend(plane.as_slice().iter().map(|&value| f64::from(value)));
    }
    let size = [slices[0].height(), slices[0].width()];
    let shape = if slices.len() == 1 { size.to_vec() } else { [&[slices.len()], &size[..]].concat() };
    Array { shape, values }
}

/// An array file of numpy.
pub fn read_npy(path: &Path) -> Array {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let npy = npyz::NpyFile::new(&bytes[..]).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let shape = npy.shape().iter().map(|&side| side as usize).collect();
    macro_rules! try_types {
        ($($type:ty),*) => {$(
            if let Ok(reader) = npyz::NpyFile::new(&bytes[..]).and_then(|npy| {
                npy.try_data::<$type>().map_err(|_| std::io::Error::other("another type"))
            }) {
                let values = reader.map(|value| value.map(|value| value as f64)).collect::<Result<_, _>>();
                return Array { shape, values: values.unwrap_or_else(|e| panic!("{}: {e}", path.display())) };
            }
        )*};
    }
    try_types!(f32, f64, u8, u16, u32, u64, i8, i16, i32, i64);
    panic!("{}: type {:?}", path.display(), npy.dtype())
}
