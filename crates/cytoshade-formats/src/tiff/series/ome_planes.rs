//! Finds the planes of OME-XML's images, in this file and in others beside it.

use super::ome::{Ome, OmeImage, TiffData};
use super::{count, new_series};
use crate::series::Frames;
use crate::siblings::Siblings;
use crate::source::Source;
use crate::tiff::{Part, Tiff};
use crate::{Axis, AxisKind, Error, Format, Limits, Origin, Place, Series, Warning};

/// More files than any real set has.
const MOST_FILES: usize = 4096;

/// The series of the images; `None` if the description does not match the pages.
pub(super) fn series(
    tiff: &mut Tiff<'_>,
    text: &str,
    siblings: &Siblings,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Vec<Series>>, Error> {
    let ome = match described(text, siblings, limits, warnings)? {
        Ok(ome) => ome,
        Err(why) => {
            warnings.push(Warning::Description { why });
            return Ok(None);
        }
    };
    let mut set = Set::new(&ome, siblings);
    let before = warnings.len();
    let mut all = Vec::new();
    for image in &ome.images {
        match set.series(tiff, image, limits, warnings)? {
            Ok(Some(series)) => all.push(series),
            // An image without planes, such as one that was not saved.
            Ok(None) => {}
            Err(why) => warnings.push(Warning::Description { why }),
        }
    }
    if all.is_empty() && warnings.len() == before {
        warnings.push(Warning::Description { why: "it does not say where the planes of its images are".into() });
    }
    Ok((!all.is_empty()).then_some(all))
}

/// The description, which may be in a companion file.
fn described(
    text: &str,
    siblings: &Siblings,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Result<Ome, String>, Error> {
    let ome = match Ome::parse(text, limits)? {
        Ok(ome) => ome,
        Err(why) => return Ok(Err(why)),
    };
    let Some(name) = ome.metadata_file.clone().filter(|_| ome.images.is_empty()) else { return Ok(Ok(ome)) };
    let companion = match siblings.open(&name) {
        Ok(source) => companion_text(&source, limits)?,
        Err(why) => {
            let name = cytoshade_safe_io::printable(&name);
            warnings.push(Warning::MissingFile { name: name.clone(), why });
            return Ok(Err(format!("the images are described in {name}")));
        }
    };
    Ok(Ome::parse(&companion, limits)?.map(|mut found| {
        found.uuid = ome.uuid;
        found
    }))
}

/// The text of a companion file: OME-XML itself, or a TIFF with OME-XML as its description.
fn companion_text(source: &Source<'static>, limits: &Limits) -> Result<String, Error> {
    let mut start = [0; 8];
    let length = source.len().min(8) as usize;
    source.read(0, start.get_mut(..length).unwrap_or_default())?;
    if Format::detect(&start) != Some(Format::Tiff) {
        limits.check_metadata(source.len())?;
        let bytes = source.whole(Format::Tiff)?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let bytes = source.slice(Format::Tiff, 0, source.len().min(limits.metadata_bytes), "the companion file")?;
    let part = Part::new(Source::Bytes(bytes), limits)?;
    let description = part.pages.first().and_then(|page| page.descriptions[0]);
    description.map_or_else(|| Ok(String::new()), |values| part.file.text(values, limits))
}

/// The files of a set.
struct Set<'s> {
    siblings: &'s Siblings,
    uuid: &'s str,
    /// The only other file that the description names, if it never names this one: this file was renamed.
    own_name: Option<String>,
    /// Names of requested files, each with the number of the file if it exists.
    files: Vec<(String, Option<usize>)>,
}

impl<'s> Set<'s> {
    fn new(ome: &'s Ome, siblings: &'s Siblings) -> Self {
        let mut set = Self { siblings, uuid: &ome.uuid, own_name: None, files: Vec::new() };
        let mut data = ome.images.iter().flat_map(|image| &image.data);
        if let Some(first) = data.next() {
            let is_one = data.all(|other| (&other.uuid, &other.file_name) == (&first.uuid, &first.file_name));
            set.own_name = is_one.then(|| first.file_name.clone());
        }
        set
    }

    /// True if these planes are in the opened file.
    fn is_own(&self, data: &TiffData) -> bool {
        let TiffData { uuid, file_name, .. } = data;
        (uuid.is_empty() && file_name.is_empty())
            || (!uuid.is_empty() && uuid == self.uuid)
            || (!file_name.is_empty() && file_name.eq_ignore_ascii_case(self.siblings.name()))
            || (self.own_name.as_ref() == Some(file_name) && self.siblings.open(file_name).is_err())
    }

    /// The number of the file that holds these planes; `None`, with one warning, if it is missing.
    fn file(
        &mut self,
        tiff: &mut Tiff<'_>,
        data: &TiffData,
        limits: &Limits,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<usize>, Error> {
        if let Some((_, number)) = self.files.iter().find(|(name, _)| *name == data.file_name) {
            return Ok(*number);
        }
        if self.is_own(data) {
            self.files.push((data.file_name.clone(), Some(0)));
            return Ok(Some(0));
        }
        if self.files.len() == MOST_FILES {
            return Ok(None);
        }
        let opened = self
            .siblings
            .open(&data.file_name)
            .and_then(|source| Part::new(source, limits).map_err(|error| crate::error::one_line(&error.redacted())));
        let number = match opened {
            Ok(part) => {
                tiff.parts.push(part);
                Some(tiff.parts.len() - 1)
            }
            Err(why) => {
                warnings.push(Warning::MissingFile { name: cytoshade_safe_io::printable(&data.file_name), why });
                None
            }
        };
        self.files.push((data.file_name.clone(), number));
        Ok(number)
    }

    fn series(
        &mut self,
        tiff: &mut Tiff<'_>,
        image: &OmeImage,
        limits: &Limits,
        warnings: &mut Vec<Warning>,
    ) -> Result<Result<Option<Series>, String>, Error> {
        if image.data.is_empty() {
            return Ok(Ok(None));
        }
        // The file of the first planes shows whether a page holds several channels.
        let mut numbers = Vec::new();
        for data in &image.data {
            numbers.push(self.file(tiff, data, limits, warnings)?);
        }
        let page_of =
            |tiff: &Tiff<'_>, file: usize, page: usize| tiff.parts.get(file)?.pages.get(page).map(|page| page.kind);
        let mut found = image.data.iter().zip(&numbers).filter_map(|(data, number)| {
            let page = data.ifd.unwrap_or(0);
            page_of(tiff, (*number)?, page).map(|kind| (kind, *number, page))
        });
        let Some((kind, Some(file), page)) = found.next() else { return Ok(Ok(None)) };
        if (kind.width, kind.height) != (image.size_x, image.size_y) || !image.size_c.is_multiple_of(kind.samples) {
            let (height, width, samples) = (kind.height, kind.width, kind.samples);
            return Ok(Err(format!(
                "it states planes of {} x {} pixels (height x width) and {} channels, but a page has {height} x {width} of {samples} samples",
                image.size_y, image.size_x, image.size_c
            )));
        }
        let channels = image.size_c / kind.samples;
        let length = |letter: u8| match letter {
            b'Z' => Axis::new(AxisKind::Z, image.size_z),
            b'T' => Axis::new(AxisKind::Time, image.size_t),
            _ => Axis::new(AxisKind::Channel, channels),
        };
        // The fastest first, after X and Y.
        let axes: Vec<Axis> = image.order.bytes().skip(2).map(length).rev().collect();
        let stated = count(&axes, limits)?;
        let mut places = vec![None; stated];
        let mut assigned = 0u64;
        for (data, number) in image.data.iter().zip(&numbers) {
            let Some(file) = *number else { continue };
            let pages = tiff.parts.get(file).map_or(0, |part| part.pages.len());
            let planes = data.plane_count.unwrap_or(if data.ifd.is_some() { 1 } else { pages });
            let Some(first) = first_plane(data, &axes, kind.samples) else { continue };
            for at in 0..planes.min(stated - first) {
                assigned += 1;
                crate::limits::check("the number of planes", assigned, limits.pages.saturating_mul(4), "pages")?;
                let page = data.ifd.unwrap_or(0).saturating_add(at);
                if let (Some(slot), true) = (places.get_mut(first + at), page_of(tiff, file, page) == Some(kind)) {
                    *slot = Some(Place { file, page, plane: 0 });
                }
            }
        }
        let Some(page) = tiff.parts.get(file).and_then(|part| part.pages.get(page)) else { return Ok(Ok(None)) };
        let mut series = new_series(axes, page, places, Origin::Ome);
        series.name.clone_from(&image.name);
        series.pixel_size = image.pixel_size;
        if image.channel_names.iter().any(|name| !name.is_empty()) {
            series.channel_names.clone_from(&image.channel_names);
        }
        debug_assert!(matches!(series.frames, Frames::Pages(_)));
        Ok(Ok(Some(series)))
    }
}

/// The number of the first plane; `None` if it lies outside the image.
fn first_plane(data: &TiffData, axes: &[Axis], samples: usize) -> Option<usize> {
    axes.iter().try_fold(0usize, |plane, axis| {
        let first = match axis.kind {
            AxisKind::Z => data.first_z,
            AxisKind::Time => data.first_t,
            // Counted in samples, like SizeC.
            _ => data.first_c / samples.max(1),
        };
        if first >= axis.length { None } else { plane.checked_mul(axis.length)?.checked_add(first) }
    })
}
