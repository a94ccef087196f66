//! The transfer of `cytoshade model fetch`, and what is done with what came.

use std::fs;

use cytoshade::{LoadOptions, Sha256};
use cytoshade_fetch::{Address, Downloaded, Limits, Request, Trust, fetch};
use cytoshade_model::load_any_path;

use super::fetch::FetchPlan;
use crate::failure::Failure;
use crate::progress::Bytes;
use crate::report::print_line;

pub(super) fn run(wanted: &FetchPlan) -> Result<(), Failure> {
    // Before anything is made here: an address that is not fetched from.
    let address = Address::parse(&wanted.url).map_err(Failure::usage)?;
    if is_here(wanted)? {
        print_line(format_args!("{} is there already, and right", wanted.target.display()));
        return Ok(());
    }
    if let Some(folder) = wanted.target.parent() {
        fs::create_dir_all(folder).map_err(|error| {
            Failure::run(format!("cannot make {}: {error}; set CYTOSHADE_MODELS to another", folder.display()))
        })?;
    }
    let request = Request {
        address,
        target: wanted.target.clone(),
        trust: wanted.sha256.map_or(Trust::Unverified, |hash| Trust::Sha256(hash.0)),
        size: wanted.bytes,
        limits: Limits { max_bytes: wanted.max_bytes, ..Limits::default() },
    };
    let bar = Bytes::new(&request.address.to_string());
    let arrived = fetch(&request, &mut |progress| bar.show(progress.done, progress.total)).map_err(Failure::run)?;
    drop(bar);
    keep(arrived, wanted)
}

/// Whether the file is there. One that is not what is wanted is left alone, and told of.
fn is_here(wanted: &FetchPlan) -> Result<bool, Failure> {
    if fs::symlink_metadata(&wanted.target).is_err() {
        return Ok(false);
    }
    let options = LoadOptions { sha256: wanted.sha256, ..LoadOptions::default() };
    match (load_any_path(&wanted.target, &options), wanted.sha256) {
        (Ok(_), Some(_)) => Ok(true),
        (Ok(_), None) => Err(Failure::at(&wanted.target, "it is there already; remove it first to fetch it again")),
        (Err(error), _) => Err(Failure::at(&wanted.target, format!("{error} (`cytoshade model remove` removes it)"))),
    }
}

/// Looks into what came, which must be a model, and gives it its name. What is none is removed.
fn keep(arrived: Downloaded, wanted: &FetchPlan) -> Result<(), Failure> {
    let sha256 = Sha256(arrived.sha256());
    // The bytes that are parsed are those that were hashed.
    let options = LoadOptions { sha256: Some(sha256), ..LoadOptions::default() };
    load_any_path(arrived.path(), &options)
        .map_err(|error| Failure::run(format!("what {} gave was not kept: {error}", wanted.url)))?;
    let path = arrived.keep().map_err(Failure::run)?;
    print_line(format_args!("{}: SHA-256 {sha256}", path.display()));
    if wanted.sha256.is_none() {
        print_line("nothing vouches for this file; demand this hash of it from now on, with --sha256");
    }
    if let Some(published) = wanted.published {
        print_line(format_args!("mind its license: {}", published.license));
    }
    Ok(())
}
