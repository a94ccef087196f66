//! Registers, spills, memory and occupancy from a driver's statistics, and counts from its text.

use std::fmt;

use crate::devices::Family;
use crate::isa::{self, Program};
use crate::report::Executable;

/// The figures of a pipeline on a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// The size of its subgroups.
    pub subgroup: u32,
    /// Registers of an invocation, in the driver's own unit.
    pub registers: u64,
    /// Registers that the compiler moves to memory.
    pub spills: u64,
    /// Bytes of memory of an invocation: spills, and private arrays that an index selects from.
    pub memory: u64,
    /// Subgroups of a SIMD (AMD), warps of a multiprocessor (NVIDIA), invocations of a subgroup (Intel) or threads of a
    /// core (Apple) at a time; workgroup memory is not considered.
    pub occupancy: u64,
    /// Instructions.
    pub instructions: u64,
    /// Counts by kind.
    pub program: Program,
}

/// The names of the statistics of a driver, in the order of the fields of [`Figures`]. Mesa 26 renamed some.
const fn names(family: Family) -> [&'static [&'static str]; 5] {
    match family {
        Family::Amd => [&["VGPRs"], &["Spilled VGPRs"], &["Scratch size"], &["Subgroups per SIMD"], &["Instructions"]],
        Family::Nvidia => {
            [&["Number of GPRs"], &["Spills to memory"], &["SLM size"], &["Max warps/SM"], &["Instruction count"]]
        }
        Family::Intel => [
            &["Max live registers"],
            &["Spills", "Spill Count"],
            &["Scratch Memory Size"],
            &["Max dispatch width"],
            &["Instructions", "Instruction Count"],
        ],
        Family::Apple => [&["GPRs"], &["Spills"], &["Scratch"], &["Threads"], &["Instructions"]],
    }
}

impl Figures {
    /// The figures of the programs of a pipeline. Of several widths that Intel's compiler makes, the widest counts.
    ///
    /// # Errors
    /// The name of a statistic that the driver does not have, or that there is no program.
    pub fn new(family: Family, executables: &[Executable]) -> Result<Self, String> {
        let executable = executables.iter().max_by_key(|executable| executable.subgroup).ok_or("no program")?;
        let value = |names: &[&str]| {
            let found = names.iter().find_map(|&name| executable.statistics.get(name));
            let statistics = || executable.statistics.keys().cloned().collect::<Vec<_>>().join(", ");
            found.map(|&value| value as u64).ok_or_else(|| format!("no statistic {} in {}", names[0], statistics()))
        };
        let [registers, spills, memory, occupancy, instructions] = names(family);
        Ok(Self {
            subgroup: executable.subgroup,
            registers: value(registers)?,
            spills: value(spills)?,
            memory: value(memory)?,
            occupancy: value(occupancy)?,
            instructions: value(instructions)?,
            program: isa::count(family, &executable.assembly),
        })
    }

    /// Products in the instructions of the inner loop, from 0 to 1; `None` without a loop that has any.
    pub fn share(&self) -> Option<f64> {
        self.program.inner.as_ref().map(|inner| inner.products() as f64 / inner.total() as f64)
    }
}

/// A cell of the tables: `132 x 64 / 8 / 2177 / 672 of 900 (75 %) in 1012`, then spills and memory, if any.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} / {} / {}", self.registers, self.subgroup, self.occupancy, self.instructions)?;
        if let (Some(inner), Some(share)) = (&self.program.inner, self.share()) {
            write!(f, " / {} of {} ({:.0} %)", inner.products(), inner.total(), 100.0 * share)?;
            let step = self.program.step.total();
            if step > inner.total() {
                write!(f, " in {step}")?;
            }
        }
        if self.spills > 0 {
            write!(f, ", {} spills", self.spills)?;
        }
        if self.memory > 0 {
            write!(f, ", {} B", self.memory)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn executable(subgroup: u32, spills: f64) -> Executable {
        let statistics = [
            ("Max live registers", 365.0),
            ("Spill Count", spills),
            ("Scratch Memory Size", 4096.0),
            ("Max dispatch width", 16.0),
            ("Instructions", 4295.0),
        ];
        let statistics = BTreeMap::from(statistics.map(|(name, value)| (name.to_string(), value)));
        let assembly = "L7:\n mad (16) r1:f r2:f r3:f r4:f\n mov (16) r1 r2\n while (16) L7\n".into();
        Executable { name: "compute".into(), subgroup, statistics, assembly }
    }

    #[test]
    fn the_widest_program_counts_under_either_name() {
        let figures = Figures::new(Family::Intel, &[executable(8, 1.0), executable(16, 218.0)]).unwrap();
        assert_eq!(figures.to_string(), "365 x 16 / 16 / 4295 / 1 of 3 (33 %), 218 spills, 4096 B");
    }

    #[test]
    fn a_statistic_that_is_missing_is_named() {
        let error = Figures::new(Family::Apple, &[executable(8, 0.0)]).unwrap_err();
        assert!(error.contains("GPRs") && error.contains("Spill Count"), "{error}");
        assert!(Figures::new(Family::Apple, &[]).is_err());
    }
}
