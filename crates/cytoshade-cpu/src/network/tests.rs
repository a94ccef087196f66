use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{
    BatchNorm, ConvId, ConvShape, OutputChannels, PlanBuilder, Prologue, RescaleRule, TensorShape, TileRule,
};

use super::*;

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + len) % 101) as f32 / 101.0 - 0.5).collect()
}

/// A U-Net with made-up weights, for Miri; the reference's networks are tested in the crate `tests`.
fn unet(nbase: &[usize]) -> cytoshade_core::Network {
    let unet = UNet::new(nbase.to_vec(), 3).unwrap();
    let convs = unet.convs().into_iter().map(|layer| {
        let norm = BatchNorm {
            weight: vec![1.0; layer.inputs],
            bias: values(layer.inputs),
            mean: values(layer.inputs),
            var: vec![1.0; layer.inputs],
        };
        let fan_in = layer.inputs * layer.kernel * layer.kernel;
        let weight = values(layer.outputs * fan_in).iter().map(|w| w / (fan_in as f32).sqrt()).collect();
        layer.conv(&norm, weight, values(layer.outputs)).unwrap()
    });
    let linears = unet
        .linears()
        .into_iter()
        .map(|layer| layer.linear(values(layer.inputs * layer.outputs), values(layer.outputs)).unwrap());
    unet.network(convs.collect(), linears.collect(), 30.0, 30.0).unwrap()
}

/// One convolution without a style.
fn plain() -> cytoshade_core::Network {
    let (mut plan, input) = PlanBuilder::new(1);
    let map = TensorShape::Map { channels: 2, scale: 1 };
    let output = plan.convolution(map, |target| Convolution::new(ConvId::new(0), 3, input, target));
    let shape = ConvShape { inputs: 1, outputs: 2, kernel: 3 };
    let prologue = Prologue::plain(1, false);
    let conv = cytoshade_core::Conv::new("conv", shape, prologue, values(18), values(2)).unwrap();
    let description = Description {
        architecture: "plain",
        inputs: 1,
        outputs: OutputChannels { count: 2, flows: None },
        tile: TileRule { multiple: 1, padding: 1, side: 8 },
        style: None,
        rescale: RescaleRule { diam_mean: 30.0, diam_labels: 30.0 },
    };
    let plan = plan.finish(output, None).unwrap();
    cytoshade_core::Network::new(description, plan, Weights::new(vec![conv], vec![])).unwrap()
}

/// Every operation of a plan. Under Miri few channels: the cases of a convolution have their own tests.
#[test]
fn instruction_sets_agree() {
    let weights = unet(if cfg!(miri) { &[1, 2, 3] } else { &[1, 17, 3] });
    let tile: Vec<f32> = (0..6 * 10).map(|i| ((i * 29) % 31) as f32 / 31.0).collect();
    let on = |isa| {
        let network = Network::with_isa(&weights, isa).unwrap();
        network.run(&tile, 1, 6, 10, &mut |_| Ok(())).unwrap().outputs
    };
    let expected = on(Isa::Portable);
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
        let difference = on(isa).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-5, "{isa}: {difference}");
    }
}

#[test]
fn a_network_without_style_gives_none() {
    let batch = Network::new(&plain()).run(&values(2 * 5 * 7), 2, 5, 7, &mut |_| Ok(())).unwrap();
    assert_eq!((batch.outputs.len(), batch.styles), (2 * 2 * 5 * 7, vec![]));
}

/// A U-Net in which the products of one layer overflow f32.
fn overflowing(layer: &str) -> cytoshade_core::Network {
    let network = unet(&[1, 2, 3]);
    let unet = UNet::new(vec![1, 2, 3], 3).unwrap();
    let convs = unet.convs().into_iter().zip(network.weights().convs()).map(|(shape, conv)| {
        let factor = if conv.name() == layer { f32::MAX } else { 1.0 };
        let weight = conv.weight().iter().map(|weight| weight * factor).collect();
        let norm = BatchNorm {
            weight: vec![8.0; shape.inputs],
            bias: vec![8.0; shape.inputs],
            mean: vec![0.0; shape.inputs],
            var: vec![1.0; shape.inputs],
        };
        shape.conv(&norm, weight, conv.bias().to_vec()).unwrap()
    });
    unet.network(convs.collect(), network.weights().linears().to_vec(), 30.0, 30.0).unwrap()
}

#[test]
fn outputs_that_are_not_finite_name_their_layer() {
    let tiles: Vec<f32> = (0..2 * 4 * 4).map(|i| (i % 7) as f32 + 1.0).collect();
    let run = |layer: &str| Network::new(&overflowing(layer)).run(&tiles, 2, 4, 4, &mut |_| Ok(()));
    assert!(run("none").is_ok());
    for layer in ["downsample.down.res_down_1.conv.conv_2.2", "output.2"] {
        let found = run(layer).unwrap_err();
        assert_eq!(found, Error::NotFinite { layer: layer.into() });
        assert!(found.to_string().contains(layer), "{found}");
    }
}

#[test]
fn an_input_that_is_not_finite_is_an_error() {
    let mut tile = values(5 * 7);
    tile[11] = f32::NAN;
    let found = Network::new(&plain()).run(&tile, 1, 5, 7, &mut |_| Ok(())).unwrap_err();
    assert_eq!(found, Error::NotFinite { layer: "conv".into() });
}
