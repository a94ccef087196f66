//! Size models: the reference's linear regression from a style to a diameter (`size_cyto3.npy`).

use cytoshade_pickle::numpy::{self, Array};
use cytoshade_pickle::{CONTAINERS, Global, Input, Meter, Others, Value, unexpected};

use crate::{Error, LoadOptions, integrity};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Names allowed in a size model's pickle.
const ALLOWED: &[&[Global]] = &[numpy::GLOBALS, CONTAINERS];
/// The reference's minimum estimate of the diameter, in pixels.
const SMALLEST: f64 = 5.0;

/// Whether the bytes begin as a numpy file, the format of size models.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// A linear regression from a network's style to the logarithm of the cells' diameter.
///
/// It belongs to one network: the styles of networks differ.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeModel {
    slopes: Vec<f64>,
    style_mean: Vec<f64>,
    diam_mean: f64,
    intercept: f64,
}

impl SizeModel {
    /// Opens a size model file with the default [`LoadOptions`].
    ///
    /// The file is `size_cyto3.npy`, or one that Cellpose's training writes beside a network.
    ///
    /// # Errors
    /// Those of [`load_size_model_path`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::open_with(path, &LoadOptions::default())
    }

    /// [`SizeModel::open`] with a required hash or other limits.
    ///
    /// # Errors
    /// Those of [`load_size_model_path`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_with(path: impl AsRef<std::path::Path>, options: &LoadOptions) -> Result<Self, Error> {
        load_size_model_path(path.as_ref(), options)
    }

    /// Loads a size model from the bytes of its file.
    ///
    /// # Errors
    /// Those of [`load_size_model`].
    pub fn from_bytes(bytes: &[u8], options: &LoadOptions) -> Result<Self, Error> {
        load_size_model(bytes, options)
    }

    /// Factors on the centered style (`A`), one per channel.
    pub fn slopes(&self) -> &[f64] {
        &self.slopes
    }

    /// The mean style of the training images (`smean`), one value per channel.
    pub fn style_mean(&self) -> &[f64] {
        &self.style_mean
    }

    /// Reference diameter of the estimate in pixels (`diam_mean`).
    pub fn diam_mean(&self) -> f64 {
        self.diam_mean
    }

    /// Mean of the logarithm of the training images' relative diameters (`ymean`).
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The diameter in pixels for a style, at least 5. `None` if the style has another number of channels.
    ///
    /// It is `exp(A (style - smean) + ln(diam_mean) + ymean)` (the reference's `SizeModel._size_estimation`).
    pub fn diameter(&self, style: &[f32]) -> Option<f64> {
        if style.len() != self.slopes.len() {
            return None;
        }
        let centered = style.iter().zip(&self.style_mean).map(|(&style, mean)| f64::from(style) - mean);
        let sum: f64 = centered.zip(&self.slopes).map(|(style, slope)| style * slope).sum();
        Some((sum + self.diam_mean.ln() + self.intercept).exp().max(SMALLEST))
    }
}

/// Loads a size model from the bytes of a `size_*.npy`: one pickled dictionary, read as plain data.
///
/// # Errors
/// [`Error::Hash`], [`Error::UnknownFormat`], [`Error::Global`] and [`Error::Opcode`] for a pickle that is not plain data,
/// [`Error::Limit`], [`Error::Memory`], [`Error::Damaged`], [`Error::NotFinite`].
pub fn load_size_model(bytes: &[u8], options: &LoadOptions) -> Result<SizeModel, Error> {
    let limits = &options.limits;
    limits.check_file(bytes.len() as u64)?;
    if let Some(expected) = options.sha256 {
        integrity::check(bytes, expected)?;
    }
    if !bytes.starts_with(MAGIC) {
        return Err(Error::UnknownFormat { looks_like: "not a numpy file; a size model is a numpy file" });
    }
    let meter = &mut limits.cost.meter(bytes.len() as u64);
    let mut input = Input::new(bytes, "the size model");
    check_header(&mut input, limits)?;
    let pickle = cytoshade_pickle::read(&mut input, (ALLOWED, Others::Refuse), &limits.values, meter)?;
    let object = pickle.get(Array::read(&pickle, pickle.root(), meter)?.only_object()?);
    let Value::Dict(entries) = object else {
        return Err(unexpected("the size model", "a dictionary", object).into());
    };
    let entry = |name: &str| {
        pickle.find(entries, name).ok_or_else(|| Error::damaged(format!("the size model has no entry {name}")))
    };
    let array = |name: &'static str, meter: &mut Meter| {
        let array = Array::read(&pickle, pickle.get(entry(name)?), meter)?;
        let no_numbers = || Error::damaged(format!("{name} is not an array of numbers"));
        let numbers = array.numbers().ok_or_else(no_numbers)?;
        let mut values = meter.values(array.shape().iter().product())?;
        for (index, number) in numbers.enumerate() {
            values.push(finite(number, name, index)?);
        }
        Ok::<_, Error>(values)
    };
    let (slopes, style_mean) = (array("A", meter)?, array("smean", meter)?);
    let mut number = |name: &'static str| finite(numpy::number(&pickle, entry(name)?, name, meter)?, name, 0);
    let model = SizeModel { slopes, style_mean, diam_mean: number("diam_mean")?, intercept: number("ymean")? };
    if model.slopes.len() != model.style_mean.len() {
        let (slopes, means) = (model.slopes.len(), model.style_mean.len());
        return Err(Error::damaged(format!("the size model has {slopes} values in A and {means} in smean")));
    }
    if model.diam_mean <= 0.0 {
        return Err(Error::damaged(format!("diam_mean is {}, expected a number of pixels above 0", model.diam_mean)));
    }
    Ok(model)
}

/// [`load_size_model`] from a path. The file is read once: the hashed bytes are the parsed bytes.
///
/// # Errors
/// [`Error::Io`], and those of [`load_size_model`].
#[cfg(not(target_arch = "wasm32"))]
pub fn load_size_model_path(path: &std::path::Path, options: &LoadOptions) -> Result<SizeModel, Error> {
    load_size_model(&crate::read_file(path, &options.limits)?, options)
}

/// Checks the header before the pickle, which must announce one object.
fn check_header(input: &mut Input<'_>, limits: &crate::ReadLimits) -> Result<(), Error> {
    input.take(MAGIC.len() as u64)?;
    let major = input.u8()?;
    input.u8()?;
    let length = if major == 1 { u64::from(input.u16()?) } else { u64::from(input.u32()?) };
    limits.check_header(length)?;
    let header = String::from_utf8_lossy(input.take(length)?);
    if header.contains("'descr': '|O'") && header.contains("'shape': ()") {
        return Ok(());
    }
    Err(Error::UnknownFormat { looks_like: "a numpy file of numbers; a size model is one pickled dictionary" })
}

fn finite(value: f64, name: &str, index: usize) -> Result<f64, Error> {
    if value.is_finite() { Ok(value) } else { Err(Error::NotFinite { name: name.into(), value: value as f32, index }) }
}
