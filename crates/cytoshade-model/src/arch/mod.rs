//! Recognises architectures by their tensors.
//!
//! Each architecture of `cytoshade_core::arch` has a module here with its [`Recognizer`]: from tensors to a network, and
//! back to tensors for saving. To add one, add its module and a line in [`RECOGNIZERS`].

mod cellpose4;
pub(crate) mod unet;

use cytoshade_core::Network;
use cytoshade_safe_io::quoted;

use crate::Error;
use crate::first_names::FirstNames;
use crate::tensor::Tensors;

/// Every supported architecture.
const RECOGNIZERS: [&dyn Recognizer; 1] = [&unet::UNetTensors];

/// Reads and writes the tensors of one architecture.
pub(crate) trait Recognizer: Sync {
    /// Name of the architecture, as [`Description::architecture`](cytoshade_core::Description) states it.
    fn architecture(&self) -> &'static str;

    /// Name of a tensor in every network of the architecture.
    ///
    /// The characters before it are the prefix of all names.
    fn landmark(&self) -> &'static str;

    /// Whether a tensor of this name, without prefix, belongs to the network or is surplus in it.
    fn owns(&self, name: &str) -> bool;

    /// Whether a tensor of this name, with any prefix, suggests the architecture without its landmark.
    fn suggests(&self, name: &str) -> bool;

    /// Builds the network from its tensors.
    ///
    /// # Errors
    /// [`Error::StateDict`] with every missing, surplus or misshapen tensor.
    fn network(&self, tensors: Tensors) -> Result<Network, Error>;

    /// The tensors from which [`Recognizer::network`] rebuilds the network.
    ///
    /// `None` for another architecture.
    fn tensors(&self, network: &Network) -> Option<Tensors>;

    /// Adds the tensors that a file may omit.
    fn complete(&self, tensors: &mut Tensors, network: &Network);
}

/// The architecture of a network and the prefix of its tensors' names.
pub(crate) struct Recognized {
    pub(crate) recognizer: &'static dyn Recognizer,
    pub(crate) prefix: String,
}

/// The result of searching tensor names for a network.
pub(crate) enum Recognition {
    /// One network, or several of which one has no prefix.
    One(Recognized),
    /// Several networks, each with a prefix.
    Several(FirstNames),
    /// A network whose landmark is missing.
    Incomplete,
    /// A network of a known architecture that this version does not run.
    CannotRun { architecture: &'static str },
    /// No known network.
    Unknown,
}

/// Recognises the network among tensors of these names.
pub(crate) fn recognize(names: &[&str]) -> Recognition {
    for recognizer in RECOGNIZERS {
        let prefixes = || {
            let prefixes = names.iter().filter_map(|name| name.strip_suffix(recognizer.landmark()));
            prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        };
        let Some(first) = prefixes().min_by_key(|prefix| prefix.len()) else { continue };
        if !first.is_empty() && prefixes().any(|prefix| prefix != first) {
            return Recognition::Several(prefixes().collect());
        }
        return Recognition::One(Recognized { recognizer, prefix: first.into() });
    }
    if let Some(architecture) = cellpose4::recognize(names) {
        return Recognition::CannotRun { architecture };
    }
    match names.iter().any(|name| nearest(name).is_some()) {
        true => Recognition::Incomplete,
        false => Recognition::Unknown,
    }
}

/// Whether a name is that of a landmark, with any prefix.
#[cfg(feature = "torch")]
pub(crate) fn is_landmark(name: &str) -> bool {
    RECOGNIZERS.into_iter().any(|recognizer| name.ends_with(recognizer.landmark()))
}

/// The architecture that a tensor's name suggests.
fn nearest(name: &str) -> Option<&'static dyn Recognizer> {
    RECOGNIZERS.into_iter().find(|recognizer| name.ends_with(recognizer.landmark()) || recognizer.suggests(name))
}

/// Builds the network from tensors with names without prefix.
///
/// # Errors
/// [`Error::NoNetwork`] if no architecture matches, and those of [`Recognizer::network`].
pub(crate) fn network(tensors: Tensors) -> Result<Network, Error> {
    match tensors.keys().find_map(|name| nearest(name)) {
        Some(recognizer) => recognizer.network(tensors),
        None => {
            let found = tensors.keys().map(String::as_str).collect::<FirstNames>().listed(|name| quoted(name));
            Err(Error::NoNetwork { found: found.unwrap_or_else(|| "nothing".into()) })
        }
    }
}

/// The tensors of a network, for saving.
///
/// # Errors
/// [`Error::NotSaved`] for a network of a program's own architecture.
pub(crate) fn tensors(network: &Network) -> Result<Tensors, Error> {
    let tensors = RECOGNIZERS.into_iter().find_map(|recognizer| recognizer.tensors(network));
    tensors.ok_or_else(|| Error::NotSaved { architecture: network.description().architecture.into() })
}

/// Adds the tensors that a network's file may omit.
pub(crate) fn complete(tensors: &mut Tensors, network: &Network) {
    let architecture = network.description().architecture;
    if let Some(recognizer) = RECOGNIZERS.into_iter().find(|recognizer| recognizer.architecture() == architecture) {
        recognizer.complete(tensors, network);
    }
}
