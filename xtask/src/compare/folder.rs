//! Measures a folder of images, from the start of the program to the last mask file.

use std::path::{Path, PathBuf};

use super::peer::set_threads;
use super::pipeline::{agree, group, once};
use super::setup::{Setup, program};
use super::{Compare, Figure, Group, Unit};
use crate::shell::{Outcome, root, run};

/// Mask files that are compared with the reference's.
const COMPARED: usize = 5;

/// The times and the peak memory of a folder of `--images` images of 512 x 512.
pub(super) fn measure(options: &Compare, setup: &Setup) -> Result<Vec<Group>, String> {
    if !setup.published_width {
        return Err("`python -m cellpose` only runs a network of the published width; pass it as --model".into());
    }
    let images = setup.file("folder");
    let count = options.images.to_string();
    run(setup.python("folder.py").arg(source()).arg(&images).arg(&count))?;
    let outputs = ["ours", "theirs"].map(|name| setup.file(&format!("folder_{name}")));
    for output in &outputs {
        // The results of an earlier measurement.
        let _ = std::fs::remove_dir_all(output);
        std::fs::create_dir_all(output).map_err(|error| format!("cannot make {}: {error}", output.display()))?;
    }
    let [ours_output, theirs_output] = &outputs;
    let (model, threads) = (setup.file("network.pth"), options.threads.to_string());
    let mut ours = setup.python("cold.py");
    ours.arg(program()).args(["segment", "--device", "cpu", "--json", "--threads", &threads]);
    ours.arg(&images).arg("--model").arg(&model).arg("--output").arg(ours_output);
    let mut theirs = setup.python("cold.py");
    theirs.arg(&setup.python).args(["-m", "cellpose", "--save_tif", "--no_npy", "--dir"]).arg(&images);
    theirs.arg("--pretrained_model").arg(&model).arg("--savedir").arg(theirs_output);
    theirs.args(["--chan", "0", "--diameter", "0"]);

    let mut commands = [("Cytoshade", ours), ("python -m cellpose --dir", theirs)];
    let figure = |peer: &str| Figure { peer: peer.into(), values: Vec::new() };
    let mut seconds = commands.each_ref().map(|(name, _)| figure(name));
    let mut memory = seconds.clone();
    let mut shares = Vec::new();
    for round in 0..options.rounds(1) {
        for (at, (name, command)) in commands.iter_mut().enumerate() {
            set_threads(command, options.threads);
            let (time, bytes, last_line) = once(command)?;
            eprintln!("folder of {count}, round {}: {name} {time:.1} s", round + 1);
            seconds[at].values.push(time);
            memory[at].values.push(bytes);
            if at == 0 {
                shares.push(network_share(&last_line)?);
            }
        }
    }
    check(setup, &outputs)?;
    let share = shares.iter().sum::<f64>() / shares.len() as f64 * 100.0;
    let title = format!("{count} images of 512 x 512 in a folder");
    let with_share = format!("{title}; our network runs for {share:.0} % of the time");
    Ok(vec![
        group(with_share, Unit::Seconds, seconds.into()),
        group(format!("{title}, peak memory of the process"), Unit::Bytes, memory.into()),
    ])
}

/// The nuclei of the larger test data, or the bundled photograph.
fn source() -> PathBuf {
    let data = std::env::var_os("CYTOSHADE_TEST_DATA").map(|data| Path::new(&data).join("images/dsb2018"));
    data.filter(|folder| folder.is_dir()).unwrap_or_else(|| root().join("models/demo.png"))
}

/// The share of the run in which the network runs, by the last line of `--json`.
fn network_share(line: &str) -> Result<f64, String> {
    let summary: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let number = |key: &str| summary["summary"][key].as_f64();
    let share = number("network_seconds").zip(number("seconds")).map(|(network, all)| network / all);
    share.ok_or_else(|| format!("the last line of --json is no summary: {line}"))
}

/// Fails unless some of the mask files agree with the reference's.
fn check(setup: &Setup, outputs: &[PathBuf; 2]) -> Outcome {
    let mut names: Vec<_> = std::fs::read_dir(&outputs[1])
        .map_err(|error| format!("cannot list {}: {error}", outputs[1].display()))?
        .flatten()
        .map(|file| file.file_name())
        .filter(|name| name.to_string_lossy().ends_with("_cp_masks.tif"))
        .collect();
    names.sort();
    let step = (names.len() / COMPARED).max(1);
    names.iter().step_by(step).try_for_each(|name| agree(setup, &outputs.each_ref().map(|folder| folder.join(name))))
}
