//! Finds the state dict among the values of a pickle.

use cytoshade_pickle::{Id, NAMESPACES, Pickle, Value, unexpected};
use cytoshade_safe_io::Meter;

use crate::{Error, arch};

/// Keys under which training scripts save the state dict.
const NESTED_UNDER: [&str; 6] = ["state_dict", "model_state_dict", "model", "net", "weights", "params"];

/// The entries of a dictionary.
type Entries<'p> = &'p [(Id, Id)];

/// The dictionary of tensors, and the keys beside it.
///
/// It is the object itself, or an entry of it under one of [`NESTED_UNDER`], recursively.
pub(super) fn find<'p>(pickle: &'p Pickle<'_>, meter: &mut Meter) -> Result<(Entries<'p>, Vec<Id>), Error> {
    let mut beside = Vec::new();
    let mut depth = 0;
    let mut found =
        entries(pickle, pickle.root()).ok_or_else(|| unexpected("the saved object", "a state dict", pickle.root()))?;
    loop {
        depth += 1;
        // A dictionary may contain itself.
        pickle.limits().check_nesting(depth)?;
        let Some((inner, pairs)) = nested(pickle, found, meter)? else { return Ok((found, beside)) };
        meter.charge::<Id>(2 * found.len())?;
        beside.extend(found.iter().filter(|(_, value)| *value != inner).map(|(key, _)| *key));
        found = pairs;
    }
}

/// The entry of a dictionary that holds the state dict.
///
/// It is the first in the order of [`NESTED_UNDER`] that holds a network's landmark, else the first. `None` if the
/// dictionary itself holds the landmark, or no key matches.
fn nested<'p>(
    pickle: &'p Pickle<'_>,
    pairs: Entries<'p>,
    meter: &mut Meter,
) -> Result<Option<(Id, Entries<'p>)>, Error> {
    if holds_network(pickle, pairs, meter)? {
        return Ok(None);
    }
    let mut candidates = [None; NESTED_UNDER.len()];
    for &(key, value) in pairs {
        let Value::Str(key) = pickle.get(key) else { continue };
        if let Some(at) = NESTED_UNDER.iter().position(|known| known == key)
            && let Some(inner) = entries(pickle, pickle.get(value))
        {
            candidates[at] = Some((value, inner));
        }
    }
    let mut first = None;
    for (value, inner) in candidates.into_iter().flatten() {
        if holds_network(pickle, inner, meter)? {
            return Ok(Some((value, inner)));
        }
        first = first.or(Some((value, inner)));
    }
    Ok(first)
}

fn holds_network(pickle: &Pickle<'_>, pairs: Entries<'_>, meter: &mut Meter) -> Result<bool, Error> {
    meter.charge_steps(pairs.len() as u64)?;
    Ok(pairs.iter().any(|(key, _)| matches!(pickle.get(*key), Value::Str(key) if arch::is_landmark(key))))
}

/// The entries of a dictionary, or the attributes of a namespace.
fn entries<'p>(pickle: &'p Pickle<'_>, value: &'p Value<'_>) -> Option<Entries<'p>> {
    match value {
        Value::Dict(pairs) => Some(pairs),
        Value::Call { global, state: Some(state), .. } if NAMESPACES.contains(global) => match pickle.get(*state) {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        },
        _ => None,
    }
}
