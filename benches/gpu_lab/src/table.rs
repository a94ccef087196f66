//! One Markdown table for each maker, and what changed since another file of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::devices::{Family, Tier};
use crate::error::Error;
use crate::lab::Results;

/// The figures of each pipeline on each device, as text.
type Cells = BTreeMap<(String, String), String>;

/// Ends the names of the files.
const SUFFIX: &str = "-gpu-lab.md";

const HEAD: &str = "\
Every pipeline that the product builds, compiled by Mesa's compilers for GPUs that are not there: nothing ran. A cell has
registers x size of subgroups / occupancy / instructions / products of the inner loop, then spilled registers and bytes of
private memory, if any. Products are those of subgroup matrices, else multiply-adds; the inner loop is the one with the
most, without loops inside of it, and \"in\" has the instructions of the loop with those. Occupancy is subgroups of a
SIMD (AMD), warps of a multiprocessor (NVIDIA), invocations of a subgroup (Intel) or threads of a core (Apple), each by
registers alone.

These drivers are not the makers' own: registers, memory and kinds of instructions follow from the hardware and carry
over roughly, the order of instructions does not, and no figure is a time. Under robust access, NVK splits each vec4 of a
buffer into four loads.
";

/// The page of some results, with the changes since `before`, the text of an earlier page.
pub fn page(date: &str, results: &[Results], before: Option<(&str, &str)>) -> String {
    let mut page = format!("# The shaders on the compilers of GPUs ({date})\n\n{HEAD}");
    for family in Family::ALL {
        // The null devices are those of the installed Mesa, and change with the machine.
        let of_family = |tier| results.iter().filter(move |r| (r.device.family, r.device.tier) == (family, tier));
        for tier in [Tier::B, Tier::A] {
            let found: Vec<&Results> = of_family(tier).collect();
            if !found.is_empty() {
                page += &table(family, &found);
            }
        }
    }
    if let Some((name, text)) = before {
        page += &changes(name, &cells(text), &cells(&page));
    }
    page
}

fn table(family: Family, results: &[&Results]) -> String {
    // In the order of the device with the most pipelines, then those that only others have.
    let mut longest = results.to_vec();
    longest.sort_by_key(|results| std::cmp::Reverse(results.pipelines.len()));
    let mut names: Vec<String> = Vec::new();
    for (pipeline, _) in longest.iter().flat_map(|results| &results.pipelines) {
        if !names.contains(&pipeline.to_string()) {
            names.push(pipeline.to_string());
        }
    }
    let driver = results.first().map_or("", |results| &results.traits.driver);
    let mut table = format!("\n## {}: {driver}\n\n| pipeline |", family.title());
    results.iter().for_each(|results| write_cell(&mut table, results.device.name));
    table += "\n|---|";
    results.iter().for_each(|_| table += "---|");
    for name in names {
        let _ = write!(table, "\n| {name} |");
        for results in results {
            let found = results.pipelines.iter().find(|(pipeline, _)| pipeline.to_string() == name);
            let cell = match found {
                Some((_, Ok(figures))) => figures.to_string(),
                Some((_, Err(_))) => "fails".into(),
                None => String::new(),
            };
            write_cell(&mut table, &cell);
        }
    }
    table + "\n"
}

fn write_cell(table: &mut String, cell: &str) {
    // Writing to a text cannot fail.
    let _ = write!(table, " {cell} |");
}

/// The cells of a page's tables, by device and pipeline.
fn cells(page: &str) -> Cells {
    let mut cells = Cells::new();
    let mut devices: Vec<&str> = Vec::new();
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else { continue };
        let mut columns = row.split(" | ");
        let first = columns.next().unwrap_or_default();
        if first == "pipeline" {
            devices = columns.collect();
            continue;
        }
        for (device, cell) in devices.iter().zip(columns).filter(|(_, cell)| !cell.is_empty()) {
            cells.insert((device.to_string(), first.into()), cell.into());
        }
    }
    cells
}

fn changes(name: &str, before: &Cells, now: &Cells) -> String {
    let mut text = format!("\n## Changes since {name}\n\n");
    let mut count = 0;
    for ((device, pipeline), cell) in now {
        let old = before.get(&(device.clone(), pipeline.clone())).map_or("not there", String::as_str);
        if old != cell {
            count += 1;
            let _ = writeln!(text, "- {device}, {pipeline}: {old}; now {cell}");
        }
    }
    // A run of some devices or shaders says nothing of the others.
    let shader = |pipeline: &String| pipeline.split(' ').next().map(String::from);
    let ran = |(device, pipeline): &(String, String)| {
        now.keys().any(|(other, of)| other == device && shader(of) == shader(pipeline))
    };
    for (device, pipeline) in before.keys().filter(|&key| !now.contains_key(key) && ran(key)) {
        count += 1;
        let _ = writeln!(text, "- {device}, {pipeline}: no longer there");
    }
    if count == 0 {
        text += "None.\n";
    }
    text
}

/// The last page in a folder but that of `date`: its name and its text.
///
/// # Errors
/// [`Error::File`].
pub fn last(folder: &Path, date: &str) -> Result<Option<(String, String)>, Error> {
    let failed = |path: PathBuf| move |source| Error::File { path, source };
    let files = std::fs::read_dir(folder).map_err(failed(folder.into()))?.flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let earlier = names.filter(|name| name.ends_with(SUFFIX) && *name != file_name(date));
    let Some(name) = earlier.max() else { return Ok(None) };
    let path = folder.join(&name);
    let text = std::fs::read_to_string(&path).map_err(failed(path))?;
    Ok(Some((name, text)))
}

/// The name of a page.
pub fn file_name(date: &str) -> String {
    format!("{date}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::DEVICES;
    use crate::figures::Figures;
    use crate::pipelines::Pipeline;
    use crate::report::Traits;

    fn results(name: &str, registers: u64) -> Results {
        let device = DEVICES.into_iter().find(|device| device.name == name).unwrap();
        let pipeline = |shader| Pipeline { shader, precision: cytoshade_shaders::Precision::F32, constants: vec![] };
        let figures = Figures { subgroup: 64, registers, occupancy: 8, instructions: 99, ..Figures::default() };
        let pipelines = vec![
            (pipeline(&cytoshade_shaders::RESIZE), Ok(figures)),
            (pipeline(&cytoshade_shaders::STYLE), Err("aborted".into())),
        ];
        Results { device, traits: Traits { driver: "radv 26".into(), ..Traits::default() }, pipelines }
    }

    #[test]
    fn a_page_is_read_back() {
        let page = page("2026-11-30", &[results("RDNA2", 32), results("RDNA3", 48)], None);
        let cells = cells(&page);
        assert_eq!(cells.len(), 4);
        assert_eq!(cells[&("RDNA3".into(), "resize".into())], "48 x 64 / 8 / 99");
        assert_eq!(cells[&("RDNA2".into(), "style f32".into())], "fails");
    }

    #[test]
    fn changes_are_listed() {
        let before = page("2026-11-30", &[results("RDNA2", 32), results("RDNA3", 48)], None);
        let mut other = results("RDNA2", 33);
        other.pipelines[1].0.constants.push(("LANES", 64));
        let after = page("2026-12-01", &[other], Some(("2026-11-30-gpu-lab.md", &before)));
        let (_, changes) = after.split_once("## Changes since 2026-11-30-gpu-lab.md\n\n").unwrap();
        assert_eq!(
            changes.lines().collect::<Vec<_>>(),
            [
                "- RDNA2, resize: 32 x 64 / 8 / 99; now 33 x 64 / 8 / 99",
                "- RDNA2, style f32 LANES=64: not there; now fails",
                "- RDNA2, style f32: no longer there",
            ]
        );
        let same = page("2026-12-01", &[results("RDNA2", 32), results("RDNA3", 48)], Some(("x", &before)));
        assert!(same.ends_with("Changes since x\n\nNone.\n"));
    }
}
