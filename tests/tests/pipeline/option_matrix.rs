//! Pairwise combinations of options, on crops of the larger data; and every image and stack of that data whole, with
//! each network. All against the reference's masks.

use cytoshade::Device;
use cytoshade_tests::eval;
use cytoshade_tests::fixtures::{Case, cases};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let files =
        [("grid", "cases.json"), ("grid_stacks", "cases.json"), ("whole", "cases.json"), ("whole", "stack_cases.json")];
    let cases = files.into_iter().flat_map(|(stage, file)| cases(stage, file));
    let mut trials = Vec::new();
    for case in cases {
        let on_gpu = worth_it(&case);
        let all = eval::trials("option_matrix", &case, eval::cells_agree).into_iter();
        trials.extend(all.filter(|trial| on_gpu || !trial.name().contains("::gpu::")));
    }
    trials
}

/// Augmented in 3-D, even a small stack has more than five hundred tiles of 224 x 224, minutes on a software adapter.
/// Only one of those runs there, in the tests of stacks.
fn worth_it(case: &Case) -> bool {
    !(case.has_input("stack") && case.flag("do_3D") && case.flag("augment"))
        || eval::gpu_device() != Some(Device::Software)
}
