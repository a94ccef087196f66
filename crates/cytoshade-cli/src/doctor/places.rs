//! Names of folders and files in the report, without private parts unless they are asked for.

use std::path::{Path, PathBuf};

use cytoshade_safe_io::{REDACTED, printable, printable_path};

/// The folders of caches and data in a home folder, as Linux, macOS and Windows name them.
const STANDARD: [&str; 4] = ["", ".cache", "Library/Caches", "AppData/Local"];

/// Prints folders and names of files, without private parts unless they are asked for.
pub(super) struct PathRedactor {
    /// True if private names are printed.
    is_full: bool,
    home: Option<PathBuf>,
}

impl PathRedactor {
    pub(super) fn from_env(is_full: bool) -> Self {
        Self { is_full, home: std::env::home_dir().filter(|home| home.components().count() > 1) }
    }

    /// A folder: its path, or the variable that names it, or its path below the home folder.
    ///
    /// `own` is the part of the path that the program chooses, such as `cytoshade/models`.
    pub(super) fn folder(&self, path: &Path, variable: &str, own: &str) -> String {
        if self.is_full {
            return printable_path(path);
        }
        if std::env::var_os(variable).is_some_and(|value| path == Path::new(&value)) {
            return format!("${variable}");
        }
        // Any other folder may be the user's own, from the environment.
        let standard = STANDARD.iter().map(|folder| Path::new(folder).join(own));
        let below = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        match below.filter(|below| standard.into_iter().any(|standard| standard == *below)) {
            Some(below) => format!("~/{}", printable_path(below)),
            None => format!("{REDACTED}/{own}"),
        }
    }

    /// The name of a user's own model.
    pub(super) fn own_name(&self, name: &str) -> String {
        if self.is_full { printable(name) } else { REDACTED.into() }
    }

    /// An error.
    pub(super) fn error(&self, error: &cytoshade::Error) -> String {
        if self.is_full { error.to_string() } else { error.redacted().to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_parts_are_hidden() {
        let redactor = |is_full| PathRedactor { is_full, home: Some("/home/ada".into()) };
        let folder = |path: &str| redactor(false).folder(Path::new(path), "CYTOSHADE_NO_SUCH", "cytoshade/models");
        assert_eq!(folder("/home/ada/.cache/cytoshade/models"), "~/.cache/cytoshade/models");
        assert_eq!(folder("/home/ada/cytoshade/models"), "~/cytoshade/models");
        for secret in [
            "/home/ada/secret/cytoshade/models",
            "/home/ada/.cache/secret/cytoshade/models",
            "/data/secret/cytoshade/models",
            "/home/ada/secret/x/y/cytoshade/models",
            "/home/ada/secret",
            "/home/adam/.cache/cytoshade/models",
        ] {
            assert_eq!(folder(secret), "[…]/cytoshade/models", "{secret}");
            assert_eq!(redactor(true).folder(Path::new(secret), "CYTOSHADE_NO_SUCH", "cytoshade/models"), secret);
        }
        assert_eq!(redactor(false).own_name("secret"), "[…]");
        assert_eq!(redactor(true).own_name("mine"), "mine");
        // A variable stands for its value.
        let path = std::env::var_os("PATH").unwrap();
        assert_eq!(redactor(false).folder(Path::new(&path), "PATH", "x"), "$PATH");
    }
}
