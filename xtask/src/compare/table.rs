//! The results as a page of Markdown.

use std::fmt::Write;

use super::setup::Setup;
use super::{Compare, Group, Unit};

pub(super) fn table(options: &Compare, setup: &Setup, groups: &[Group]) -> String {
    let mut page = String::new();
    let model = setup.model.file_name().unwrap_or_default().to_string_lossy();
    let processor = processor();
    let _ = writeln!(
        page,
        "# Beside other engines\n\n\
         `cargo xtask compare` on {processor}, {} threads for every engine, network `{model}`. Engines take turns, round by \
         round; each was timed after its output had agreed with ours. Ratios are ours over theirs, of the medians: below 1 \
         is faster, or smaller.{}\n\n![plot]({}.svg)",
        options.threads,
        if options.quick { " A quick run, on few rounds: not for quoting." } else { "" },
        options.name
    );
    for group in groups {
        let _ = writeln!(page, "\n## {}\n", group.title);
        let (head, show): (_, fn(f64) -> String) = match group.unit {
            Unit::Seconds => ("milliseconds", |seconds| format!("{:.1}", seconds * 1e3)),
            Unit::Bytes => ("MiB", |bytes| format!("{:.0}", bytes / f64::from(1 << 20))),
        };
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
    page
}

/// The processor's name, where Linux says it.
pub(super) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}
