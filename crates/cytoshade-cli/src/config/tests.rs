use std::ffi::OsString;

use super::*;

/// A folder with an image and a file of options.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(options: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("image.png"), b"").unwrap();
        std::fs::write(folder.path(FILE), options).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The words of `segment image.png --output out` and `more` with the options of the file.
    fn apply(&self, more: &[&str]) -> Result<Applied, String> {
        let image = self.path("image.png").into_os_string();
        let words = ["cytoshade", "segment"].map(OsString::from).into_iter().chain([image]);
        let words = words.chain(["--output", "out"].iter().chain(more).map(OsString::from)).collect();
        apply(&crate::args::command(), words).map_err(|failure| format!("{failure:?}"))
    }

    /// The same, with the file named by `--config`.
    fn apply_named(&self, more: &[&str]) -> Result<Applied, String> {
        let path = self.path(FILE);
        self.apply(&[more, &["--config", path.to_str().unwrap()]].concat())
    }
}

/// The parsed arguments of `segment`.
fn params(applied: &Applied) -> Params {
    let matches = crate::args::command().try_get_matches_from(&applied.words).unwrap();
    match crate::args::Cli::from_arg_matches(&matches).unwrap().command {
        crate::args::Command::Segment(segment) => segment.params(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let folder = Folder::new("[segment]\ndiameter = 40\nflow-threshold = 0.6\ninvert = true\nniter = 300\n");
    let applied = folder.apply(&["--niter", "20"]).unwrap();
    let found = params(&applied);
    assert_eq!((found.diameter, found.flow_threshold, found.invert, found.niter), (Some(40.0), 0.6, true, Some(20)));
    assert_eq!(applied.lines.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [2, 3, 4]);
    let found = params(&folder.apply(&["--invert=false", "--diameter=10"]).unwrap());
    assert_eq!((found.invert, found.diameter, found.niter), (false, Some(10.0), Some(300)));
    let found = params(&folder.apply(&["--no-config"]).unwrap());
    assert_eq!(found, params(&Folder::new("").apply(&[]).unwrap()));
}

#[test]
fn an_option_of_the_file_yields_to_one_that_contradicts_it() {
    let folder = Folder::new("[segment]\nnorm-percentile = [2, 98]\nall-channels = true\n");
    let both = params(&folder.apply(&[]).unwrap());
    assert_eq!(both.normalize, cytoshade::Normalize::Percentile { low: 2.0, high: 98.0 });
    let typed = params(&folder.apply(&["--no-norm", "--chan", "1"]).unwrap());
    assert_eq!((typed.normalize, typed.all_channels, typed.channels.chan), (cytoshade::Normalize::Off, false, 1));
    let ranges = Folder::new("[segment]\nnorm-range = [[0, 1], [2.5, 3]]\n");
    let ranges = params(&ranges.apply(&[]).unwrap());
    assert_eq!(ranges.normalize, cytoshade::Normalize::Ranges(vec![(0.0, 1.0), (2.5, 3.0)]));
}

#[test]
fn a_file_that_was_not_named_sets_parameters_alone() {
    for line in [
        "model = 'x'",
        "output = 'x'",
        "device = 'gpu'",
        "save = ['png']",
        "trace = 'x'",
        "restore = 'x'",
        "size-model = 'x'",
        "limits = 'pixels=2^40'",
        "isolate-memory = '1T'",
        "replace-seg = true",
        "no-cache = true",
    ] {
        let folder = Folder::new(&format!("[segment]\n{line}\n"));
        let refused = folder.apply(&["--model", "demo"]).unwrap_err();
        assert!(refused.contains("cytoshade.toml:2: ") && refused.contains("pass --config"), "{line}: {refused}");
        folder.apply_named(&[]).unwrap();
        folder.apply(&["--no-config"]).unwrap();
    }
    // Every option of a segmentation is either a parameter or refused.
    let command = crate::args::command();
    let keys = file::keys(command.find_subcommand("segment").unwrap()).filter(|(_, arg)| is_parameter(arg));
    let parameters: Vec<&str> = keys.map(|(key, _)| key).collect();
    for name in ["diameter", "chan", "no-norm", "norm-range", "no-resample", "do-3d", "axes", "exclude-on-edges"] {
        assert!(parameters.contains(&name), "{name}");
    }
    assert!(parameters.iter().all(|name| !name.contains("model") && !name.contains("save")), "{parameters:?}");
}

#[test]
fn no_value_becomes_another_option() {
    for line in ["norm-percentile = ['--output', '/tmp']", "norm-range = ['--output', 'x']", "norm-range = [['-o', 1]]"]
    {
        let refused = Folder::new(&format!("[segment]\n{line}")).apply(&[]).unwrap_err();
        assert!(refused.contains("expects 2 numbers"), "{refused}");
    }
    let applied = Folder::new("[segment]\npages = '--output'").apply(&[]).unwrap_err();
    assert!(applied.contains("cytoshade.toml:2: invalid value '--output'"), "{applied}");
}

#[test]
fn errors_give_the_line_and_the_nearest_key() {
    for (text, expected) in [
        (
            "[segment]\n\nflow_treshold = 1",
            "cytoshade.toml:3: unknown key “flow_treshold” of [segment]; did you mean flow-threshold?",
        ),
        ("[segment]\nquux = 1", "`cytoshade config show segment` lists the keys"),
        ("[segment]\ncpu-isa = 'avx2'", "unknown key"),
        ("[segment]\nconfig = 'other.toml'", "unknown key"),
        ("[segmnt]\nniter = 1", "cytoshade.toml:1: unknown table [segmnt]; the tables are [segment] and [restore]"),
        ("diameter = 30", "diameter is in no table"),
        ("[segment]\ninvert = 1", "cytoshade.toml:2: invert expects true or false"),
        ("[segment]\nniter = 'many'", "cytoshade.toml:2: invalid value 'many' for '--niter <N>'"),
        ("[segment]\nniter = 0x10", "a decimal number"),
        ("[segment]\nniter = [1, 2]", "niter expects one value"),
        ("[segment]\nniter = 1\nniter = 2", "cytoshade.toml:3: duplicate key"),
        ("[segment", "cytoshade.toml:1: "),
        ("[segment]\npages = \"a\\u202eb\"", "invalid value 'a\\\\u{202e}b'"),
    ] {
        let refused = Folder::new(text).apply(&[]).unwrap_err();
        assert!(refused.contains(expected), "{text}: {refused}");
    }
    let long = Folder::new(&format!("# {}", "x".repeat(1 << 16)));
    assert!(long.apply(&[]).unwrap_err().contains("at most 65536 bytes"));
    let missing = Folder::new("").apply(&["--config", "no-such.toml"]).unwrap_err();
    assert!(missing.contains("no-such.toml: cannot read the options"), "{missing}");
}

#[cfg(unix)]
#[test]
fn a_link_is_read_only_if_it_is_named() {
    let folder = Folder::new("");
    std::fs::remove_file(folder.path(FILE)).unwrap();
    std::fs::write(folder.path("elsewhere"), "[segment]\nniter = 9\n").unwrap();
    std::os::unix::fs::symlink(folder.path("elsewhere"), folder.path(FILE)).unwrap();
    assert!(folder.apply(&[]).unwrap_err().contains("cannot read the options"));
    assert_eq!(params(&folder.apply_named(&[]).unwrap()).niter, Some(9));
}

#[test]
fn the_file_of_the_folder_is_that_of_the_first_input() {
    let folder = Folder::new("[segment]\nniter = 9\n");
    let other = Folder::new("[segment]\nniter = 7\n");
    let second = other.path("image.png");
    assert_eq!(params(&folder.apply(&[second.to_str().unwrap()]).unwrap()).niter, Some(9));
    // A folder as the input.
    let words = ["cytoshade", "segment", folder.0.path().to_str().unwrap(), "--output", "out"].map(OsString::from);
    assert_eq!(params(&apply(&crate::args::command(), words.into()).unwrap()).niter, Some(9));
    // A pattern, whose fixed part is the folder.
    let pattern = folder.path("*/image.*");
    let words = ["cytoshade", "segment", pattern.to_str().unwrap(), "--output", "out"].map(OsString::from);
    assert_eq!(params(&apply(&crate::args::command(), words.into()).unwrap()).niter, Some(9));
    // Other commands have no options in files.
    let words = ["cytoshade", "inspect", "image.png"].map(OsString::from);
    assert_eq!(apply(&crate::args::command(), words.to_vec()).unwrap().words, words);
}

#[test]
fn what_is_shown_is_a_file_with_the_same_options() {
    let folder = Folder::new("[segment]\ndiameter = 40\nnorm-range = [[0, 1], [2, 3]]\nsave = ['png', 'rois']\n");
    let applied = folder.apply_named(&["--chan=2"]).unwrap();
    let text = show::text(&crate::args::command(), &applied).unwrap();
    for (setting, source) in
        [("diameter = 40 ", "cytoshade.toml:2"), ("chan = 2 ", "# command line"), ("# chan2 = 0 ", "# default")]
    {
        let line = text.lines().find(|line| line.starts_with(setting)).unwrap_or_else(|| panic!("{setting}: {text}"));
        assert!(line.ends_with(source), "{line}");
    }
    assert!(text.contains("\n# niter ") && text.contains("save = [\"png\", \"rois\"]"), "{text}");
    let again = Folder::new(&text);
    assert_eq!(params(&again.apply_named(&[]).unwrap()), params(&applied));
}

#[test]
fn a_text_that_is_no_number_of_toml_is_quoted() {
    let folder = Folder::new("[segment]\noutput = '007'\nmodel = '1.'\nrestore = '+1_0'\n");
    let path = folder.path(FILE);
    let words = ["cytoshade", "segment", "image.png", "--config", path.to_str().unwrap()];
    let applied = apply(&crate::args::command(), words.map(OsString::from).to_vec()).unwrap();
    let text = show::text(&crate::args::command(), &applied).unwrap();
    for setting in ["output = \"007\" ", "model = \"1.\" ", "# batch-size = 8 "] {
        assert!(text.contains(setting), "{setting}: {text}");
    }
    assert!(Folder::new(&text).apply_named(&[]).is_ok());
}

#[test]
fn every_option_of_the_command_line_is_a_key() {
    let command = crate::args::command();
    for name in TABLES {
        let subcommand = command.find_subcommand(name).unwrap();
        assert!(file::keys(subcommand).count() > 30, "{name}");
        for (key, arg) in file::keys(subcommand) {
            assert_eq!(file::option(subcommand, key).unwrap().get_id(), arg.get_id());
        }
    }
}
