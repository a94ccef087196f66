//! The trait of convolution kernels, and their buffers.

use std::fmt::Debug;

use cytoshade_core::Conv;
use cytoshade_shaders::{Precision, Shader, overrides};

use super::{Dispatch, Grid, quads};
use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::pipeline::Variant;

/// The properties of a convolution that decide which kernel runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Channels of the shortcut's source, 0 without a shortcut.
    pub shortcut: usize,
    /// The precision of activations and weights.
    pub precision: Precision,
}

/// The part of the target computed by one workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Columns of pixels.
    pub columns: u32,
    /// Rows of pixels.
    pub rows: u32,
    /// Output channels.
    pub channels: u32,
}

impl Geometry {
    /// Workgroups in x and y for a target of `height` x `width` x `channels`; tiles are z.
    pub(super) fn grid(&self, height: u32, width: u32, channels: usize) -> [u64; 2] {
        let groups = channels.div_ceil(self.channels as usize) as u64;
        [u64::from(width.div_ceil(self.columns)), u64::from(height.div_ceil(self.rows)) * groups]
    }
}

/// Bytes of the two scratch buffers between the dispatches of a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scratch(pub(crate) [u64; 2]);

impl Scratch {
    /// Scratch large enough for both.
    pub(crate) fn max(self, other: Self) -> Self {
        Self([self.0[0].max(other.0[0]), self.0[1].max(other.0[1])])
    }

    /// Bytes of the larger buffer.
    pub(crate) fn largest(self) -> u64 {
        self.0[0].max(self.0[1])
    }

    /// Bytes of both buffers.
    pub(crate) fn total(self) -> u64 {
        self.0[0] + self.0[1]
    }
}

/// The parameters and buffers of a convolution of a batch. `shared/conv.wgsl` describes the parameters.
#[derive(Clone, Debug)]
pub(crate) struct ConvArgs<'a> {
    /// Height and width of the target.
    pub(crate) height: u32,
    pub(crate) width: u32,
    /// Channels of the source and of the target.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) upsample: bool,
    pub(crate) relu: bool,
    /// vec4s of style features per tile, and the first of this layer, if a style is added.
    pub(crate) style_slice: Option<[u32; 2]>,
    pub(crate) add_residual: bool,
    /// Channels of the shortcut's source, and whether it is upsampled, if there is a shortcut.
    pub(crate) shortcut: Option<(usize, bool)>,
    /// Capacity of the buffers in tiles.
    pub(crate) capacity: u32,
    pub(crate) source: &'a wgpu::Buffer,
    pub(crate) skip: &'a wgpu::Buffer,
    /// The residual or the shortcut's source.
    pub(crate) residual: &'a wgpu::Buffer,
    pub(crate) weights: &'a wgpu::Buffer,
    pub(crate) vectors: &'a wgpu::Buffer,
    pub(crate) style: &'a wgpu::Buffer,
    pub(crate) target: &'a wgpu::Buffer,
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))] // No kernel of browser builds has scratch.
    pub(crate) scratch: [&'a wgpu::Buffer; 2],
}

impl ConvArgs<'_> {
    /// vec4s per pixel of the shortcut's source, 0 without a shortcut.
    pub(super) fn shortcut_quads(&self) -> u32 {
        self.shortcut.map_or(0, |(channels, _)| quads(channels))
    }

    /// The members of `Params` in `shared/conv.wgsl`.
    pub(super) fn params(&self) -> Vec<u32> {
        let [style_stride, style_offset] = self.style_slice.unwrap_or_default();
        let lowest = if self.relu { f32::NEG_INFINITY } else { -0.0 };
        vec![
            self.width,
            self.height,
            quads(self.inputs),
            quads(self.outputs),
            self.upsample.into(),
            lowest.to_bits(),
            style_stride,
            style_offset,
            self.add_residual.into(),
            self.shortcut_quads(),
            self.shortcut.is_some_and(|(_, upsample)| upsample).into(),
            self.capacity,
        ]
    }
}

/// An algorithm for convolutions.
///
/// The defaults are those of a kernel with a single dispatch of one shader and the buffers of `shared/buffers.wgsl`.
pub(crate) trait ConvAlgorithm: Debug + Sync {
    /// The kernel's geometry for a layer.
    ///
    /// # Errors
    /// The reason that the kernel does not run the layer on such a device.
    fn applies(&self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported>;

    /// Whether the kernel, if it applies, is expected to be faster than the later ones.
    fn is_preferred(&self, capabilities: &Capabilities, layer: &Layer) -> bool {
        let _ = (capabilities, layer);
        true
    }

    /// The shader of the last dispatch.
    fn shader(&self, geometry: &Geometry) -> &'static Shader;

    /// The name of the kernel's operations in profiles.
    fn name(&self, geometry: &Geometry) -> &'static str {
        self.shader(geometry).name
    }

    /// The weights of a convolution in the shader's order, with those of its shortcut, if any.
    fn weights(&self, geometry: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32>;

    /// The precision in which the weights are stored.
    fn weight_precision(&self, activations: Precision) -> Precision {
        activations
    }

    /// The values of the shader's override constants, besides `SKIP`.
    fn constants(&self, capabilities: &Capabilities, geometry: &Geometry) -> Vec<(&'static str, u32)> {
        let _ = (capabilities, geometry);
        Vec::new()
    }

    /// The pipelines of the dispatches, in order. `skip` and `shortcut` state which of these are added.
    fn variants(&self, capabilities: &Capabilities, geometry: &Geometry, skip: bool, shortcut: bool) -> Vec<Variant> {
        let _ = shortcut;
        let mut variant = Variant::new(self.shader(geometry));
        for (name, value) in self.constants(capabilities, geometry) {
            variant = variant.with(name, value);
        }
        vec![variant.with(overrides::SKIP, skip)]
    }

    /// The buffers between the dispatches, for `tiles` tiles with a target of `height` x `width`.
    fn scratch(&self, geometry: &Geometry, layer: &Layer, tiles: usize, size: [usize; 2]) -> Scratch {
        let _ = (geometry, layer, tiles, size);
        Scratch::default()
    }

    /// The dispatches of a batch, in the order of the variants.
    fn dispatches<'a>(&self, geometry: &Geometry, args: &ConvArgs<'a>) -> Vec<Dispatch<'a>> {
        let &ConvArgs { source, skip, residual, weights, vectors, style, target, .. } = args;
        vec![Dispatch {
            params: args.params(),
            storage: vec![source, skip, residual, weights, vectors, style, target],
            grid: Grid::Tiles(geometry.grid(args.height, args.width, args.outputs)),
        }]
    }
}
