//! The synthetic image on which precisions are compared.

use cytoshade_core::Image;

use crate::Error;

/// Side of the image in pixels: four tiles.
const SIDE: usize = 256;

/// Draws bright and faint cells about `diameter` pixels wide, some touching, on uneven background.
pub(crate) fn picture(diameter: f32) -> Result<Image, Error> {
    // Networks for larger objects get fewer cells: as many as fit.
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
    let pixels = light.iter().enumerate().map(|(at, light)| 1000.0 * (light * uneven(at) + 0.04 * (random() - 0.5)));
    Ok(Image::new(pixels.collect::<Vec<f32>>(), 1, SIDE, SIDE)?)
}

#[cfg(test)]
mod tests {
    use super::picture;
    use crate::{Device, Model, Params, Segmenter};

    /// A trial on an image without cells proves nothing.
    #[test]
    fn the_picture_has_cells_for_the_bundled_network() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
        let model = Model::open(file).unwrap();
        let segmenter = Segmenter::builder(&model).device(Device::Cpu).build().unwrap();
        let image = picture(model.network().diam_labels()).unwrap();
        let cells = segmenter.segment(&image, &Params::default()).unwrap().cells();
        assert!((30..=60).contains(&cells), "{cells}");
    }
}
