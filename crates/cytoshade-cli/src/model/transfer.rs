//! The transfer of `cytoshade model fetch`, and the check of the file that arrived.

use std::fs;
use std::time::Duration;

use cytoshade::{LoadOptions, Sha256};
use cytoshade_fetch::{Address, Downloaded, Limits, Request, Trust, fetch};
use cytoshade_model::load_any_path;
use cytoshade_safe_io::printable_path;

use super::fetch::FetchPlan;
use crate::failure::Failure;
use crate::progress::Bytes;
use crate::report::print_line;

pub(super) fn run(wanted: &FetchPlan) -> Result<(), Failure> {
    // An address that is not fetched from is refused before anything is made here.
    let address = Address::parse(&wanted.url).map_err(Failure::usage)?;
    if is_here(wanted)? {
        print_line(format_args!("{} is already present; hash verified", printable_path(&wanted.target)));
        return Ok(());
    }
    let default = Limits::default();
    let (grace, floor) = match wanted.deadline {
        Some(seconds) => (Duration::from_secs(seconds), u64::MAX),
        None => (default.grace, default.floor),
    };
    let request = Request {
        address,
        target: wanted.target.clone(),
        trust: wanted.sha256.map_or(Trust::Unverified, |hash| Trust::Sha256(hash.0)),
        size: wanted.bytes,
        limits: Limits { max_bytes: wanted.max_bytes, grace, floor, ..default },
    };
    let bar = Bytes::new(&request.address.to_string());
    let downloaded = fetch(&request, &mut |progress| bar.show(progress.done, progress.total)).map_err(Failure::run)?;
    drop(bar);
    keep(downloaded, wanted, &request.address)
}

/// Whether the file is there. Another file of its name is left alone, and is an error.
fn is_here(wanted: &FetchPlan) -> Result<bool, Failure> {
    if fs::symlink_metadata(&wanted.target).is_err() {
        return Ok(false);
    }
    let options = LoadOptions { sha256: wanted.sha256, ..LoadOptions::default() };
    match (load_any_path(&wanted.target, &options), wanted.sha256) {
        (Ok(_), Some(_)) => Ok(true),
        (Ok(_), None) => Err(Failure::at(&wanted.target, "it is already present; remove it first to fetch it again")),
        (Err(error), _) => Err(Failure::at(&wanted.target, format!("{error} (`cytoshade model remove` removes it)"))),
    }
}

/// Opens the file that arrived, which must be a model, and gives it its name. Any other file is removed.
fn keep(downloaded: Downloaded, wanted: &FetchPlan, address: &Address) -> Result<(), Failure> {
    let sha256 = Sha256(downloaded.sha256());
    // The bytes that are parsed are those that were hashed.
    let options = LoadOptions { sha256: Some(sha256), ..LoadOptions::default() };
    load_any_path(downloaded.path(), &options)
        .map_err(|error| Failure::run(format!("the file from {address} was not kept: {error}")))?;
    let path = downloaded.keep().map_err(Failure::run)?;
    print_line(format_args!("{}: SHA-256 {sha256}", printable_path(&path)));
    if wanted.sha256.is_none() {
        print_line("nothing verifies this file; demand this hash of it from now on, with --sha256");
    }
    if let Some(published) = wanted.published {
        print_line(format_args!("its license: {}", published.license));
    }
    Ok(())
}
