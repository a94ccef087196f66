//! Stage `masks` on the CPU: seeds and their growth.

use cytoshade_core::HISTOGRAM_PAD;
use cytoshade_cpu::masks;
use cytoshade_tests::fixtures::{Array, Case};
use cytoshade_tests::suite::Group;
use cytoshade_tests::{agree, must_fail_when_perturbed};
use libtest_mimic::Failed;

use crate::dynamics::cpu::{counts, end_points};

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("dynamics", "cases.json", &["seeds", "masks"], fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let ends = end_points(case)?;
    let counted = counts(case, &ends);
    if let Some(expected) = case.expected("seeds") {
        let seeds = masks::seeds(&counted).into_iter().map(|bin| (counted.counts[bin], bin)).collect();
        same_seeds(seeds, &expected, counted.width)?;
    }
    let made = masks::masks(&ends, &counted, case.number("max_size_fraction"));
    match case.expected("masks") {
        Some(expected) if !expected.values.is_empty() => Ok(agree::masks(made.as_slice(), &expected.u32())?),
        _ => Ok(()),
    }
}

/// Seeds as (count, bin) are in the order of their counts, and equal the reference's.
///
/// The reference's order of seeds with equal counts is arbitrary.
fn same_seeds(mut ours: Vec<(u32, usize)>, expected: &Array, width: usize) -> Result<(), Failed> {
    let stride = width + 2 * HISTOGRAM_PAD;
    let mut theirs: Vec<(u32, usize)> =
        expected.values.chunks_exact(3).map(|s| (s[2] as u32, s[0] as usize * stride + s[1] as usize)).collect();
    if !ours.is_sorted_by_key(|&(count, _)| count) {
        return Err("seeds are not in the order of their counts".into());
    }
    theirs.sort_unstable();
    ours.sort_unstable();
    let same = |seeds: &Vec<(u32, usize)>| if *seeds == theirs { Ok(()) } else { Err("seeds differ".into()) };
    must_fail_when_perturbed(&ours, |seeds| seeds.push((11, 0)), same)
}
