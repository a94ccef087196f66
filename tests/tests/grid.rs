//! Combinations of options, every two values of two options met, on crops of the larger data; and every image and stack
//! of it whole, with each network: against the reference's masks.

use cytoshade_tests::eval;
use cytoshade_tests::fixtures::cases;
use libtest_mimic::Arguments;

fn main() {
    let files =
        [("grid", "cases.json"), ("grid_stacks", "cases.json"), ("whole", "cases.json"), ("whole", "stack_cases.json")];
    let cases = files.into_iter().flat_map(|(stage, file)| cases(stage, file));
    let trials = cases.flat_map(|case| eval::trials(&case, eval::cells_agree)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
