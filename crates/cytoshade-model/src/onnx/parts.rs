//! The parts of a model beside it, under the limits and with the hashes that the options demand.

use crate::external::{ExternalData, refuse};
use crate::{Error, LoadOptions, Sha256, integrity};

/// Every part that a model names, from the options or else from `find`, with the hashes that the options demand.
pub(super) fn gather<'n>(
    names: impl Iterator<Item = &'n str>,
    options: &LoadOptions,
    mut find: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<ExternalData, Error> {
    let mut parts = ExternalData::new();
    let mut total = 0u64;
    for name in names {
        if parts.contains_key(name) {
            continue;
        }
        let expected = expected_hash(name, options)?;
        let part = match options.external.get(name) {
            Some(part) => part.clone(),
            None => find(name)?.into(),
        };
        if let Some(expected) = expected {
            integrity::check(&part, expected)?;
        }
        total = total.saturating_add(part.len() as u64);
        options.limits.check_file(total)?;
        parts.insert(name.to_string(), part);
    }
    Ok(parts)
}

fn expected_hash(name: &str, options: &LoadOptions) -> Result<Option<Sha256>, Error> {
    let expected = options.external_sha256.get(name).copied();
    if options.sha256.is_some() && expected.is_none() {
        let reason = "a hash is given for the model and none for this part; set LoadOptions::external_sha256";
        return Err(refuse(name, reason));
    }
    Ok(expected)
}
