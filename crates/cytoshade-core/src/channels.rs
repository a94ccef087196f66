//! Stage `channels`: selects the network's input planes from an image.

use crate::{Channels, Error, ImageView, Params, Planes};

/// Selects the `inputs` input planes of a network (the reference's `transforms.convert_image` and `reshape`).
///
/// The first plane is the only channel of an image, else channel `chan` (from 1), or the mean of all channels if `chan`
/// is 0. The second plane is channel `chan2` if both are above 0 and the image has several channels. All other planes
/// are zero.
///
/// With `all_channels` the planes are the image's first channels in their order; of an image of one channel, the others
/// are zero.
///
/// # Errors
/// [`Error::NoSuchChannel`] if `chan` or `chan2` is above the number of channels; [`Error::NotFinite`] for a sample
/// that is not finite as f32; [`Error::Param`] if `all_channels` is on, and the image has several channels, but fewer
/// than `inputs`.
pub fn select(image: ImageView<'_>, params: &Params, inputs: usize) -> Result<Planes, Error> {
    if params.all_channels {
        return first(image, inputs);
    }
    let Channels { chan, chan2 } = params.channels;
    let mut planes = if image.channels() == 1 {
        image.to_planes(0)?
    } else if chan == 0 {
        mean(image)?
    } else {
        pick(image, "chan", chan, "the mean of all channels")?
    };
    if inputs >= 2 && image.channels() > 1 && chan > 0 && chan2 > 0 {
        planes.append(&pick(image, "chan2", chan2, "none")?)?;
    }
    planes.pad_channels(inputs);
    Ok(planes)
}

/// The first `inputs` channels; one channel alone is followed by zeros.
fn first(image: ImageView<'_>, inputs: usize) -> Result<Planes, Error> {
    let mut planes = image.to_planes(0)?;
    if image.channels() == 1 {
        planes.pad_channels(inputs);
        return Ok(planes);
    }
    if image.channels() < inputs {
        let found = format!("on for an image of {} channels and a network of {inputs} inputs", image.channels());
        let expected = "an image with one channel, or with at least as many channels as the network has inputs";
        return Err(Error::Param { name: "all_channels", found, expected });
    }
    for channel in 1..inputs {
        planes.append(&image.to_planes(channel)?)?;
    }
    Ok(planes)
}

fn pick(image: ImageView<'_>, name: &'static str, chan: usize, zero_means: &'static str) -> Result<Planes, Error> {
    if chan > image.channels() {
        return Err(Error::NoSuchChannel { name, chan, channels: image.channels(), zero_means });
    }
    image.to_planes(chan - 1)
}

/// The mean over the channels, summed in their order in f32 and divided once, as numpy does over a short last axis.
fn mean(image: ImageView<'_>) -> Result<Planes, Error> {
    let mut sum = image.to_planes(0)?;
    for channel in 1..image.channels() {
        let plane = image.to_planes(channel)?;
        for (sum, value) in sum.as_mut_slice().iter_mut().zip(plane.as_slice()) {
            *sum += value;
        }
    }
    let count = image.channels() as f32;
    for value in sum.as_mut_slice() {
        *value /= count;
    }
    Ok(sum)
}
