//! The share of each of our stages in the time of a whole image.

use std::fmt::Write;

/// The seconds of each stage in each run, by the side of the image.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Vec<(usize, Vec<Stages>)>);

/// The stages of one run in their order, each with its seconds.
type Stages = Vec<(String, f64)>;

impl Shares {
    /// Adds a run, as `NAME=SECONDS NAME=SECONDS ...`.
    pub(super) fn add(&mut self, side: usize, run: &str) {
        let stage = |word: &str| {
            let (name, seconds) = word.split_once('=')?;
            Some((name.to_string(), seconds.parse().ok()?))
        };
        let run = run.split(' ').filter_map(stage).collect();
        match self.0.last_mut() {
            Some((last, runs)) if *last == side => runs.push(run),
            _ => self.0.push((side, vec![run])),
        }
    }

    /// A Markdown table of the run with the median time for each size; empty if nothing was measured.
    pub(super) fn table(&self) -> String {
        let columns: Vec<(usize, &Stages)> =
            self.0.iter().filter_map(|(side, runs)| Some((*side, median(runs)?))).collect();
        let Some((_, stages)) = columns.iter().max_by_key(|(_, stages)| stages.len()) else { return String::new() };
        let mut table = String::from("| stage |");
        for (side, _) in &columns {
            let _ = write!(table, " {side} x {side}, ms | share |");
        }
        let _ = writeln!(table, "\n|{}", "---|".repeat(2 * columns.len() + 1));
        for (name, _) in *stages {
            let _ = write!(table, "| {name} |");
            for (_, stages) in &columns {
                let seconds: f64 = stages.iter().filter(|(of, _)| of == name).map(|(_, seconds)| seconds).sum();
                let _ = write!(table, " {:.1} | {:.1} % |", seconds * 1e3, 100.0 * seconds / total(stages));
            }
            table.push('\n');
        }
        let all = columns.iter().map(|(_, stages)| format!(" {:.1} | |", total(stages) * 1e3));
        let _ = writeln!(table, "| all |{}", all.collect::<String>());
        table
    }
}

fn total(stages: &Stages) -> f64 {
    stages.iter().map(|(_, seconds)| seconds).sum()
}

fn median(runs: &[Stages]) -> Option<&Stages> {
    let mut runs: Vec<&Stages> = runs.iter().collect();
    runs.sort_by(|a, b| total(a).total_cmp(&total(b)));
    runs.get(runs.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_median_run() {
        let mut shares = Shares::default();
        for run in ["network=0.3 blend=0.1", "network=9 blend=1", "network=0.1 blend=0.1"] {
            shares.add(512, run);
        }
        shares.add(2048, "network=3 blend=1");
        let table = shares.table();
        assert!(table.contains("| network | 300.0 | 75.0 % | 3000.0 | 75.0 % |"), "{table}");
        assert!(table.contains("| all | 400.0 | | 4000.0 | |"), "{table}");
        assert!(Shares::default().table().is_empty());
    }
}
