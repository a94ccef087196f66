//! The U-Net of Cellpose 1 to 3 (the reference's `resnet_torch.CPnet`).

mod forward;
mod layers;

pub use layers::{ConvLayer, LinearLayer};

use crate::{
    Conv, Description, Error, FlowChannels, Linear, Network, OutputChannels, Plan, RescaleRule, TileRule, Weights,
};

/// Name of the architecture in a [`Description`].
pub const ARCHITECTURE: &str = "U-Net";

/// Most levels of a layout; the published networks have 4.
pub const MAX_LEVELS: usize = 8;

/// Most channels of a layer; the published networks have up to 256.
const MAX_CHANNELS: usize = 4096;

/// The reference pads planes to a multiple of this (`transforms.get_pad_yx`).
const PADDING: usize = 16;

/// Side of the reference's tiles (`CellposeModel.eval`).
const SIDE: usize = 224;

/// The flows come first; further outputs are classes.
const FLOWS: FlowChannels = FlowChannels { dy: 0, dx: 1, cellprob: 2 };

/// The layout of a U-Net: its layers, their names and their order follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UNet {
    nbase: Vec<usize>,
    nout: usize,
}

impl UNet {
    /// A layout: `nbase` holds the input channels and then the channels of each level (`[2, 32, 64, 128, 256]` in the
    /// published networks), `nout` is the number of output channels (3: dY, dX, cellprob).
    ///
    /// # Errors
    /// [`Error::NetworkShape`] unless `nbase` has 2 to 9 entries, and all counts are 1 to 4096.
    pub fn new(nbase: Vec<usize>, nout: usize) -> Result<Self, Error> {
        if nbase.len() < 2 || nbase.len() > MAX_LEVELS + 1 {
            let found = format!("{} entries", nbase.len());
            return Err(Error::NetworkShape { what: "nbase", found, expected: "2 to 9 entries" });
        }
        if nbase.iter().chain([&nout]).any(|&channels| channels == 0 || channels > MAX_CHANNELS) {
            let found = format!("nbase {nbase:?} with {nout} outputs");
            return Err(Error::NetworkShape { what: "channels", found, expected: "1 to 4096 in every layer" });
        }
        Ok(Self { nbase, nout })
    }

    /// The layout of a network. `None` for another architecture.
    pub fn from_network(network: &Network) -> Option<Self> {
        let Description { architecture, inputs, outputs, .. } = network.description();
        if *architecture != ARCHITECTURE {
            return None;
        }
        let convs = network.weights().convs();
        let levels = convs.len() / layers::CONVS_OF_LEVEL;
        let channels = |n| convs.get(layers::down_conv(n, 0).index()).map(Conv::outputs);
        let nbase = std::iter::once(Some(*inputs)).chain((0..levels).map(channels)).collect::<Option<_>>()?;
        let unet = Self::new(nbase, outputs.count).ok()?;
        (unet.plan().ok()? == *network.plan()).then_some(unet)
    }

    /// Input channels and then the channels of each level.
    pub fn nbase(&self) -> &[usize] {
        &self.nbase
    }

    /// Channels of the output.
    pub fn nout(&self) -> usize {
        self.nout
    }

    /// Levels: 4 in the published networks.
    pub fn levels(&self) -> usize {
        self.nbase.len() - 1
    }

    /// Length of the style vector: the channels of the deepest level.
    pub fn style_channels(&self) -> usize {
        self.nbase[self.levels()]
    }

    /// The sides of a tile must be multiples of this: every level but the first halves them.
    pub fn tile_multiple(&self) -> usize {
        1 << (self.levels() - 1)
    }

    /// The network of this layout, from its layers in the order of [`UNet::convs`] and [`UNet::linears`].
    ///
    /// `diam_mean` and `diam_labels` are those of [`RescaleRule`].
    ///
    /// # Errors
    /// As [`Network::new`], and [`Error::NetworkShape`] for another number of layers.
    pub fn network(
        &self,
        convs: Vec<Conv>,
        linears: Vec<Linear>,
        diam_mean: f32,
        diam_labels: f32,
    ) -> Result<Network, Error> {
        let (found, expected) = ([convs.len(), linears.len()], [self.convs().len(), self.linears().len()]);
        if found != expected {
            let found = format!("{} convolutions and {} matrices", found[0], found[1]);
            return Err(Error::NetworkShape { what: "layers", found, expected: "those of UNet::convs and linears" });
        }
        let description = self.description(RescaleRule { diam_mean, diam_labels });
        Network::new(description, self.plan()?, Weights::new(convs, linears))
    }

    /// The plan: the order of the reference's `CPnet.forward`, with each block's `proj` fused into the convolution that
    /// adds it.
    ///
    /// # Errors
    /// None for layouts that [`UNet::new`] made.
    pub fn plan(&self) -> Result<Plan, Error> {
        forward::plan(self)
    }

    fn description(&self, rescale: RescaleRule) -> Description {
        let flows = (self.nout >= 3).then_some(FLOWS);
        Description {
            architecture: ARCHITECTURE,
            inputs: self.nbase[0],
            outputs: OutputChannels { count: self.nout, flows },
            tile: TileRule { multiple: self.tile_multiple(), padding: PADDING, side: SIDE },
            style: Some(self.style_channels()),
            rescale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchNorm;

    /// A network of zeros.
    fn zeros(unet: &UNet) -> Network {
        let conv = |layer: ConvLayer| {
            let norm = BatchNorm {
                weight: vec![1.0; layer.inputs],
                bias: vec![0.0; layer.inputs],
                mean: vec![0.0; layer.inputs],
                var: vec![1.0; layer.inputs],
            };
            let weights = layer.outputs * layer.inputs * layer.kernel * layer.kernel;
            layer.conv(&norm, vec![0.0; weights], vec![0.0; layer.outputs]).unwrap()
        };
        let linear =
            |layer: LinearLayer| layer.linear(vec![0.0; layer.inputs * layer.outputs], vec![0.0; layer.outputs]);
        let convs = unet.convs().into_iter().map(conv).collect();
        let linears = unet.linears().into_iter().map(|layer| linear(layer).unwrap()).collect();
        unet.network(convs, linears, 30.0, 17.0).unwrap()
    }

    #[test]
    fn the_published_layout_has_the_published_counts() {
        let unet = UNet::new(vec![2, 32, 64, 128, 256], 3).unwrap();
        // A convolution has 2 tensors and its BatchNorm 5, a matrix 2; and there are two diameters.
        assert_eq!(unet.convs().len() * 7 + unet.linears().len() * 2 + 2, 313);
        assert_eq!(zeros(&unet).parameters(), 6_600_845);
        let giga = unet.plan().unwrap().float_operations(224, 224) as f64 / 1e9;
        assert!((30.0..32.5).contains(&giga), "{giga} GFLOP");
    }

    #[test]
    fn a_network_has_the_layout_that_it_was_made_of() {
        for (nbase, nout) in [(vec![2, 8, 5, 9], 3), (vec![1, 4], 1), (vec![3, 2, 2, 2, 2, 2, 2, 2, 2], 7)] {
            let unet = UNet::new(nbase, nout).unwrap();
            let network = zeros(&unet);
            assert_eq!(UNet::from_network(&network), Some(unet));
            assert_eq!((network.diam_mean(), network.diam_labels()), (30.0, 17.0));
            assert_eq!(network.description().outputs.flows.is_some(), nout >= 3);
        }
    }

    #[test]
    fn silly_layouts_are_refused() {
        assert!(UNet::new(vec![2], 3).is_err());
        assert!(UNet::new(vec![2, 0], 3).is_err());
        assert!(UNet::new(vec![2, 1 << 40], 3).is_err());
        assert!(UNet::new(vec![2; 20], 3).is_err());
    }
}
