//! Stage `channels`: image to the network's input planes.

use cytoshade_core::{Channels, Image, Params, channels};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("channels", "cases.json", &["planes"], fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let array = case.input("image");
    // As a reader returns the image: the channel axis is known, or the smallest, or missing.
    let image = match (array.shape.len(), case.param("channel_axis").as_u64()) {
        (2, _) => Image::new(array.f32(), 1, array.shape[0], array.shape[1]),
        (_, Some(2)) => Image::interleaved(&array.f32(), array.shape[0], array.shape[1], array.shape[2]),
        (_, None) if array.shape[2] <= array.shape[0] => {
            Image::interleaved(&array.f32(), array.shape[0], array.shape[1], array.shape[2])
        }
        _ => Image::new(array.f32(), array.shape[0], array.shape[1], array.shape[2]),
    }?;
    let (chan, chan2) = (case.param("chan").as_u64(), case.param("chan2").as_u64());
    let (Some(chan), Some(chan2)) = (chan, chan2) else {
        // The image's first channels, unchanged.
        let planes = channels::select(image.view(), &Params::new().all_channels(true), 2)?;
        let expected = case.require("planes")?.f32();
        return agree::close_with_twin(&planes.into_vec(), &expected, 1e-6);
    };
    let channels = Channels { chan: chan as usize, chan2: chan2 as usize };
    let planes = channels::select(image.view(), &Params::new().channels(channels), 2)?;
    let expected = case.require("planes")?.f32();
    agree::close_with_twin(&planes.into_vec(), &expected, 1e-6)
}
