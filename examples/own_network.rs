//! A U-Net of one's own: its layout, weights from wherever they come, and both backends that run it.
//!
//!     cargo run --release -p cytoshade-examples --example own_network

use cytoshade::network::arch::unet::{ConvLayer, LinearLayer, UNet};
use cytoshade::network::{BatchNorm, Network};
use cytoshade::{Device, Image, Model, Outputs, Params, Segmenter};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let model = Model::from_network(network()?);
    let image = Image::new((0..96 * 128).map(|at| (at % 251) as u8).collect(), 1, 96, 128)?;
    for device in [Device::Cpu, Device::Gpu] {
        match Segmenter::builder(&model).device(device).build() {
            Ok(segmenter) => println!("{}: {:?}", segmenter.device(), mean_outputs(&segmenter, &image)?),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

/// Two input channels, two levels of 8 and 16 channels, and three outputs (dY, dX, cell probability).
fn network() -> Result<Network, Error> {
    let unet = UNet::new(vec![2, 8, 16], 3)?;
    // Made-up weights. A program would take them from its training, in the order of these layers, whose names are those
    // of Cellpose's state dict.
    let mut weights = Weights(1);
    let convs = unet.convs().iter().map(|layer| conv(layer, &mut weights)).collect::<Result<_, _>>()?;
    let linears = unet.linears().iter().map(|layer| linear(layer, &mut weights)).collect::<Result<_, _>>()?;
    // Cells have a diameter of 30 pixels when the network sees them, and had 30 in the training images.
    Ok(unet.network(convs, linears, 30.0, 30.0)?)
}

fn conv(layer: &ConvLayer, weights: &mut Weights) -> Result<cytoshade::network::Conv, Error> {
    let inputs = layer.inputs;
    let norm = BatchNorm {
        weight: vec![1.0; inputs],
        bias: vec![0.0; inputs],
        mean: weights.take(inputs, 0.1),
        var: vec![1.0; inputs],
    };
    let taps = layer.kernel * layer.kernel;
    let kernel = weights.take(layer.outputs * inputs * taps, 1.0 / (inputs * taps) as f32);
    Ok(layer.conv(&norm, kernel, weights.take(layer.outputs, 0.1))?)
}

fn linear(layer: &LinearLayer, weights: &mut Weights) -> Result<cytoshade::network::Linear, Error> {
    let matrix = weights.take(layer.outputs * layer.inputs, 1.0 / layer.inputs as f32);
    Ok(layer.linear(matrix, vec![0.0; layer.outputs])?)
}

/// Numbers from -1 to 1, times a scale.
struct Weights(u32);

impl Weights {
    fn take(&mut self, count: usize, scale: f32) -> Vec<f32> {
        let next = |_| {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
        };
        (0..count).map(next).collect()
    }
}

/// The mean of dY, dX and cell probability.
fn mean_outputs(segmenter: &Segmenter, image: &Image) -> Result<[f32; 3], Error> {
    let params = Params::new().compute_masks(false).outputs(Outputs::new().flows(true).cellprob(true));
    let segmentation = segmenter.segment(image, &params)?;
    let (flows, cellprob) = segmentation.flows.zip(segmentation.cellprob).ok_or("the outputs were asked for")?;
    let mean = |plane: &[f32]| plane.iter().sum::<f32>() / plane.len() as f32;
    Ok([mean(flows.plane(0)), mean(flows.plane(1)), mean(cellprob.plane(0))])
}

#[test]
fn runs() {
    main().unwrap();
    let segmenter = Segmenter::builder(&Model::from_network(network().unwrap())).device(Device::Cpu).build().unwrap();
    let image = Image::new(vec![0u8; 64 * 64], 1, 64, 64).unwrap();
    assert!(mean_outputs(&segmenter, &image).unwrap().iter().all(|mean| mean.is_finite()));
}
