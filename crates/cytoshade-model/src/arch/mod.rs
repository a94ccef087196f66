//! How an architecture is recognised by its tensors.
//!
//! Each architecture of `cytoshade_core::arch` has a module here with its [`Recognizer`]: from tensors to a network, and
//! back to tensors for saving. To add one, add its module and a line in [`RECOGNIZERS`].

mod cellpose4;
pub(crate) mod unet;

use cytoshade_core::Network;
use cytoshade_pickle::printable;

use crate::Error;
use crate::tensor::Tensors;

/// Names that an error lists.
const LISTED: usize = 10;

/// Every architecture that can be read.
const RECOGNIZERS: [&dyn Recognizer; 1] = [&unet::UNetTensors];

/// Reads and writes the tensors of one architecture.
pub(crate) trait Recognizer: Sync {
    /// Name of the architecture, as [`Description::architecture`](cytoshade_core::Description) states it.
    fn architecture(&self) -> &'static str;

    /// Name of a tensor that every network of the architecture has. What stands before it is the prefix of all names.
    fn landmark(&self) -> &'static str;

    /// Whether a tensor of this name, without prefix, belongs to the network; or is surplus among its tensors.
    fn owns(&self, name: &str) -> bool;

    /// Whether a tensor of this name, with any prefix, suggests the architecture although its landmark is missing.
    fn suggests(&self, name: &str) -> bool;

    /// The network of these tensors.
    ///
    /// # Errors
    /// [`Error::StateDict`] with every tensor that is missing, surplus or misshapen.
    fn network(&self, tensors: Tensors) -> Result<Network, Error>;

    /// The tensors that [`Recognizer::network`] turns into the same network. `None` if it is of another architecture.
    fn tensors(&self, network: &Network) -> Option<Tensors>;

    /// Adds the tensors that a file may omit.
    fn complete(&self, tensors: &mut Tensors, network: &Network);
}

/// The architecture of a network and the prefix of its tensors' names.
pub(crate) struct Recognized {
    pub(crate) recognizer: &'static dyn Recognizer,
    pub(crate) prefix: String,
}

/// Recognises the network among tensors of these names. `None` if there is none, or if there are several and each has a
/// prefix.
///
/// # Errors
/// [`Error::Architecture`] for a network of an architecture that is known but cannot be run.
pub(crate) fn recognize(names: &[&str]) -> Result<Option<Recognized>, Error> {
    for recognizer in RECOGNIZERS {
        let mut prefixes: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_suffix(recognizer.landmark()))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            .collect();
        prefixes.sort_unstable();
        match prefixes[..] {
            [prefix @ "", ..] | [prefix] => return Ok(Some(Recognized { recognizer, prefix: prefix.into() })),
            _ => {}
        }
    }
    cellpose4::refuse(names)?;
    Ok(None)
}

/// The network of tensors that [`recognize`] was asked about, their names without prefix.
///
/// # Errors
/// [`Error::NoNetwork`] if they are of no architecture, and those of [`Recognizer::network`].
pub(crate) fn network(tensors: Tensors) -> Result<Network, Error> {
    let near = |recognizer: &&dyn Recognizer| {
        tensors.keys().any(|name| name.ends_with(recognizer.landmark()) || recognizer.suggests(name))
    };
    match RECOGNIZERS.into_iter().find(near) {
        Some(recognizer) => recognizer.network(tensors),
        None => Err(Error::NoNetwork { found: listed(&tensors) }),
    }
}

/// The first names, and how many more there are.
fn listed(tensors: &Tensors) -> String {
    let shown: Vec<String> = tensors.keys().take(LISTED).map(|name| printable(name)).collect();
    match tensors.len().saturating_sub(LISTED) {
        _ if shown.is_empty() => "no tensors".into(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The tensors of a network, to be saved.
///
/// # Errors
/// [`Error::NotSaved`] for a network of a program's own architecture.
pub(crate) fn tensors(network: &Network) -> Result<Tensors, Error> {
    let tensors = RECOGNIZERS.into_iter().find_map(|recognizer| recognizer.tensors(network));
    tensors.ok_or_else(|| Error::NotSaved { architecture: network.description().architecture.into() })
}

/// Adds the tensors that the file of a network may omit.
pub(crate) fn complete(tensors: &mut Tensors, network: &Network) {
    let architecture = network.description().architecture;
    if let Some(recognizer) = RECOGNIZERS.into_iter().find(|recognizer| recognizer.architecture() == architecture) {
        recognizer.complete(tensors, network);
    }
}
