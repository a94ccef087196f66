//! Pictures of true, missed and extra cells.

use std::collections::{HashMap, HashSet};

use cytoshade_formats::{Error, LabelView, RgbPicture};

/// Longest side of the montage of a stack.
const MAX_SIDE: usize = 4096;

/// Okabe and Ito's colors, which readers with any color vision tell apart. The brightness differs too.
const MATCHED: [u8; 3] = [0, 114, 178];
const MISSED: [u8; 3] = [230, 159, 0];
const EXTRA: [u8; 3] = [204, 121, 167];
const OUTLINE: [u8; 3] = [255, 255, 255];

/// The labels of a plane: of the ground truth and of the segmentation.
type Planes<'a> = [LabelView<'a>; 2];

/// Paints an image, or the z-slices of a stack in a grid.
///
/// The pixels of a cell of the ground truth that matches are blue, those of a missed cell orange with stripes, and those
/// of an extra cell of the segmentation pink. The outlines of the ground truth are white.
pub(super) fn picture(
    truth: LabelView<'_>,
    predicted: LabelView<'_>,
    matches: &[(u32, u32)],
) -> Result<RgbPicture, Error> {
    let partners: HashMap<u32, u32> = matches.iter().copied().collect();
    let matched: HashSet<u32> = matches.iter().map(|pair| pair.1).collect();
    let planes = truth.planes().zip(predicted.planes()).map(|(truth, predicted)| [truth.labels, predicted.labels]);
    let mut pictures: Vec<RgbPicture> = planes.map(|planes| paint(planes, &partners, &matched)).collect();
    match pictures.len() {
        1 => Ok(pictures.remove(0)),
        _ => RgbPicture::montage(pictures.into_iter().map(Ok), MAX_SIDE),
    }
}

fn paint([truth, predicted]: Planes<'_>, partners: &HashMap<u32, u32>, matched: &HashSet<u32>) -> RgbPicture {
    let (width, height) = (truth.width(), truth.height());
    let labels = truth.as_slice();
    let pixel = |(at, (&truth, &predicted)): (usize, (&u32, &u32))| {
        let (x, y) = (at % width, at / width);
        let differs = |exists: bool, other: usize| exists && labels.get(other).is_some_and(|&other| other != truth);
        let is_outline = truth != 0
            && (differs(x > 0, at.wrapping_sub(1))
                || differs(x + 1 < width, at + 1)
                || differs(y > 0, at.wrapping_sub(width))
                || differs(y + 1 < height, at + width));
        let is_extra = predicted != 0 && !matched.contains(&predicted);
        match truth {
            _ if is_outline => OUTLINE,
            0 if is_extra => EXTRA,
            0 if predicted != 0 => darker(MATCHED),
            0 => [0; 3],
            // The pixels that a matched cell lacks.
            truth if partners.get(&truth) == Some(&predicted) => MATCHED,
            truth if partners.contains_key(&truth) => darker(MISSED),
            // Pixels of a missed cell that an extra cell covers.
            _ if is_extra && (x + y) % 8 < 4 => EXTRA,
            _ if (x + y) % 8 < 4 => darker(MISSED),
            _ => MISSED,
        }
    };
    let pixels = labels.iter().zip(predicted.as_slice()).enumerate().map(pixel).collect();
    RgbPicture::new(width, height, pixels)
}

fn darker(color: [u8; 3]) -> [u8; 3] {
    color.map(|part| part / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cytoshade::Labels;

    #[test]
    fn each_kind_of_cell_has_its_color() {
        let cell = |label: u32, place: usize| {
            (0..8 * 40).map(move |at| {
                let (y, x) = (at / 40, at % 40);
                if (1..7).contains(&y) && (place..place + 8).contains(&x) { label } else { 0 }
            })
        };
        let sum = |a: Vec<u32>, b: Vec<u32>| -> Labels {
            Labels::new(a.iter().zip(&b).map(|(a, b)| a + b).collect(), 8, 40).unwrap()
        };
        let truth = sum(cell(1, 1).collect(), cell(2, 14).collect());
        let predicted = sum(cell(9, 1).collect(), cell(4, 27).collect());
        let picture = picture((&truth).into(), (&predicted).into(), &[(1, 9)]).unwrap();
        let at = |y: usize, x: usize| picture.pixels()[y * 40 + x];
        assert_eq!([at(3, 4), at(3, 30), at(0, 0), at(1, 1)], [MATCHED, EXTRA, [0; 3], OUTLINE]);
        assert!((15..20).any(|x| at(3, x) == MISSED) && (15..21).any(|x| at(3, x) == darker(MISSED)));
    }
}
