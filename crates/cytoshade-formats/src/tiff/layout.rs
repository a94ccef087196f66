//! Which pages of a TIFF belong to one image.

use crate::options::MAX_AUTO_CHANNELS;

/// A stack in the words of ImageJ and OME: how long its axes are and in which order its pages run through them.
struct Stack {
    channels: usize,
    slices: usize,
    frames: usize,
    /// `C`, `Z`, `T`, the fastest first.
    order: [u8; 3],
}

/// What the description of the first page says about `pages` pages of `samples` samples each: for every image the
/// indices of the pages that are its channels. `None` where it says nothing that fits.
pub(super) fn from_description(description: &str, pages: usize, samples: usize) -> Option<Vec<Vec<usize>>> {
    let stack = image_j(description).or_else(|| ome(description, samples))?;
    let fits = stack.channels.checked_mul(stack.slices)?.checked_mul(stack.frames)? == pages;
    fits.then(|| stack.groups())
}

impl Stack {
    fn groups(&self) -> Vec<Vec<usize>> {
        let length = |axis| match axis {
            b'C' => self.channels,
            b'Z' => self.slices,
            _ => self.frames,
        };
        let stride = |axis| self.order.iter().take_while(|&&faster| faster != axis).map(|&axis| length(axis)).product();
        let (channel, slice, frame): (usize, usize, usize) = (stride(b'C'), stride(b'Z'), stride(b'T'));
        let page = |t, z, c| t * frame + z * slice + c * channel;
        let planes = (0..self.frames).flat_map(|t| (0..self.slices).map(move |z| (t, z)));
        planes.map(|(t, z)| (0..self.channels).map(|c| page(t, z, c)).collect()).collect()
    }
}

/// The layers of a stack whose shape tifffile wrote down, `{"shape": [2, 75, 64, 64]}`: of the first two of four axes,
/// the shorter one, if it is short enough, are the channels.
pub(super) fn from_shape(description: &str, pages: usize) -> Option<Vec<Vec<usize>>> {
    let shape = description.strip_prefix("{\"shape\": [")?.split_once(']')?.0;
    let shape: Vec<usize> = shape.split(',').map(|length| length.trim().parse().ok()).collect::<Option<_>>()?;
    let &[first, second, _, _] = &shape[..] else { return None };
    if first.checked_mul(second)? != pages || first.min(second) > MAX_AUTO_CHANNELS {
        return None;
    }
    Some(if first <= second {
        (0..second).map(|z| (0..first).map(|c| c * second + z).collect()).collect()
    } else {
        (0..first).map(|z| (0..second).map(|c| z * second + c).collect()).collect()
    })
}

/// ImageJ's description: `ImageJ=1.53q`, then lines of `key=value`.
fn image_j(description: &str) -> Option<Stack> {
    let length = |key| image_j_number(description, key);
    let (channels, slices, frames) = (length("channels"), length("slices"), length("frames"));
    channels.or(slices).or(frames)?;
    let or_one = |length: Option<usize>| length.unwrap_or(1);
    Some(Stack { channels: or_one(channels), slices: or_one(slices), frames: or_one(frames), order: *b"CZT" })
}

/// A number of ImageJ's description.
fn image_j_number(description: &str, key: &str) -> Option<usize> {
    let mut lines = description.lines();
    lines.next().filter(|first| first.starts_with("ImageJ="))?;
    lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=')?.trim().parse().ok())
}

/// OME-XML with one image, whose pages are in this file and in the order that it states.
fn ome(description: &str, samples: usize) -> Option<Stack> {
    if !description.contains("<OME") && !description.contains(":OME") {
        return None;
    }
    let mut pixels = description
        .match_indices("Pixels ")
        .filter(|(at, _)| description.get(..*at).is_some_and(|before| before.ends_with(['<', ':'])));
    let (at, _) = pixels.next()?;
    if pixels.next().is_some() {
        return None;
    }
    let element = description.get(at..)?.split_once('>')?.0;
    let attribute = |name: &str| {
        let (_, value) = element.split_once(&format!(" {name}="))?;
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        value.get(1..)?.split_once(quote).map(|(value, _)| value)
    };
    let length = |name| attribute(name)?.parse::<usize>().ok();
    let order: [u8; 3] = attribute("DimensionOrder")?.strip_prefix("XY")?.as_bytes().try_into().ok()?;
    let mut sorted = order;
    sorted.sort_unstable();
    // SizeC counts samples: an RGB page stands for three of it.
    let channels = length("SizeC")?;
    let whole = sorted == *b"CTZ" && samples > 0 && channels % samples == 0;
    whole.then_some(Stack { channels: channels / samples, slices: length("SizeZ")?, frames: length("SizeT")?, order })
}

/// How many images the description says follow the first without directories of their own: a form in which ImageJ
/// writes stacks over 4 GiB and tifffile what it calls truncated.
pub(super) fn images_without_pages(description: &str, pages: usize) -> Option<usize> {
    let images = image_j_number(description, "images").unwrap_or(0);
    if images > pages && pages == 1 {
        return Some(images);
    }
    let shaped = description.starts_with("{\"shape\":") && description.contains("\"truncated\": true");
    shaped.then_some(pages + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_j_hyperstack() {
        let text = "ImageJ=1.53q\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
        let groups = from_description(text, 12, 1).unwrap();
        assert_eq!(groups, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]);
        assert_eq!(from_description(text, 11, 1), None);
        assert_eq!(from_description("ImageJ=1.53q\nslices=3", 3, 1).unwrap(), [[0], [1], [2]]);
        assert_eq!(from_description("ImageJ=1.53q\nunit=micron", 3, 1), None);
        assert_eq!(from_description("slices=3", 3, 1), None);
    }

    #[test]
    fn ome_orders() {
        let ome = |order: &str| {
            format!(
                "<?xml?><OME xmlns=\"a\"><Image ID=\"0\"><Pixels DimensionOrder=\"{order}\" SizeC=\"2\" SizeT='1' SizeX=\"9\" SizeY=\"9\" SizeZ=\"3\" Type=\"uint8\"></Pixels></Image></OME>"
            )
        };
        assert_eq!(from_description(&ome("XYCZT"), 6, 1).unwrap(), [[0, 1], [2, 3], [4, 5]]);
        assert_eq!(from_description(&ome("XYZCT"), 6, 1).unwrap(), [[0, 3], [1, 4], [2, 5]]);
        assert_eq!(from_description(&ome("XYCZT"), 3, 2).unwrap(), [[0], [1], [2]]);
        assert_eq!(from_description(&ome("XYCCT"), 6, 1), None);
        assert_eq!(
            from_description(&ome("XYCZT").replace("SizeZ=\"3\"", "SizeZ=\"99999999999999999999\""), 6, 1),
            None
        );
        assert_eq!(
            from_description(&ome("XYCZT").replace("</Image>", "</Image><Image><Pixels /></Image>"), 6, 1),
            None
        );
    }

    #[test]
    fn shapes_of_four_axes() {
        assert_eq!(from_shape("{\"shape\": [2, 3, 9, 9]}", 6).unwrap(), [[0, 3], [1, 4], [2, 5]]);
        assert_eq!(from_shape("{\"shape\": [3, 2, 9, 9]}", 6).unwrap(), [[0, 1], [2, 3], [4, 5]]);
        for wrong in ["{\"shape\": [6, 9, 9]}", "{\"shape\": [2, 4, 9, 9]}", "{\"shape\": [2, x, 9, 9]}", "[6]"] {
            assert_eq!(from_shape(wrong, 6), None, "{wrong}");
        }
        assert_eq!(from_shape("{\"shape\": [6, 7, 9, 9]}", 42), None);
    }

    #[test]
    fn missing_pages_are_seen() {
        assert_eq!(images_without_pages("ImageJ=1.53q\nimages=9", 1), Some(9));
        assert_eq!(images_without_pages("ImageJ=1.53q\nimages=9", 9), None);
        assert!(images_without_pages("{\"shape\": [4, 9, 9], \"truncated\": true}", 1).is_some());
        assert_eq!(images_without_pages("{\"shape\": [4, 9, 9]}", 4), None);
    }
}
