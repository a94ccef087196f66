//! Stage `resize` on the CPU, and the sizes and step counts that follow from a diameter.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Params, RescaleRule};
use cytoshade_cpu::resize;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::{Case, rows};
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("resize", "cases.json", &["image"], fixture);
    group.test("rescale table", rescale_table);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let expected = case.require("image")?;
    if case.param("interpolation") == "nearest" {
        let ours = resize::nearest(&case.input("image").labels(), height, width).into_vec();
        return agree::equal_with_twin(&ours, &expected.u32(), "labels");
    }
    let ours = resize::bilinear(&case.input("image").planes(), height, width).into_vec();
    agree::close_with_twin(&ours, &expected.f32(), ROUNDING)
}

fn rescale_table() -> Result<(), Failed> {
    let rows = rows("resize", "rescale.json");
    for row in &rows {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        for resample in [true, false] {
            let params = Params::new().diameter(row["diameter"].as_f64().map(|d| d as f32)).resample(resample);
            let (height, width) = (number("height") as usize, number("width") as usize);
            let (diam_mean, diam_labels) = (number("diam_mean") as f32, number("diam_labels") as f32);
            let resized = row["resized"].as_array().map_or((height, width), |r| {
                (r[0].as_u64().unwrap_or(0) as usize, r[1].as_u64().unwrap_or(0) as usize)
            });
            let niter = number(if resample { "niter_resample" } else { "niter_no_resample" }) as u32;
            match Rescale::new(&params, &RescaleRule { diam_mean, diam_labels }, height, width) {
                Ok(ours) if ((ours.height, ours.width), ours.niter) == (resized, niter) => {}
                Err(cytoshade_core::Error::ResizedAway { .. }) if resized.0 == 0 || resized.1 == 0 => {}
                Err(cytoshade_core::Error::TooManyPixels { limit, .. }) if resized.0 * resized.1 > limit => {}
                other => return Err(format!("{row}: {other:?}").into()),
            }
        }
    }
    if rows.len() < 20 { Err("too few rows".into()) } else { Ok(()) }
}
