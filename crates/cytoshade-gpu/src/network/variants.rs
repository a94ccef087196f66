//! The pipelines of a network.

use cytoshade_core::{Convolution, Operation};
use cytoshade_shaders as shaders;

use super::conv_layer::ConvLayer;
use super::{ANY, Network, Size};
use crate::operators::{max_pool, pack, style, style_projections};
use crate::pipeline::Variant;

impl Network {
    /// The pipelines to build before the first batch: those for any usual tile size.
    pub(super) fn all_variants(&self) -> Vec<Variant> {
        let mut variants = self.variants(ANY);
        // Otherwise the host cuts and blends the tiles.
        if !self.gpu.compiles_slowly() {
            variants.extend([self.tile_variant(), self.blend_variant()]);
        }
        variants
    }

    /// The pipelines for tiles of a size: packing, unpacking, and the operations.
    pub(super) fn variants(&self, size: Size) -> Vec<Variant> {
        let precision = self.options.precision;
        let mut variants = vec![pack::pack_variant(precision), pack::unpack_variant(precision)];
        variants.extend(self.plan.operations().iter().flat_map(|operation| self.variants_of(operation, size)));
        variants
    }

    /// The pipeline that cuts tiles out of planes.
    pub(super) fn tile_variant(&self) -> Variant {
        Variant::new(&shaders::TILE).with_precision(self.options.precision)
    }

    /// The pipeline that blends tiles into planes.
    pub(super) fn blend_variant(&self) -> Variant {
        Variant::new(&shaders::BLEND).with_precision(self.options.precision)
    }

    /// The pipelines of an operation's dispatches.
    fn variants_of(&self, operation: &Operation, size: Size) -> Vec<Variant> {
        let precision = self.options.precision;
        match operation {
            Operation::Convolution(Convolution { weights, skip, .. }) => {
                let layer = self.layer(*weights, size);
                layer.variants(&self.gpu, skip.is_some() || self.zeros_for(layer).is_some())
            }
            Operation::MaxPool { .. } => vec![max_pool::variant(precision)],
            Operation::GlobalAverage { .. } => vec![style::variant(precision, self.gpu.compiles_slowly())],
            Operation::Linear { .. } => vec![style_projections::variant()],
        }
    }

    /// The zeros that a 3x3 convolution without a skip adds, if any.
    ///
    /// The buffer is short: an out-of-bounds read returns one of its values or zero.
    pub(super) fn zeros_for(&self, layer: &ConvLayer) -> Option<&wgpu::Buffer> {
        self.no_skip.as_ref().filter(|_| layer.kernel.is_some())
    }

    /// The name of an operation in profiles.
    pub(super) fn name_of(&self, operation: &Operation, size: Size) -> &'static str {
        match operation {
            Operation::Convolution(Convolution { weights, .. }) => self.layer(*weights, size).name(),
            Operation::MaxPool { .. } | Operation::GlobalAverage { .. } | Operation::Linear { .. } => {
                self.variants_of(operation, size).first().map_or("", |variant| variant.shader.name)
            }
        }
    }

    /// The number of dispatches per batch.
    ///
    /// Applies to tiles of one image, of a size for which [`Network::prepare`] changes no kernel.
    pub fn dispatches(&self) -> usize {
        // Packing or cutting before the operations, unpacking or blending after them.
        2 + self.plan.operations().iter().map(|operation| self.variants_of(operation, ANY).len()).sum::<usize>()
    }
}
