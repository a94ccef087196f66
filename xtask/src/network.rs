//! Checks that builds without network code have none.

use crate::shell::{cargo, lines};

/// Crates that use a network, or on which such crates are built.
///
/// `tokio` is not among them: `wasm-bindgen-futures` uses its scheduler on one platform. It reaches a network only through
/// `mio` and `socket2`, which are listed.
const NETWORK: [&str; 19] = [
    "async-std",
    "attohttpc",
    "curl",
    "cytoshade-fetch",
    "h2",
    "hyper",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "tungstenite",
    "ureq",
    "webpki-roots",
];

/// Builds without network code, on any platform.
const WITHOUT: [&[&str]; 3] = [
    &["--package", "cytoshade"],
    &["--package", "cytoshade-web"],
    &["--package", "cytoshade-cli", "--no-default-features"],
];

/// Fails if a build of [`WITHOUT`] contains a crate of [`NETWORK`].
///
/// Also fails if no such crate is found in the full program, which has network code: a check that cannot fail tests
/// nothing.
pub(crate) fn check() -> Result<(), String> {
    WITHOUT.into_iter().try_for_each(without)?;
    let found = network_crates(&["--package", "cytoshade-cli"])?;
    if ["cytoshade-fetch", "ureq", "rustls"].iter().any(|name| !found.iter().any(|found| found == name)) {
        return Err(format!("expected network code in the full program, found only: {}", found.join(", ")));
    }
    Ok(())
}

fn without(package: &[&str]) -> Result<(), String> {
    let found = network_crates(package)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("{} has network code: {}", package.join(" "), found.join(", ")))
}

fn network_crates(package: &[&str]) -> Result<Vec<String>, String> {
    let tree =
        ["tree", "--locked", "--edges", "normal,build", "--target", "all", "--prefix", "none", "--format", "{p}"];
    let tree = lines(cargo(&[&tree, package].concat()))?;
    if tree.len() < 10 {
        return Err(format!("cargo tree {} lists only {tree:?}", package.join(" ")));
    }
    let mut found: Vec<_> = tree.iter().filter_map(|line| line.split(' ').next()).map(String::from).collect();
    found.retain(|name| NETWORK.contains(&name.as_str()));
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_code_is_in_the_full_program_only() {
        check().unwrap();
        assert!(without(&["--package", "cytoshade-cli"]).unwrap_err().contains("ureq"));
    }
}
