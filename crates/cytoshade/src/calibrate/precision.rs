//! What a GPU stores activations in, where the choice is left to us.

use cytoshade_gpu::Precision;

/// What a GPU shall store the network's activations and weights in. The CPU knows f32 alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrecisionChoice {
    /// 4 bytes a value.
    #[default]
    F32,
    /// 2 bytes a value; sums are still in f32. An error where the GPU cannot.
    F16,
    /// f16 where the GPU can and where, on a picture that is made for the purpose, the network's cells are then the same
    /// as in f32: every cell is matched at an intersection over union of 0.9 or more, there are no others, and at least
    /// 99.9 % of the pixels are in the same cell. Of a network for restoration the restored picture must be the same but for
    /// a relative L2 error of 1e-3. Else f32. In browsers always f32.
    Auto,
}

impl From<Precision> for PrecisionChoice {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => PrecisionChoice::F32,
            Precision::F16 => PrecisionChoice::F16,
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl PrecisionChoice {
    pub(crate) fn plain(self) -> Precision {
        match self {
            PrecisionChoice::F16 => Precision::F16,
            PrecisionChoice::F32 | PrecisionChoice::Auto => Precision::F32,
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::decide;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use cytoshade_core::{Control, Image, Labels, MaskAgreement, Network, Params, Planes, Span};
    use cytoshade_gpu::{Gpu, Options, Precision, tune};

    use super::PrecisionChoice;
    use crate::Error;
    use crate::backend::{Backend, BackendConfig};
    use crate::calibrate::cache::Slot;
    use crate::pipeline::image;
    use crate::pipeline::run::Run;

    /// Side of the trial's picture in pixels: four tiles.
    const SIDE: usize = 256;

    /// Fewer cells tell nothing.
    const ENOUGH_CELLS: usize = 10;

    /// The relative L2 error that f16 may make in what is restored.
    const RESTORED: f64 = 1e-3;

    /// The precision that is asked for; where it is left to us, as noted, else as a trial says.
    pub(crate) async fn decide(gpu: &Gpu, network: &Network, config: &BackendConfig) -> Precision {
        match config.precision {
            PrecisionChoice::F32 => return Precision::F32,
            PrecisionChoice::F16 => return Precision::F16,
            PrecisionChoice::Auto if !gpu.capabilities().f16 => return Precision::F32,
            PrecisionChoice::Auto => {}
        }
        let note = config.folder().zip(config.sha256);
        let place = note.map(|(folder, sha256)| Slot::new(folder, "precision", gpu.info(), sha256.to_string()));
        if let Some(f16) = place.as_ref().and_then(Slot::read) {
            return if f16 { Precision::F16 } else { Precision::F32 };
        }
        let span = Span::begin("precision");
        let f16 = agree(gpu, network, config).await;
        gpu.phase(span);
        // What failed may succeed another time.
        if let (Ok(f16), Some(place)) = (&f16, &place) {
            place.write(f16);
        }
        if f16.unwrap_or(false) { Precision::F16 } else { Precision::F32 }
    }

    /// Whether the network finds the same cells in both, or restores the same picture.
    async fn agree(gpu: &Gpu, network: &Network, config: &BackendConfig) -> Result<bool, Error> {
        let image = picture(network.diam_labels())?;
        let [f32, f16] = [Precision::F32, Precision::F16].map(|precision| Options { precision, ..config.options });
        if config.restores {
            let planes = image.to_planes(0)?;
            let expected = restored(&on(gpu, network, f32).await?, network, &planes).await?;
            let found = restored(&on(gpu, network, f16).await?, network, &planes).await?;
            return Ok(tune::distance(&found, &expected) <= RESTORED);
        }
        let f32 = cells(&on(gpu, network, f32).await?, network, &image).await?;
        if (f32.max() as usize) < ENOUGH_CELLS {
            return Ok(false);
        }
        let f16 = cells(&on(gpu, network, f16).await?, network, &image).await?;
        Ok(MaskAgreement::new(&f16, &f32).is_some_and(|agreement| agreement.is_same()))
    }

    async fn on(gpu: &Gpu, network: &Network, options: Options) -> Result<Backend, Error> {
        let on = cytoshade_gpu::Network::with(gpu, network, options).await.map_err(Error::Gpu)?;
        Ok(Backend::Gpu { gpu: gpu.clone(), network: Box::new(on) })
    }

    async fn cells(backend: &Backend, network: &Network, image: &Image) -> Result<Labels, Error> {
        let found = image::segment(backend, network, None, image, &Params::default(), &Control::new()).await?;
        Ok(found.labels)
    }

    async fn restored(backend: &Backend, network: &Network, planes: &Planes) -> Result<Vec<f32>, Error> {
        let control = Control::new();
        let mut run = Run::new(backend, network, &control);
        run.restore(&planes.clone().into(), 0, 1.0, &Params::default()).await
    }

    /// Bright and faint cells of about `diameter` pixels with soft edges, some of which touch, under uneven light and
    /// noise.
    pub(super) fn picture(diameter: f32) -> Result<Image, Error> {
        // Networks for objects of other sizes get as many cells as there is room for.
        let diameter = diameter.clamp(10.0, 60.0);
        let mut state = 7u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mut light = vec![0.1f32; SIDE * SIDE];
        let step = 1.15 * diameter;
        let across = (SIDE as f32 / step) as usize;
        for cell in 0..across * across {
            let mut near = |at: usize| (at as f32 + 0.5 + 0.3 * (random() - 0.5)) * step;
            let (y, x) = (near(cell / across), near(cell % across));
            let (long, short) = (diameter * (0.42 + 0.12 * random()), diameter * (0.36 + 0.1 * random()));
            let (sin, cos) = (std::f32::consts::PI * random()).sin_cos();
            let bright = 0.25 + 0.75 * random();
            for (at, light) in light.iter_mut().enumerate() {
                let (dy, dx) = ((at / SIDE) as f32 - y, (at % SIDE) as f32 - x);
                let (u, v) = ((cos * dx + sin * dy) / long, (cos * dy - sin * dx) / short);
                let inside = ((1.0 - u.hypot(v)) * 6.0 + 0.5).clamp(0.0, 1.0);
                *light = light.max(0.1 + bright * inside * (1.0 - 0.3 * (u * u + v * v).min(1.0)));
            }
        }
        let uneven = |at: usize| 0.7 + 0.3 * (at % SIDE) as f32 / SIDE as f32;
        let pixels =
            light.iter().enumerate().map(|(at, light)| 1000.0 * (light * uneven(at) + 0.04 * (random() - 0.5)));
        Ok(Image::new(pixels.collect::<Vec<f32>>(), 1, SIDE, SIDE)?)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::native::picture;
    use crate::{Device, Model, Params, Segmenter};

    /// A trial on a picture without cells would tell nothing.
    #[test]
    fn the_picture_has_cells_for_the_bundled_network() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
        let model = Model::open(file).unwrap();
        let segmenter = Segmenter::builder().device(Device::Cpu).build(&model).unwrap();
        let image = picture(model.network().diam_labels()).unwrap();
        let cells = segmenter.segment(&image, &Params::default()).unwrap().cells();
        assert!((30..=60).contains(&cells), "{cells}");
    }
}
