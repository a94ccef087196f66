//! `cytoshade model list`: lists published and local models.

use std::path::PathBuf;

use clap::Args;
use cytoshade::{ModelDirs, ModelFile, PUBLISHED, Published};
use cytoshade_safe_io::{printable, printable_path};
use serde::Serialize;

use super::source::DEMO;
use crate::failure::Failure;
use crate::report::print_line;

/// List the published models and the files in Cytoshade's and Cellpose's folders
///
/// Files are matched to published models by name only; `cytoshade model verify` compares their hashes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &List) -> Result<(), Failure> {
    let folders = ModelDirs::from_env();
    let here = folders.list();
    if args.json {
        let report = Report::new(&folders, &here);
        print_line(serde_json::to_string(&report).map_err(Failure::run)?);
        return Ok(());
    }
    print_line("published models (matched by name; `model verify` compares hashes):");
    for published in PUBLISHED {
        print_line(format_args!("  {:<20} {}", published.name, whereabouts(published, &here)));
    }
    print_line(format_args!("  {DEMO:<20} bundled with the program (for demonstrations, not for science)"));
    print_line("other files, possibly models:");
    for present in here.iter().filter(|present| present.published.is_none()) {
        print_line(format_args!("  {:<20} {}", printable(&present.name), printable_path(&present.path)));
    }
    for (owner, folder) in [("Cytoshade", &folders.own), ("Cellpose", &folders.cellpose)] {
        let folder = folder.as_ref().map_or("none".into(), printable_path);
        print_line(format_args!("{owner}'s folder: {folder}"));
    }
    Ok(())
}

/// The local files of a published model, with a remark if one cannot be that model.
fn whereabouts(published: &Published, here: &[ModelFile]) -> String {
    let known = if published.sha256.is_some() { "" } else { " (no hash of it is known)" };
    let found: Vec<_> = files_of(published, here)
        .map(|present| {
            let differs = published.bytes.is_some_and(|bytes| bytes != present.bytes);
            format!(
                "{}{}",
                printable_path(&present.path),
                if differs { " (another size than the published model)" } else { "" }
            )
        })
        .collect();
    if found.is_empty() { format!("not present{known}") } else { format!("{}{known}", found.join(", ")) }
}

fn files_of<'a>(published: &Published, here: &'a [ModelFile]) -> impl Iterator<Item = &'a ModelFile> {
    here.iter().filter(move |present| present.published == Some(published))
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    own_folder: Option<&'a PathBuf>,
    cellpose_folder: Option<&'a PathBuf>,
    published: Vec<Known<'a>>,
    others: Vec<File<'a>>,
}

#[derive(Debug, Serialize)]
struct Known<'a> {
    name: &'static str,
    file: &'static str,
    kind: &'static str,
    bytes: Option<u64>,
    sha256: Option<String>,
    origin: &'static str,
    license: &'static str,
    files: Vec<File<'a>>,
}

#[derive(Debug, Serialize)]
struct File<'a> {
    name: &'a str,
    path: String,
    bytes: u64,
}

impl<'a> Report<'a> {
    fn new(folders: &'a ModelDirs, here: &'a [ModelFile]) -> Self {
        let file = |present: &'a ModelFile| File {
            name: &present.name,
            path: present.path.display().to_string(),
            bytes: present.bytes,
        };
        let known = |published: &'static Published| Known {
            name: published.name,
            file: published.file,
            kind: published.kind.name(),
            bytes: published.bytes,
            sha256: published.sha256.map(|hash| hash.to_string()),
            origin: published.url,
            license: published.license,
            files: files_of(published, here).map(file).collect(),
        };
        Self {
            own_folder: folders.own.as_ref(),
            cellpose_folder: folders.cellpose.as_ref(),
            published: PUBLISHED.iter().map(known).collect(),
            others: here.iter().filter(|present| present.published.is_none()).map(file).collect(),
        }
    }
}
