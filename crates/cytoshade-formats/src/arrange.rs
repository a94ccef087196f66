//! Turns the axes of a series into images.

use crate::options::MAX_AUTO_CHANNELS;
use crate::{Axis, AxisKind, Error, Origin, Pages, Selection, Series};

/// The role of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Each index is a separate image or stack.
    List,
    /// Each index is a time point.
    Time,
    /// Each index is a z-slice of one stack.
    Z,
    /// Each index is a channel.
    Channel,
    /// Rows.
    Y,
    /// Columns.
    X,
}

/// The roles of the axes of a series, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrangement {
    pub(crate) roles: Vec<Role>,
}

impl Arrangement {
    /// Assigns a role to each axis.
    pub(crate) fn new(series: &Series, selection: &Selection) -> Result<Self, Error> {
        let axes = renamed(series, selection)?;
        let is_overruled = selection.axes.is_some()
            || [selection.channel_axis, selection.z_axis, selection.time_axis].iter().any(Option::is_some);
        let roles = match selection.pages {
            Pages::Channels if !is_overruled => every_frame(series, Role::Channel)?,
            Pages::List if !is_overruled => every_frame(series, Role::List)?,
            pages => by_name(series, &axes, pages == Pages::Stack)?,
        };
        let count = |role| roles.iter().filter(|found| **found == role).count();
        if count(Role::Y) != 1 || count(Role::X) != 1 {
            return Err(refused(series, "one axis Y and one axis X"));
        }
        if count(Role::Z) > 1 || count(Role::Time) > 1 {
            return Err(refused(series, "at most one axis of z-slices and one of time points"));
        }
        Ok(Self { roles })
    }

    /// The position of the axis with a role that only one axis can have.
    pub(crate) fn position(&self, role: Role) -> Option<usize> {
        self.roles.iter().position(|found| *found == role)
    }
}

/// The axes, renamed as the selection specifies.
fn renamed(series: &Series, selection: &Selection) -> Result<Vec<Axis>, Error> {
    let mut axes = series.axes.clone();
    if let Some(names) = &selection.axes {
        if names.len() != axes.len() {
            return Err(refused(series, "as many letters in --axes as there are axes"));
        }
        axes.iter_mut().zip(names).for_each(|(axis, name)| axis.kind = *name);
    }
    for (at, kind) in [
        (selection.channel_axis, AxisKind::Channel),
        (selection.z_axis, AxisKind::Z),
        (selection.time_axis, AxisKind::Time),
    ] {
        let Some(at) = at else { continue };
        let index = if at < 0 { axes.len().checked_add_signed(at) } else { usize::try_from(at).ok() };
        let count = axes.len();
        let Some(axis) = index.and_then(|index| axes.get_mut(index)) else {
            return Err(refused(
                series,
                format!("an axis from 0 to {}, or from -{count} to -1", count.saturating_sub(1)),
            ));
        };
        axis.kind = kind;
    }
    if selection.channel_axis.is_some() || selection.z_axis.is_some() || selection.time_axis.is_some() {
        name_plane(&mut axes);
    }
    Ok(axes)
}

/// Names the last two unnamed axes rows and columns, if no axis has these names.
fn name_plane(axes: &mut [Axis]) {
    if axes.iter().any(|axis| matches!(axis.kind, AxisKind::Y | AxisKind::X)) {
        return;
    }
    let mut unnamed = axes.iter_mut().rev().filter(|axis| axis.kind == AxisKind::Unknown);
    for kind in [AxisKind::X, AxisKind::Y] {
        if let Some(axis) = unnamed.next() {
            axis.kind = kind;
        }
    }
}

/// Makes each frame of the series a separate image, or a channel of one image.
fn every_frame(series: &Series, role: Role) -> Result<Vec<Role>, Error> {
    if series.origin == Origin::Array {
        return unnamed(series, &series.axes, if role == Role::Channel { Pages::Channels } else { Pages::List });
    }
    Ok(series
        .axes
        .iter()
        .enumerate()
        .map(|(at, axis)| match axis.kind {
            AxisKind::Y => Role::Y,
            AxisKind::X => Role::X,
            // The samples of a page stay together.
            _ if at + series.frame_rank >= series.axes.len() => Role::Channel,
            _ => role,
        })
        .collect())
}

/// Assigns roles by the names of the axes.
fn by_name(series: &Series, axes: &[Axis], is_stack: bool) -> Result<Vec<Role>, Error> {
    // tifffile writes three or four planes as the samples of pixels unless the caller states their axes.
    let planar = series.origin == Origin::Tifffile
        && axes.first().is_some_and(|axis| axis.kind == AxisKind::Sample)
        && series.axes == axes;
    let unknown = |axis: &Axis| axis.kind == AxisKind::Unknown;
    let names_plane = |kind| axes.iter().any(|axis| axis.kind == kind);
    let says_nothing = !axes.iter().any(|axis| {
        matches!(axis.kind, AxisKind::Time | AxisKind::Z | AxisKind::Channel | AxisKind::Position | AxisKind::Other(_))
    });
    if says_nothing && (planar || axes.iter().any(unknown)) {
        return unnamed(series, axes, if is_stack { Pages::Stack } else { Pages::Auto });
    }
    if !names_plane(AxisKind::Y) || !names_plane(AxisKind::X) {
        return Err(refused(series, "one axis Y and one axis X"));
    }
    let long = |kind: AxisKind| axes.iter().any(|axis| axis.kind == kind && axis.length > 1);
    let pages = axes.iter().find(|axis| axis.kind == AxisKind::Page).map_or(1, |axis| axis.length);
    let free = axes.iter().filter(|axis| axis.length > 1 && matches!(axis.kind, AxisKind::Page | AxisKind::Unknown));
    let one_free = free.count() == 1;
    let samples = axes.iter().any(|axis| axis.kind == AxisKind::Sample && axis.length > 1);
    let few = pages <= MAX_AUTO_CHANNELS && !samples && !long(AxisKind::Channel);
    if is_stack && !long(AxisKind::Z) && !one_free && long(AxisKind::Time) {
        return Err(refused(
            series,
            "z-slices: name them by --z-axis N or --axes if the time points are z-slices, or leave 3-D out",
        ));
    }
    Ok(axes
        .iter()
        .map(|axis| match axis.kind {
            AxisKind::Y => Role::Y,
            AxisKind::X => Role::X,
            AxisKind::Channel | AxisKind::Sample => Role::Channel,
            AxisKind::Time => Role::Time,
            AxisKind::Z if is_stack => Role::Z,
            AxisKind::Page | AxisKind::Unknown if is_stack && !long(AxisKind::Z) && one_free && axis.length > 1 => {
                Role::Z
            }
            AxisKind::Page if !is_stack && few && says_nothing => Role::Channel,
            _ => Role::List,
        })
        .collect())
}

/// Assigns roles to axes of which the file states only the lengths, as [`Pages`] describes.
fn unnamed(series: &Series, axes: &[Axis], pages: Pages) -> Result<Vec<Role>, Error> {
    let mut roles = vec![Role::List; axes.len()];
    // The samples interleaved in the pixels of a page form no other axis.
    let is_interleaved = |at: usize, axis: &Axis| axis.kind == AxisKind::Sample && at > 0;
    let mut left: Vec<usize> = Vec::new();
    for (at, axis) in axes.iter().enumerate() {
        if is_interleaved(at, axis) {
            set(&mut roles, at, Role::Channel);
        } else if axes.len() <= 3 || axis.length != 1 {
            left.push(at);
        }
    }
    // An array of ones is still an image.
    if left.len() < 2 {
        left = (0..axes.len()).filter(|&at| axes.get(at).is_some_and(|axis| !is_interleaved(at, axis))).collect();
    }
    let length = |at: usize| axes.get(at).map_or(0, |axis| axis.length);
    let shortest = left.iter().map(|&at| length(at)).min().unwrap_or(0);
    let is_short = shortest <= MAX_AUTO_CHANNELS;
    let list = if pages == Pages::Stack { Role::Z } else { Role::List };
    let expected = "[H, W], [C, H, W], [H, W, C], [N, H, W] or, with C at most 5, four axes with C and N among them; \
                    --axes says what more axes are (such as --axes TZCYX)";
    match (left.len(), pages) {
        (2, _) => {}
        (3, Pages::List | Pages::Stack) => set(&mut roles, left.remove(0), list),
        (3, Pages::Auto) if !is_short => {
            let position = left.iter().position(|&at| length(at) == shortest).unwrap_or(0);
            set(&mut roles, left.remove(position), Role::List);
        }
        (3, _) => set(&mut roles, take_shortest(&mut left, shortest, length), Role::Channel),
        (4, Pages::Auto | Pages::List | Pages::Stack) if is_short => {
            set(&mut roles, take_shortest(&mut left, shortest, length), Role::Channel);
            set(&mut roles, left.remove(0), list);
        }
        (4, Pages::Channels) => return Err(refused(series, "two or three axes, since four hold more than one image")),
        _ => return Err(refused(series, expected)),
    }
    let [y, x] = left[..] else { return Err(refused(series, expected)) };
    set(&mut roles, y, Role::Y);
    set(&mut roles, x, Role::X);
    Ok(roles)
}

fn set(roles: &mut [Role], at: usize, role: Role) {
    if let Some(slot) = roles.get_mut(at) {
        *slot = role;
    }
}

/// Removes the shortest axis (the reference's `transforms.move_min_dim`).
///
/// If several axes are the shortest, takes the last axis if it is one of them, else the first.
fn take_shortest(left: &mut Vec<usize>, shortest: usize, length: impl Fn(usize) -> usize) -> usize {
    let last = left.len().saturating_sub(1);
    let is_last = left.get(last).is_some_and(|&at| length(at) == shortest);
    let position = if is_last { last } else { left.iter().position(|&at| length(at) == shortest).unwrap_or(last) };
    left.remove(position)
}

fn refused(series: &Series, expected: impl Into<String>) -> Error {
    Error::Axes { letters: series.letters(), shape: series.shape(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelSize, SampleKind, SampleType, series::Frames};
    use Role::{Channel, List, Time, X, Y, Z};

    fn series(letters: &str, shape: &[usize], origin: Origin) -> Series {
        let kinds = letters.chars().map(|letter| AxisKind::from_letter(letter).unwrap());
        Series {
            name: String::new(),
            axes: kinds.zip(shape).map(|(kind, &length)| Axis { kind, length }).collect(),
            sample_type: SampleType { kind: SampleKind::Unsigned, bits: 8 },
            pixel_size: PixelSize::default(),
            channel_names: Vec::new(),
            origin,
            left_out: None,
            frames: Frames::Pages(Vec::new()),
            frame_rank: 2 + usize::from(letters.contains('S')),
        }
    }

    fn array(shape: &[usize], pages: Pages) -> Result<Vec<Role>, Error> {
        let letters = "Q".repeat(shape.len());
        let selection = Selection { pages, ..Selection::default() };
        Ok(Arrangement::new(&series(&letters, shape, Origin::Array), &selection)?.roles)
    }

    #[test]
    fn arrays_as_the_reference_takes_them() {
        use Pages::{Auto, Channels, List as Listed, Stack};
        for (shape, pages, expected) in [
            (&[20, 30][..], Auto, &[Y, X][..]),
            (&[2, 20, 30], Auto, &[Channel, Y, X]),
            (&[20, 30, 2], Auto, &[Y, X, Channel]),
            (&[3, 30, 3], Auto, &[Y, X, Channel]),
            (&[6, 20, 30], Auto, &[List, Y, X]),
            (&[6, 20, 30], Channels, &[Channel, Y, X]),
            (&[2, 20, 30], Listed, &[List, Y, X]),
            (&[7, 2, 20, 30], Auto, &[List, Channel, Y, X]),
            (&[7, 20, 30, 3], Listed, &[List, Y, X, Channel]),
            (&[1, 2, 20, 30], Auto, &[List, Channel, Y, X]),
            (&[2, 20, 30], Stack, &[Z, Y, X]),
            (&[4, 3, 20, 30], Stack, &[Z, Channel, Y, X]),
            (&[2, 75, 75, 75], Stack, &[Channel, Z, Y, X]),
            (&[3, 20, 30, 2], Stack, &[Z, Y, X, Channel]),
            (&[1, 31, 20, 30], Stack, &[List, Z, Y, X]),
            (&[1, 1, 20, 30], Auto, &[List, List, Y, X]),
            (&[1, 31, 1, 20, 30], Stack, &[List, Z, List, Y, X]),
        ] {
            assert_eq!(array(shape, pages).unwrap(), expected, "{shape:?} {pages:?}");
        }
        for shape in [&[][..], &[5], &[7, 8, 9, 10], &[2, 2, 2, 2, 2]] {
            assert!(matches!(array(shape, Auto), Err(Error::Axes { .. })), "{shape:?}");
        }
        assert!(array(&[7, 8, 9, 10], Stack).unwrap_err().to_string().contains("--axes TZCYX"));
        assert!(matches!(array(&[7, 2, 20, 30], Channels), Err(Error::Axes { .. })));
    }

    #[track_caller]
    fn check(letters: &str, shape: &[usize], origin: Origin, selection: &Selection, expected: &[Role]) {
        let found = Arrangement::new(&series(letters, shape, origin), selection).unwrap().roles;
        assert_eq!(found, expected, "{letters} {shape:?}");
    }

    #[test]
    fn named_axes_mean_what_they_are_called() {
        let (image, stack) = (Selection::default(), Selection { pages: Pages::Stack, ..Selection::default() });
        check("TZCYX", &[2, 3, 2, 9, 9], Origin::Ome, &image, &[Time, List, Channel, Y, X]);
        check("TZCYX", &[2, 3, 2, 9, 9], Origin::Ome, &stack, &[Time, Z, Channel, Y, X]);
        check("CYXS", &[2, 9, 9, 3], Origin::Ome, &image, &[Channel, Y, X, Channel]);
        check("TYX", &[3, 9, 9], Origin::MetaMorph, &image, &[Time, Y, X]);
        check("PYX", &[3, 9, 9], Origin::Lsm, &image, &[List, Y, X]);
        check("CZYX", &[4, 3, 9, 9], Origin::Tifffile, &stack, &[Channel, Z, Y, X]);
        let refused = Arrangement::new(&series("TYX", &[3, 9, 9], Origin::Ome), &stack);
        assert!(refused.unwrap_err().to_string().contains("--z-axis"));
    }

    #[test]
    fn pages_are_channels_if_they_are_few() {
        let (image, stack) = (Selection::default(), Selection { pages: Pages::Stack, ..Selection::default() });
        check("IYX", &[5, 9, 9], Origin::Pages, &image, &[Channel, Y, X]);
        check("IYX", &[6, 9, 9], Origin::Pages, &image, &[List, Y, X]);
        check("IYXS", &[2, 9, 9, 3], Origin::Pages, &image, &[List, Y, X, Channel]);
        check("IYX", &[5, 9, 9], Origin::Pages, &stack, &[Z, Y, X]);
        check("ITYX", &[5, 2, 9, 9], Origin::ImageJ, &image, &[List, Time, Y, X]);
        check("SYX", &[3, 9, 9], Origin::Tifffile, &image, &[Channel, Y, X]);
        check("SYX", &[3, 9, 9], Origin::Tifffile, &stack, &[Z, Y, X]);
        check("YXS", &[9, 9, 3], Origin::Tifffile, &stack, &[Y, X, Channel]);
        check("SYX", &[3, 9, 9], Origin::Pages, &stack, &[Channel, Y, X]);
        let list = Selection { pages: Pages::List, ..Selection::default() };
        check("TZCYX", &[2, 3, 2, 9, 9], Origin::Ome, &list, &[List, List, List, Y, X]);
        check("IYXS", &[2, 9, 9, 3], Origin::Pages, &list, &[List, Y, X, Channel]);
    }

    #[test]
    fn names_overrule() {
        let kinds = |letters: &str| letters.chars().map(AxisKind::from_letter).collect::<Option<Vec<_>>>();
        let named = |letters| Selection { axes: kinds(letters), pages: Pages::Stack, ..Selection::default() };
        check("QQQQQ", &[2, 3, 2, 9, 9], Origin::Array, &named("TZCYX"), &[Time, Z, Channel, Y, X]);
        let times = Selection { pages: Pages::Auto, ..named("TYX") };
        check("IYX", &[6, 9, 9], Origin::Pages, &times, &[Time, Y, X]);
        let z = Selection { z_axis: Some(-3), pages: Pages::Stack, ..Selection::default() };
        check("QQQQ", &[7, 8, 9, 10], Origin::Array, &z, &[List, Z, Y, X]);
        check("TYX", &[3, 9, 9], Origin::Ome, &z, &[Z, Y, X]);
        let wrong = [named("TZ"), Selection { z_axis: Some(5), ..z.clone() }, Selection { z_axis: Some(-4), ..z }];
        for selection in wrong {
            assert!(Arrangement::new(&series("IYX", &[6, 9, 9], Origin::Pages), &selection).is_err());
        }
    }
}
