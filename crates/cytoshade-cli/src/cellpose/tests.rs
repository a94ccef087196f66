use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;

use super::options::{Meaning, OPTIONS};
use super::{has_option, meaning, translate};
use crate::args::Cli;

/// Translates the words after `cytoshade segment`, and parses the result.
fn words(after: &[&str]) -> Result<Vec<String>, String> {
    let words = ["cytoshade", "segment"].iter().chain(after).map(OsString::from).collect();
    let words = translate(&Cli::command(), words).map_err(|failure| format!("{failure:?}"))?;
    Cli::command().try_get_matches_from(&words).map_err(|error| error.to_string())?;
    Ok(words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect())
}

/// The options of the reference, with the number of their values.
fn reference() -> Vec<(String, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("tests/fixtures/options/cellpose.tsv")).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("--").unwrap().split_once('\t').unwrap());
    lines.map(|(name, values)| (name.into(), values.parse().unwrap())).collect()
}

/// The row of an option in the guide.
fn row(name: &str, values: usize) -> String {
    let value = ["", " V", " V W"][values];
    let ours = match meaning(&name.replace('_', "-")) {
        None => format!("`--{}{value}`", name.replace('_', "-")),
        Some(Meaning::Words(words)) => format!("`{}`", words.join(" ")),
        Some(Meaning::Option(option)) => format!("`{option}{value}`"),
        Some(Meaning::Ending(option)) => format!("`{option} '*V.*'`"),
        Some(Meaning::Input) => "`V`, an input".into(),
        Some(Meaning::Always(reason)) => format!("no effect: {reason}"),
        Some(Meaning::None(reason)) => format!("none: {reason}"),
    };
    format!("| `--{name}{value}` | {ours} |")
}

#[test]
fn every_option_of_the_reference_is_translated_or_refused_by_name() {
    let reference = reference();
    assert!(reference.len() > 60);
    for (name, values) in &reference {
        // Two increasing numbers satisfy every kind of value but these.
        let value = match name.as_str() {
            "channel_axis" => ["0", ""],
            "anisotropy" | "batch_size" | "niter" => ["2", ""],
            _ => ["0.5", "99"],
        };
        let option = format!("--{name}");
        let given = [&["image.tif", &option], &value[..*values]].concat();
        match (meaning(&name.replace('_', "-")), words(&given)) {
            (Some(Meaning::None(reason)), Err(error)) => {
                assert!(error.contains(&option) && error.contains(reason), "{name}: {error}");
            }
            (Some(Meaning::None(_)), Ok(words)) => panic!("{name} was accepted: {words:?}"),
            (_, Ok(words)) => assert!(!words.contains(&option) || !name.contains('_'), "{name}: {words:?}"),
            // The option is known, and its value is of another type: the error names ours.
            (_, Err(error)) => assert!(
                error.contains(&format!("--{}", name.replace('_', "-"))) && error.contains("invalid value"),
                "{name}: {error}"
            ),
        }
    }
}

#[test]
fn the_guide_has_a_row_for_every_option() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/src/cellpose-options.md")).unwrap();
    let reference = reference();
    let earlier =
        OPTIONS.iter().map(|(name, _)| *name).filter(|name| !reference.iter().any(|(known, _)| known == name));
    let options = reference.iter().map(|(name, values)| (name.as_str(), *values)).chain(earlier.map(|name| (name, 0)));
    let rows: Vec<String> = options.map(|(name, values)| row(name, values)).collect();
    let missing: Vec<_> = rows.iter().filter(|row| !page.lines().any(|line| line == **row)).collect();
    assert!(missing.is_empty(), "add to docs/src/cellpose-options.md:\n{missing:#?}");
    let listed = page.lines().filter(|line| line.starts_with("| `--")).count();
    assert_eq!(listed, rows.len(), "the page has rows of options that do not exist");
}

#[test]
fn the_table_holds_only_options_that_segment_has_under_no_name() {
    let command = Cli::command();
    let segment = command.find_subcommand("segment").unwrap();
    for (name, meaning) in OPTIONS {
        assert!(!has_option(segment, &name.replace('_', "-")), "{name}");
        let own = match meaning {
            Meaning::Words(words) => words[0],
            Meaning::Option(option) | Meaning::Ending(option) => option,
            _ => continue,
        };
        assert!(has_option(segment, own.strip_prefix("--").unwrap()), "{name}: {own}");
    }
}

#[test]
fn a_command_line_of_cellpose_is_translated() {
    let found = words(&[
        "--image_path",
        "a.tif",
        "--pretrained_model=cyto3",
        "--diameter",
        "0.",
        "--niter=0",
        "--savedir",
        "out",
        "--save_tif",
        "--save_png",
        "--do_3D",
        "--flow3D_smooth",
        "2",
        "--chan",
        "1",
        "--use_gpu",
        "--verbose",
    ]);
    let expected = [
        "a.tif",
        "--model",
        "cyto3",
        "--diameter=auto",
        "--output",
        "out",
        "--save",
        "png",
        "--do-3D",
        "--flow3D-smooth",
        "2",
        "--chan",
        "1",
    ];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn an_ending_is_no_pattern() {
    assert_eq!(words(&["images", "--img_filter", "_[a]*"]).unwrap()[1], "--filter=*_[[]a[]][*].*");
}

#[test]
fn other_words_are_left_alone() {
    let own = ["my_image.tif", "--output", "out_dir", "--niter=2", "--", "--dir", "--save_tif"];
    assert_eq!(words(&own).unwrap(), own);
    // Without an option of Cellpose, 0 is refused as everywhere.
    assert!(words(&["a.tif", "--output", "out", "--diameter", "0"]).unwrap_err().contains("--diameter auto"));
    assert!(words(&["a.tif", "--savedir"]).unwrap_err().contains("--savedir requires a value"));
    let inspect: Vec<OsString> = ["cytoshade", "inspect", "a.tif", "--z_axis=0", "--dir"].map(OsString::from).into();
    let translated = translate(&Cli::command(), inspect).unwrap();
    assert_eq!(translated[3..], ["--z-axis=0", "--dir"]);
}
