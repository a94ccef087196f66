//! Size models: the reference's linear regression from a style to a diameter (`size_cyto3.npy`).

use crate::format::NUMPY;
use crate::{Error, LoadOptions, integrity, size_model_file};

/// The smallest diameter in pixels that the reference accepts as an estimate.
const SMALLEST: f64 = 5.0;

/// Whether the bytes begin as a numpy file, the format of size models.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(NUMPY)
}

/// A linear regression from a network's style to the logarithm of the cells' diameter.
///
/// It belongs to one network: the styles of networks differ.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeModel {
    pub(crate) slopes: Vec<f64>,
    pub(crate) style_mean: Vec<f64>,
    pub(crate) diam_mean: f64,
    pub(crate) intercept: f64,
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
/// [`Error::Limit`], [`Error::Memory`], [`Error::Damaged`], [`Error::NotFinite`]; [`Error::NotBuilt`] in a build without the
/// feature `torch`.
pub fn load_size_model(bytes: &[u8], options: &LoadOptions) -> Result<SizeModel, Error> {
    let limits = &options.limits;
    limits.check_file(bytes.len() as u64)?;
    if let Some(expected) = options.sha256 {
        integrity::check(bytes, expected)?;
    }
    if !bytes.starts_with(NUMPY) {
        return Err(Error::UnknownFormat { looks_like: "no numpy file, which size models are" });
    }
    size_model_file::read(bytes, limits)
}

/// [`load_size_model`] from a path. The file is read once: the hashed bytes are the parsed bytes.
///
/// # Errors
/// [`Error::Io`], and those of [`load_size_model`].
#[cfg(not(target_arch = "wasm32"))]
pub fn load_size_model_path(path: &std::path::Path, options: &LoadOptions) -> Result<SizeModel, Error> {
    load_size_model(&crate::read_file(path, &options.limits)?, options)
}
