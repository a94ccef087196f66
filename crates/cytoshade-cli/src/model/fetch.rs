//! `cytoshade model fetch`: the file to download and its required properties.

use std::path::PathBuf;

use clap::Args;
use cytoshade::{ModelDirs, Published, Sha256, is_plain_name};
use cytoshade_safe_io::{printable, quoted};

use super::remove::own_path;
use crate::failure::Failure;

/// Download a published model, or a model from a URL, into Cytoshade's folder
///
/// Uses HTTPS; plain HTTP only to this machine. Keeps the file only if its SHA-256 is the published or given one and it
/// opens as a model. Repeat the command to resume an interrupted download. Ignores proxies of the environment, and
/// checks certificates only against Mozilla's roots.
#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// Name of a published model (see `cytoshade model list`), or an https: URL
    #[arg(value_name = "NAME|URL")]
    model: String,
    /// Required SHA-256 of the file; overrides the published hash
    #[arg(long, value_name = "HEX")]
    sha256: Option<Sha256>,
    /// Accept any model if no hash is known or given, and print its hash
    #[arg(long)]
    accept_unverified: bool,
    /// Maximum size of the file in bytes
    #[arg(long, value_name = "N", default_value_t = 1 << 30)]
    max_bytes: u64,
    /// Maximum time of the download in seconds; default: 2 minutes plus the time of the file at 16 KiB per second
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u64>,
    /// File name for a model from a URL; default: the last part of the URL
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// The file to download and its required properties.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FetchPlan {
    pub(super) url: String,
    pub(super) target: PathBuf,
    /// `None` accepts any model.
    pub(super) sha256: Option<Sha256>,
    pub(super) bytes: Option<u64>,
    pub(super) max_bytes: u64,
    pub(super) deadline: Option<u64>,
    pub(super) published: Option<&'static Published>,
}

pub(crate) fn run(args: &Fetch) -> Result<(), Failure> {
    let plan = plan(args, &ModelDirs::from_env())?;
    #[cfg(feature = "fetch")]
    return super::transfer::run(&plan);
    #[cfg(not(feature = "fetch"))]
    Err(without_network_code(&plan))
}

#[cfg(not(feature = "fetch"))]
fn without_network_code(plan: &FetchPlan) -> Failure {
    use cytoshade_safe_io::printable_path;

    Failure::run(format!(
        "this program was built without network code (feature `fetch`); download {} by other means and save it as \
         {}",
        printable_path(without_query(&plan.url)),
        printable_path(&plan.target)
    ))
}

fn plan(args: &Fetch, folders: &ModelDirs) -> Result<FetchPlan, Failure> {
    let by_name = Published::named(&args.model);
    let file = match (by_name, &args.name) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("--name applies only to URLs; leave it out for a published model"));
        }
        (Some(published), None) => published.file,
        (None, _) if !args.model.contains("://") => {
            let known: Vec<_> = cytoshade::PUBLISHED.iter().map(|published| published.name).collect();
            return Err(Failure::usage(format!(
                "{} is neither a URL nor a published model; the published models are {}",
                printable(without_query(&args.model)),
                known.join(", ")
            )));
        }
        (None, Some(name)) => name,
        (None, None) => without_query(&args.model).rsplit('/').next().unwrap_or_default(),
    };
    if !is_plain_name(file) || file.contains('%') || file.ends_with(".part") {
        return Err(Failure::usage(format!("{} is not a plain file name; pass one with --name", quoted(file))));
    }
    // A file with the name of a published model is opened as that model, so it must have its hash.
    let published = Published::named(file);
    let sha256 = args.sha256.or(published.and_then(|published| published.sha256));
    if sha256.is_none() && !args.accept_unverified {
        return Err(Failure::usage(format!(
            "no SHA-256 of {} is known; pass --sha256, or --accept-unverified to accept any model",
            by_name.map_or(printable(file), |published| published.name.into())
        )));
    }
    Ok(FetchPlan {
        url: by_name.map_or_else(|| args.model.clone(), |published| published.url.to_string()),
        target: own_path(folders, published.map_or(file, |published| published.file))?,
        sha256,
        bytes: published.and_then(|published| published.bytes).filter(|_| args.sha256.is_none()),
        max_bytes: args.max_bytes,
        deadline: args.deadline,
        published,
    })
}

/// A URL without its query, which may hold a key.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        fetch: Fetch,
    }

    fn parse(words: &[&str]) -> Result<FetchPlan, String> {
        let line = Line::try_parse_from([&["fetch"], words].concat()).unwrap();
        let folders = ModelDirs { own: Some("models".into()), cellpose: None };
        plan(&line.fetch, &folders).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn names_imply_the_published_hash_and_size() {
        let cyto3 = Published::named("cyto3").unwrap();
        let found = parse(&["cyto3"]).unwrap();
        assert_eq!((found.url.as_str(), found.sha256, found.bytes), (cyto3.url, cyto3.sha256, cyto3.bytes));
        assert_eq!(found.target, PathBuf::from("models/cyto3"));
        // --accept-unverified does not override a known hash.
        assert_eq!(parse(&["nucleitorch_0", "--accept-unverified"]).unwrap(), parse(&["nuclei"]).unwrap());
        let pinned = parse(&["cyto3", "--sha256", &"0".repeat(64)]).unwrap();
        assert_eq!((pinned.sha256, pinned.bytes), (Some(Sha256([0; 32])), None));
    }

    #[cfg(not(feature = "fetch"))]
    #[test]
    fn without_network_code_the_error_names_the_file() {
        let said = format!("{:?}", without_network_code(&parse(&["cyto3"]).unwrap()));
        for part in ["feature `fetch`", Published::named("cyto3").unwrap().url, "models"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn an_unknown_hash_must_be_given() {
        for words in [&["cyto2"][..], &["https://models.example/mine"]] {
            assert!(parse(words).unwrap_err().contains("--accept-unverified"), "{words:?}");
            let words = [words, &["--accept-unverified"]].concat();
            assert_eq!(parse(&words).unwrap().sha256, None, "{words:?}");
        }
    }

    #[test]
    fn addresses_name_plain_files() {
        let hash = ["--sha256", &"0".repeat(64)];
        let target = |words: &[&str]| parse(&[words, &hash].concat()).map(|plan| plan.target);
        assert_eq!(target(&["https://models.example/a/mine?key=1#x"]).unwrap(), PathBuf::from("models/mine"));
        assert_eq!(target(&["https://models.example/", "--name", "mine"]).unwrap(), PathBuf::from("models/mine"));
        for url in ["https://models.example/", "https://models.example/..", "https://models.example/.hidden"] {
            assert!(target(&[url]).unwrap_err().contains("--name"), "{url}");
        }
        for url in ["https://models.example/a%2Fb", "https://models.example/a\\b", "https://models.example/nul"] {
            assert!(target(&[url]).unwrap_err().contains("--name"), "{url}");
        }
        for name in ["../mine", "/mine", "", "mine.part"] {
            assert!(target(&["https://models.example/a", "--name", name]).is_err(), "{name}");
        }
        assert!(target(&["cyto9"]).unwrap_err().contains("size_nuclei"));
        assert!(target(&["cyto3", "--name", "mine"]).is_err());
    }

    #[test]
    fn a_published_name_requires_the_published_hash() {
        for words in [
            &["https://models.example/cyto3", "--accept-unverified"][..],
            &["https://models.example/x", "--name", "cyto3", "--accept-unverified"],
        ] {
            let found = parse(words).unwrap();
            assert_eq!(found.sha256, Published::named("cyto3").unwrap().sha256, "{words:?}");
        }
        // The file is saved under the name by which the model is opened.
        let found = parse(&["https://models.example/nuclei", "--accept-unverified"]).unwrap();
        assert_eq!(found.target, PathBuf::from("models/nucleitorch_0"));
    }
}
