//! Which of a file's tensors are the network's: training scripts wrap networks, and save other things beside them.

use cytoshade_pickle::printable;

/// The weight that every state dict of the network has.
const FIRST: &str = "downsample.down.res_down_0.conv.conv_0.2.weight";

/// What the names of the network's tensors begin with. Among these nothing may be surplus: it would be another network.
const PARTS: [&str; 6] = ["downsample.", "upsample.", "make_style.", "output.", "diam_mean", "diam_labels"];

/// BatchNorm's counts of batches, which play no part after training.
const COUNTS: &str = ".num_batches_tracked";

/// Names of what was left alone that are shown.
const SHOWN: usize = 5;

/// Tells the network's tensors from those beside it, by their names.
#[derive(Debug, Default)]
pub(crate) struct TensorFilter {
    /// What stands before every name of the network (`module.` from DataParallel). `None` where the network was not
    /// found: then every tensor is taken, so that the error says what the file has and lacks.
    prefix: Option<String>,
    beside: Vec<String>,
    counts: usize,
}

impl TensorFilter {
    /// Finds the network among these names. Where there is one without a prefix, it is that one; of several others none
    /// is chosen.
    pub(crate) fn among<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut prefixes: Vec<&str> = names
            .filter_map(|name| name.strip_suffix(FIRST))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            .collect();
        prefixes.sort_unstable();
        let prefix = match prefixes[..] {
            ["", ..] => Some(""),
            [only] => Some(only),
            _ => None,
        };
        Self { prefix: prefix.map(str::to_string), ..Self::default() }
    }

    /// The name that a tensor has in the network. `None`, and it is noted, where it has no part in it.
    pub(crate) fn own<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        if name.ends_with(COUNTS) {
            self.counts += 1;
            return None;
        }
        let Some(prefix) = &self.prefix else { return Some(name) };
        let own = name.strip_prefix(prefix).filter(|own| PARTS.iter().any(|part| own.starts_with(part)));
        if own.is_none() {
            self.leave(name);
        }
        own
    }

    /// Notes what is beside the tensors.
    pub(crate) fn leave(&mut self, name: &str) {
        self.beside.push(printable(name));
    }

    /// What was left alone, in words.
    pub(crate) fn ignored(mut self) -> Vec<String> {
        let mut ignored = Vec::new();
        if let Some(prefix) = self.prefix.filter(|prefix| !prefix.is_empty()) {
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
