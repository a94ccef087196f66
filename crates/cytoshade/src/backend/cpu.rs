//! The network on the CPU.

use cytoshade_core::{Network, Recorder, Span};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};

use super::{Batch, Done, TileBatch};
use crate::{DeviceInfo, Error};

/// A network on the CPU.
#[derive(Debug)]
pub(crate) struct Cpu {
    network: CpuNetwork,
    /// Time spent repacking the weights.
    weights: Span,
}

impl Cpu {
    /// Repacks the weights for the fastest instruction set of this machine, or for `isa`.
    pub(crate) fn open(network: &Network, isa: Option<Isa>) -> Result<Self, Error> {
        let weights = Span::begin("weights");
        let network = match isa {
            None => CpuNetwork::new(network),
            Some(isa) => CpuNetwork::with_isa(network, isa).ok_or_else(|| Error::Cpu(isa.missing()))?,
        };
        Ok(Self { network, weights: weights.end() })
    }

    pub(crate) fn info(&self) -> DeviceInfo {
        DeviceInfo::cpu(self.network.isa())
    }

    pub(crate) fn phases(&self) -> Vec<Span> {
        vec![self.weights]
    }

    pub(crate) fn run(
        &self,
        TileBatch { tiles, count, height, width }: &TileBatch,
        done: &mut Done<'_>,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        let batch = self.network.run_recorded(tiles, *count, *height, *width, done, recorder)?;
        Ok(Batch { outputs: batch.outputs, styles: batch.styles })
    }
}
