//! Formats the results as Markdown.

use std::fmt::Write;

use super::setup::Setup;
use super::shares::Shares;
use super::{Compare, Figure, Group, Unit};

/// The page in benches/results.
pub(super) fn table(options: &Compare, setup: &Setup, groups: &[Group], shares: &Shares) -> String {
    let mut page = String::from("# Beside other engines\n\n");
    let _ = writeln!(page, "{}\n\n![plot]({}.svg)", conditions(options, setup), options.name);
    for group in groups {
        let _ = writeln!(page, "\n## {}\n", group.title);
        let (head, show) = group.unit.shown();
        let _ = writeln!(page, "| | least, {head} | median, {head} | ours / theirs |\n|---|---|---|---|");
        let Some(ours) = group.figures.first() else { continue };
        for figure in &group.figures {
            let ratio = format!("{:.2}", ours.median() / figure.median());
            let _ =
                writeln!(page, "| {} | {} | {} | {ratio} |", figure.peer, show(figure.min()), show(figure.median()));
        }
        for reason in &group.left_out {
            let _ = writeln!(page, "\nNot measured: {reason}.");
        }
    }
    let shares = shares.table();
    if !shares.is_empty() {
        let _ = writeln!(page, "\n## Where Cytoshade's time goes, warm\n\n{}", shares.trim_end());
    }
    page
}

/// The command, the machine and how to read the figures.
fn conditions(options: &Compare, setup: &Setup) -> String {
    format!(
        "`cargo xtask compare{}{} --rounds {}` on {}, {} threads for every engine, network `{}`.\n\
         Engines take turns, round by round; each was timed after its output had agreed with ours.\n\
         Ratios are ours over theirs, of the medians: below 1 is faster, or smaller.{}",
        if options.publish { " --publish" } else { "" },
        if options.subgroup_matrix { " --subgroup-matrix" } else { "" },
        options.rounds,
        processor(),
        options.threads,
        setup.model.file_name().unwrap_or_default().to_string_lossy(),
        if options.quick { " A quick run, on few rounds: not for quoting." } else { "" },
    )
}

/// The summary in the README.
pub(super) fn summary(options: &Compare, setup: &Setup, groups: &[Group], shares: &Shares) -> String {
    let mut text = format!("{}\n\n| | Cytoshade | ours / theirs |\n|---|---|---|\n", conditions(options, setup));
    for group in groups {
        let Some((ours, theirs)) = group.figures.split_first() else { continue };
        let ratio = |other: &Figure| format!("{:.2} {}", ours.median() / other.median(), other.peer);
        let ratios: Vec<String> = theirs.iter().map(ratio).collect();
        let (head, show) = group.unit.shown();
        let _ = writeln!(text, "| {} | {} {head} | {} |", group.title, show(ours.median()), ratios.join(", "));
    }
    let _ = write!(text, "\nWhere the time goes, warm, image file to mask file:\n\n{}", shares.table());
    text
}

impl Unit {
    /// The unit's name, and the format of its figures.
    fn shown(self) -> (&'static str, fn(f64) -> String) {
        match self {
            Unit::Seconds => ("ms", |seconds| format!("{:.1}", seconds * 1e3)),
            Unit::Bytes => ("MiB", |bytes| format!("{:.0}", bytes / f64::from(1 << 20))),
        }
    }
}

/// The processor's name on Linux, else its architecture.
pub(super) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}
