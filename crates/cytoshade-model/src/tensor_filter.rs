//! Which of a file's tensors are the network's: training scripts wrap networks, and save other things beside them.

use cytoshade_pickle::printable;

use crate::Error;
use crate::arch::{self, Recognized};

/// BatchNorm's counts of batches, which play no part after training.
const COUNTS: &str = ".num_batches_tracked";

/// Names of what was left alone that are shown.
const SHOWN: usize = 5;

/// Tells the network's tensors from those beside it, by their names.
#[derive(Default)]
pub(crate) struct TensorFilter {
    /// The network and the prefix of its names (`module.` from DataParallel). If none was recognised, every tensor is
    /// taken, so that the error can list what the file has.
    network: Option<Recognized>,
    beside: Vec<String>,
    counts: usize,
}

impl TensorFilter {
    /// Recognises the network among these names.
    ///
    /// # Errors
    /// [`Error::Architecture`], before any tensor is read.
    pub(crate) fn among(names: &[&str]) -> Result<Self, Error> {
        Ok(Self { network: arch::recognize(names)?, ..Self::default() })
    }

    /// The name that a tensor has in the network. `None` if it is not part of it, which is noted.
    pub(crate) fn own<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        if name.ends_with(COUNTS) {
            self.counts += 1;
            return None;
        }
        let Some(Recognized { recognizer, prefix }) = &self.network else { return Some(name) };
        let own = name.strip_prefix(prefix.as_str()).filter(|own| recognizer.owns(own));
        if own.is_none() {
            self.leave(name);
        }
        own
    }

    /// Notes an entry beside the tensors.
    pub(crate) fn leave(&mut self, name: &str) {
        self.beside.push(printable(name));
    }

    /// The entries that were ignored, in words.
    pub(crate) fn ignored(mut self) -> Vec<String> {
        let mut ignored = Vec::new();
        if let Some(Recognized { prefix, .. }) = self.network.filter(|network| !network.prefix.is_empty()) {
            ignored.push(format!("the prefix {} of the tensors' names", printable(&prefix)));
        }
        if !self.beside.is_empty() {
            // Some formats give their tensors in no order.
            self.beside.sort_unstable();
            let more = self.beside.len().saturating_sub(SHOWN);
            let mut shown = self.beside.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
            if more > 0 {
                shown += &format!(" and {more} more");
            }
            ignored.push(format!("beside the network: {shown}"));
        }
        if self.counts > 0 {
            ignored.push(format!("{} counts of training batches (num_batches_tracked)", self.counts));
        }
        ignored
    }
}
