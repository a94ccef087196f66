//! The download of `cytoshade model fetch` and the check of the downloaded file.

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

pub(super) fn run(plan: &FetchPlan) -> Result<(), Failure> {
    // An invalid URL fails before any file is created.
    let address = Address::parse(&plan.url).map_err(Failure::usage)?;
    if is_present(plan)? {
        print_line(format_args!("{} is already present; hash verified", printable_path(&plan.target)));
        return Ok(());
    }
    let default = Limits::default();
    let (grace, floor) = match plan.deadline {
        Some(seconds) => (Duration::from_secs(seconds), u64::MAX),
        None => (default.grace, default.floor),
    };
    let request = Request {
        address,
        target: plan.target.clone(),
        trust: plan.sha256.map_or(Trust::Unverified, |hash| Trust::Sha256(hash.0)),
        size: plan.bytes,
        limits: Limits { max_bytes: plan.max_bytes, grace, floor, ..default },
    };
    let bar = Bytes::new(&request.address.to_string());
    let downloaded = fetch(&request, &mut |progress| bar.show(progress.done, progress.total)).map_err(Failure::run)?;
    drop(bar);
    keep(downloaded, plan, &request.address)
}

/// True if the file is already present and verified. Fails if another file has its name.
fn is_present(plan: &FetchPlan) -> Result<bool, Failure> {
    if fs::symlink_metadata(&plan.target).is_err() {
        return Ok(false);
    }
    let options = LoadOptions { sha256: plan.sha256, ..LoadOptions::default() };
    match (load_any_path(&plan.target, &options), plan.sha256) {
        (Ok(_), Some(_)) => Ok(true),
        (Ok(_), None) => {
            Err(Failure::at(&plan.target, "already present, and no hash is known; remove it to download it again"))
        }
        (Err(error), _) => {
            Err(Failure::at(&plan.target, format!("{error}; remove the file with `cytoshade model remove`")))
        }
    }
}

/// Gives the downloaded file its name if it opens as a model; removes it otherwise.
fn keep(downloaded: Downloaded, plan: &FetchPlan, address: &Address) -> Result<(), Failure> {
    let sha256 = Sha256(downloaded.sha256());
    // The hash ensures that the parsed bytes are the downloaded ones.
    let options = LoadOptions { sha256: Some(sha256), ..LoadOptions::default() };
    load_any_path(downloaded.path(), &options)
        .map_err(|error| Failure::run(format!("the file from {address} was not kept: {error}")))?;
    let path = downloaded.keep().map_err(Failure::run)?;
    print_line(format_args!("{}: SHA-256 {sha256}", printable_path(&path)));
    if plan.sha256.is_none() {
        print_line("nothing verifies this file; pass this hash as --sha256 from now on");
    }
    if let Some(published) = plan.published {
        print_line(format_args!("license: {}", published.license));
    }
    Ok(())
}
