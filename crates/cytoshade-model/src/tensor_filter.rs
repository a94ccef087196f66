//! Which of a file's tensors are the network's: training scripts wrap networks, and save other values beside them.

use std::collections::BTreeSet;

use cytoshade_safe_io::{printable, quoted};

use crate::Error;
use crate::tensor::Shapes;

/// The weight that every state dict of the network has.
pub(crate) const FIRST: &str = "downsample.down.res_down_0.conv.conv_0.2.weight";

/// Beginnings of the names of the network's tensors. Among these nothing may be surplus: it would be another network.
const PARTS: [&str; 6] = ["downsample.", "upsample.", "make_style.", "output.", "diam_mean", "diam_labels"];

/// BatchNorm's counts of batches, which play no part after training.
const COUNTS: &str = ".num_batches_tracked";

/// Names that are shown of what was left alone.
const SHOWN: usize = 5;

/// Tells the network's tensors from those beside it, by their names.
#[derive(Debug, Default)]
pub(crate) struct TensorFilter {
    /// The prefix of every name of the network (`module.` from DataParallel). `None` if the network was not found: then
    /// every tensor is taken, so that the error says what the file has and lacks.
    prefix: Option<String>,
    /// The prefixes of several networks, none of which is chosen.
    several: FirstNames,
    found: FirstNames,
    beside: FirstNames,
    counts: usize,
}

impl TensorFilter {
    /// Finds the network among these names. If one has no prefix, it is that one; of several others none is chosen.
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
        let mut several = FirstNames::default();
        prefixes.iter().filter(|_| prefix.is_none()).for_each(|prefix| several.add(prefix));
        Self { prefix: prefix.map(str::to_string), several, ..Self::default() }
    }

    /// The name that a tensor has in the network. `None` if it has no part in it, which is noted.
    pub(crate) fn own<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        self.found.add(name);
        if name.ends_with(COUNTS) {
            self.counts += 1;
            return None;
        }
        let Some(prefix) = &self.prefix else { return Some(name) };
        let own = name.strip_prefix(prefix).filter(|own| PARTS.iter().any(|part| own.starts_with(part)));
        if own.is_none() {
            self.beside.add(name);
        }
        own
    }

    /// Notes a value beside the tensors.
    pub(crate) fn leave(&mut self, name: &str) {
        self.found.add(name);
        self.beside.add(name);
    }

    /// Refuses tensors that are no network's by their names, before their values are read: a file of another network can
    /// be large.
    pub(crate) fn check(&self, shapes: &Shapes) -> Result<(), Error> {
        if shapes.keys().any(|name| PARTS.iter().any(|part| name.starts_with(part))) {
            return Ok(());
        }
        let several =
            self.several.listed(|name| quoted(name)).map(|names| format!("networks with the prefixes {names}"));
        let found = several.or_else(|| self.found.listed(|name| quoted(name)));
        Err(Error::NoNetwork { found: found.unwrap_or_else(|| "nothing".into()) })
    }

    /// What was left alone, in words.
    pub(crate) fn ignored(self) -> Vec<String> {
        let mut ignored = Vec::new();
        if let Some(prefix) = self.prefix.filter(|prefix| !prefix.is_empty()) {
            ignored.push(format!("the prefix {} of the tensors' names", printable(&prefix)));
        }
        if let Some(beside) = self.beside.listed(|name| printable(name)) {
            ignored.push(format!("beside the network: {beside}"));
        }
        if self.counts > 0 {
            ignored.push(format!("{} counts of training batches (num_batches_tracked)", self.counts));
        }
        ignored
    }
}

/// Many names, of which the first few in their order are kept: some formats give them in no order.
#[derive(Debug, Default)]
struct FirstNames {
    first: BTreeSet<String>,
    count: usize,
}

impl FirstNames {
    fn add(&mut self, name: &str) {
        self.count += 1;
        // No more of a long name is kept than is shown.
        let end = name.char_indices().nth(101).map_or(name.len(), |(end, _)| end);
        if self.first.len() < SHOWN || self.first.last().is_some_and(|last| name < last.as_str()) {
            self.first.insert(name[..end].to_string());
            if self.first.len() > SHOWN {
                self.first.pop_last();
            }
        }
    }

    fn listed(&self, show: impl Fn(&String) -> String) -> Option<String> {
        let shown = self.first.iter().map(show).collect::<Vec<_>>().join(", ");
        match self.count.saturating_sub(self.first.len()) {
            _ if self.count == 0 => None,
            0 => Some(shown),
            more => Some(format!("{shown} and {more} more")),
        }
    }
}
