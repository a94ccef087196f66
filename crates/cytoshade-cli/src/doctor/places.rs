//! Names of folders and files in the report, without private parts unless they are asked for.

use std::path::{Path, PathBuf};

use cytoshade_safe_io::{REDACTED, printable, printable_path};

/// Prints folders and names of files.
pub(super) struct Places {
    /// True if private names are printed.
    is_full: bool,
    home: Option<PathBuf>,
}

impl Places {
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
        let below = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        match below {
            // The folders below may be the user's own, from the environment.
            Some(below) if below.ends_with(own) && below.components().count() <= own.split('/').count() + 2 => {
                format!("~/{}", printable_path(below))
            }
            _ => format!("{REDACTED}/{own}"),
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
        let places = |is_full| Places { is_full, home: Some("/home/ada".into()) };
        let folder = |path: &str| places(false).folder(Path::new(path), "CYTOSHADE_NO_SUCH", "cytoshade/models");
        assert_eq!(folder("/home/ada/.cache/cytoshade/models"), "~/.cache/cytoshade/models");
        for secret in [
            "/data/secret/cytoshade/models",
            "/home/ada/secret/x/y/cytoshade/models",
            "/home/ada/secret",
            "/home/adam/.cache/cytoshade/models",
        ] {
            assert_eq!(folder(secret), "[…]/cytoshade/models", "{secret}");
            assert_eq!(places(true).folder(Path::new(secret), "CYTOSHADE_NO_SUCH", "cytoshade/models"), secret);
        }
        assert_eq!(places(false).own_name("secret"), "[…]");
        assert_eq!(places(true).own_name("mine"), "mine");
        // A variable stands for its value.
        let path = std::env::var_os("PATH").unwrap();
        assert_eq!(places(false).folder(Path::new(&path), "PATH", "x"), "$PATH");
    }
}
