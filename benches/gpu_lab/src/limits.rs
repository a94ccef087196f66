//! What must not get worse: a run that exceeds a limit fails.
//!
//! Every pipeline compiles; none spills or needs private memory, but for the exceptions of `KNOWN`; and the bounds of
//! `LIMITS` hold. To tighten: remove an exception, or raise a bound to what a run prints.

use crate::figures::Figures;
use crate::isa::{Counts, Kind};
use crate::lab::Results;

/// The pipelines that an entry concerns.
#[derive(Clone, Copy, Debug)]
struct Scope {
    /// The names of the devices.
    devices: &'static [&'static str],
    /// The start of the pipelines' names.
    pipelines: &'static str,
}

impl Scope {
    fn has(&self, device: &str, pipeline: &str) -> bool {
        self.devices.contains(&device) && pipeline.starts_with(self.pipelines)
    }
}

/// Pipelines that spill or need private memory.
#[derive(Clone, Copy, Debug)]
struct Known {
    scope: Scope,
    /// Most spills.
    spills: u64,
    /// Most bytes of private memory.
    memory: u64,
}

const fn known(devices: &'static [&'static str], pipelines: &'static str, spills: u64, memory: u64) -> Known {
    Known { scope: Scope { devices, pipelines }, spills, memory }
}

const NVIDIA: &[&str] = &["Turing", "Ampere", "Ada", "Hopper", "Blackwell"];
const APPLE: &[&str] = &["M1", "M2"];
const INTEL: &[&str] = &["Arc", "Battlemage", "Panther Lake"];
const NULL: &[&str] = &["RDNA1 null", "RDNA2 null", "RDNA3 null"];
const AMD: &[&str] = &["RDNA1", "RDNA2", "RDNA3", "RDNA4"];

/// Devices on which kernels for software adapters, which the rule picks on no GPU, do not fit into registers.
const TIGHT: &[&str] = &["RDNA3 null", "Arc", "Battlemage", "M1", "M2"];

/// The pipelines that spill or need private memory. The rule picks none of them on these devices.
const KNOWN: &[Known] = &[
    known(TIGHT, "conv3x3_broadcast", u64::MAX, u64::MAX),
    known(TIGHT, "conv3x3_winograd", u64::MAX, u64::MAX),
    known(&["Arc"], "conv3x3_direct", 5, 1024),
    known(&["Battlemage"], "conv3x3_direct", 108, 4096),
    known(APPLE, "conv3x3_direct", 43, 172),
];

/// A bound of a figure.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// Least share of products in the inner loop, in percent.
    Share(u32),
    /// Least occupancy.
    Occupancy(u64),
    /// Most instructions of the inner loop, without the loops inside of it.
    Inner(usize),
    /// Most accesses of 16 bits or less to workgroup memory in the whole program.
    Narrow(usize),
}

const fn bound(devices: &'static [&'static str], pipelines: &'static str, bound: Bound) -> (Scope, Bound) {
    (Scope { devices, pipelines }, bound)
}

/// Bounds of figures.
const LIMITS: &[(Scope, Bound)] = &[
    bound(NULL, "conv3x3_gemm", Bound::Share(85)),
    // From Mesa 23 on, RADV splits loads of 128 bits from workgroup memory.
    bound(AMD, "conv3x3_gemm", Bound::Share(83)),
    bound(AMD, "conv3x3_gemm", Bound::Occupancy(8)),
    bound(NVIDIA, "conv3x3_gemm", Bound::Share(88)),
    bound(NVIDIA, "conv3x3_gemm", Bound::Occupancy(16)),
    bound(&["Turing", "Ampere", "Ada", "Hopper"], "conv3x3_gemm", Bound::Occupancy(20)),
    bound(APPLE, "conv3x3_gemm", Bound::Share(82)),
    bound(APPLE, "conv3x3_gemm", Bound::Occupancy(512)),
    bound(INTEL, "conv3x3_gemm", Bound::Share(71)),
    bound(&["RDNA3", "RDNA4"], "conv3x3_matrix16", Bound::Inner(330)),
    bound(&["RDNA3", "RDNA4"], "conv3x3_matrix16", Bound::Narrow(0)),
    bound(NVIDIA, "conv3x3_matrix16", Bound::Inner(640)),
];

/// What exceeds the limits, a sentence each.
pub fn check(results: &[Results]) -> Vec<String> {
    let mut findings = Vec::new();
    for Results { device, pipelines, .. } in results {
        for (pipeline, figures) in pipelines {
            let pipeline = pipeline.to_string();
            let found = match figures {
                Ok(figures) => exceeded(device.name, &pipeline, figures),
                Err(reason) => vec![format!("it does not compile: {reason}")],
            };
            findings.extend(found.into_iter().map(|finding| format!("{}, {pipeline}: {finding}", device.name)));
        }
    }
    findings
}

fn exceeded(device: &str, pipeline: &str, figures: &Figures) -> Vec<String> {
    let known = KNOWN.iter().find(|known| known.scope.has(device, pipeline));
    let (spills, memory) = known.map_or((0, 0), |known| (known.spills, known.memory));
    let mut findings = Vec::new();
    for (what, found, most) in [("spills", figures.spills, spills), ("bytes of private memory", figures.memory, memory)]
    {
        if found > most {
            findings.push(format!("{found} {what}, at most {most}"));
        }
    }
    for (_, bound) in LIMITS.iter().filter(|(scope, _)| scope.has(device, pipeline)) {
        findings.extend(bound.broken(figures));
    }
    findings
}

impl Bound {
    fn broken(self, figures: &Figures) -> Option<String> {
        match self {
            Bound::Share(least) => {
                let found = 100.0 * figures.share().unwrap_or(0.0);
                (found < f64::from(least)).then(|| format!("{found:.1} % products in the inner loop, least {least} %"))
            }
            Bound::Occupancy(least) => {
                (figures.occupancy < least).then(|| format!("an occupancy of {}, least {least}", figures.occupancy))
            }
            Bound::Inner(most) => {
                let found = figures.program.inner.as_ref().map_or(0, Counts::total);
                (found > most).then(|| format!("{found} instructions in the inner loop, at most {most}"))
            }
            Bound::Narrow(most) => {
                let found = figures.program.whole.of(Kind::Workgroup16);
                (found > most).then(|| format!("{found} accesses of 16 bits to workgroup memory, at most {most}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::DEVICES;
    use crate::pipelines;
    use crate::report::Traits;

    #[test]
    fn every_scope_names_devices_and_pipelines_that_exist() {
        let traits = Traits { subgroups: vec![32, 64], matrices: vec![8, 16], ..Traits::default() };
        let names: Vec<String> = pipelines::all(&traits).unwrap().iter().map(ToString::to_string).collect();
        for scope in KNOWN.iter().map(|known| known.scope).chain(LIMITS.iter().map(|(scope, _)| *scope)) {
            assert!(names.iter().any(|name| name.starts_with(scope.pipelines)), "{scope:?}");
            let exists = |name: &&str| DEVICES.iter().any(|device| device.name == *name);
            assert!(scope.devices.iter().all(exists), "{scope:?}");
        }
    }

    #[test]
    fn what_exceeds_a_limit_is_found() {
        let clean = Figures { occupancy: 16, ..Figures::default() };
        assert_eq!(
            exceeded("Arc", "conv3x3_direct f32 SKIP=0", &Figures { spills: 5, ..clean.clone() }),
            [] as [String; 0]
        );
        assert_eq!(exceeded("Arc", "conv3x3_direct f32 SKIP=0", &Figures { spills: 6, ..clean.clone() }).len(), 1);
        assert_eq!(exceeded("RDNA2", "grow", &Figures { memory: 88, spills: 1, ..clean.clone() }).len(), 2);
        let found = exceeded("Ada", "conv3x3_gemm8 f32 CHANNEL_GROUPS=8 SKIP=0", &Figures { occupancy: 15, ..clean });
        assert_eq!(
            found,
            [
                "0.0 % products in the inner loop, least 88 %",
                "an occupancy of 15, least 16",
                "an occupancy of 15, least 20"
            ]
        );
    }
}
