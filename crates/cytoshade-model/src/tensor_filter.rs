//! Selects the network's tensors in a file: training scripts wrap networks and save other values.

use cytoshade_safe_io::{printable, quoted};

use crate::Error;
use crate::arch::{self, Recognition, Recognized};
use crate::first_names::FirstNames;

/// BatchNorm's counts of batches, unused after training.
const COUNTS: &str = ".num_batches_tracked";

/// The tensors to read from a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those of a runnable network.
    ///
    /// Others are refused before their values are read, as their file can be large.
    Network,
    /// Those of a known network, else all.
    Tensors,
}

/// Separates the network's tensors from others by name.
pub(crate) struct TensorFilter {
    /// The network and the prefix of its names (`module.` from DataParallel). `None` selects every tensor.
    network: Option<Recognized>,
    /// Whether to refuse the tensors after checking their descriptions.
    refused: bool,
    /// The prefixes of several networks, none of which is chosen.
    several: FirstNames,
    found: FirstNames,
    beside: FirstNames,
    counts: usize,
}

impl TensorFilter {
    /// Recognises the network among these names.
    ///
    /// # Errors
    /// [`Error::Architecture`] if a network is wanted and this version cannot run it.
    pub(crate) fn among(names: &[&str], wanted: Wanted) -> Result<Self, Error> {
        let recognition = arch::recognize(names);
        if let (Recognition::CannotRun { architecture }, Wanted::Network) = (&recognition, wanted) {
            return Err(Error::Architecture { found: architecture });
        }
        let refused =
            matches!(recognition, Recognition::Several(_) | Recognition::Unknown) && wanted == Wanted::Network;
        let (network, several) = match recognition {
            Recognition::One(network) => (Some(network), FirstNames::default()),
            Recognition::Several(prefixes) => (None, prefixes),
            _ => (None, FirstNames::default()),
        };
        let (found, beside) = (FirstNames::default(), FirstNames::default());
        Ok(Self { network, refused, several, found, beside, counts: 0 })
    }

    /// A tensor's name in the network. `None`, with a note, if it is not part of it.
    pub(crate) fn own<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        self.found.add(name);
        if name.ends_with(COUNTS) {
            self.counts += 1;
            return None;
        }
        let Some(Recognized { recognizer, prefix }) = &self.network else { return Some(name) };
        let own = name.strip_prefix(prefix.as_str()).filter(|own| recognizer.owns(own));
        if own.is_none() {
            self.beside.add(name);
        }
        own
    }

    /// Notes an entry beside the tensors.
    #[cfg(feature = "torch")]
    pub(crate) fn leave(&mut self, name: &str) {
        self.found.add(name);
        self.beside.add(name);
    }

    /// Refuses tensors whose names form no network, before their values are read.
    ///
    /// # Errors
    /// [`Error::NoNetwork`] with the names.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.refused {
            return Ok(());
        }
        let several =
            self.several.listed(|name| quoted(name)).map(|names| format!("networks with the prefixes {names}"));
        let found = several.or_else(|| self.found.listed(|name| quoted(name)));
        Err(Error::NoNetwork { found: found.unwrap_or_else(|| "nothing".into()) })
    }

    /// Descriptions of the ignored entries.
    pub(crate) fn ignored(self) -> Vec<String> {
        let mut ignored = Vec::new();
        if let Some(Recognized { prefix, .. }) = self.network.filter(|network| !network.prefix.is_empty()) {
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
