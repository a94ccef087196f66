//! TIFF.
//!
//! The reader is our own: the `tiff` crate refuses palette images (which ImageJ writes for plain microscopy), inverts
//! and drops samples that the reference keeps, and reserves memory by counts in the file. So is the writer, since that of
//! the crate has a copy of its code for each type of samples. Crates compress and decompress.

use crate::limits::Meter;
use crate::sample::Held;
use crate::siblings::Siblings;
use crate::source::Source;
use crate::{Error, Limits, Place, Series, Warning};

mod codec;
mod decode;
mod directory;
#[cfg(feature = "rare")]
mod old_jpeg;
mod page;
mod page_writer;
mod plan;
mod series;
mod write;

pub(crate) use write::write_rgb_pages;
pub use write::{TiffMetadata, write_images_tiff, write_labels_tiff, write_labels_tiff_with};

use directory::File;
use page::Page;
use plan::Plan;

/// One file of a set, or the only file.
#[derive(Debug)]
struct Part<'a> {
    file: File<'a>,
    pages: Vec<Page>,
}

impl<'a> Part<'a> {
    fn new(source: Source<'a>, limits: &Limits) -> Result<Self, Error> {
        let file = File::new(source, limits)?;
        let directories = file.directories(limits)?;
        let is_lsm = page::is_lsm(directories.first())?;
        let pages = directories.iter().map(|directory| Page::new(directory, is_lsm)).collect::<Result<_, _>>()?;
        drop(directories);
        Ok(Self { file, pages })
    }
}

/// A plane that is ready to decode.
#[derive(Debug)]
pub(crate) struct Planned {
    place: Place,
    plan: Plan,
}

/// A TIFF with parsed pages, and the files beside it that hold some of its planes.
#[derive(Debug)]
pub(crate) struct Tiff<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> Tiff<'a> {
    /// Reads the pages of a file, and its series.
    pub(crate) fn open(
        source: Source<'a>,
        siblings: &Siblings,
        limits: &Limits,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Self, Vec<Series>), Error> {
        let mut tiff = Self { parts: vec![Part::new(source, limits)?] };
        let series = series::series(&mut tiff, siblings, limits, warnings)?;
        Ok((tiff, series))
    }

    /// The paths of the other files of the set.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn siblings(&self) -> impl Iterator<Item = &std::path::Path> {
        self.parts.iter().filter_map(|part| part.file.source.path())
    }

    fn first(&self) -> &Part<'a> {
        // The first part always exists.
        &self.parts[0]
    }

    fn file(&self) -> &File<'a> {
        &self.first().file
    }

    fn pages(&self) -> &[Page] {
        &self.first().pages
    }

    #[cfg(feature = "microscopy")]
    fn pages_mut(&mut self) -> &mut [Page] {
        &mut self.parts[0].pages
    }

    /// Checks the storage of a plane and charges its bytes. The sides must have been checked.
    pub(crate) fn plan(&self, place: Place, meter: &mut Meter<'_>) -> Result<Planned, Error> {
        let Some((part, page)) = self.page(place) else {
            return Err(directory::damaged("a plane is in a page that does not exist"));
        };
        let bytes = self.parts.iter().map(|part| part.file.source.len()).sum();
        Ok(Planned { place, plan: Plan::new(&part.file, page, place.plane, meter, bytes)? })
    }

    /// Decodes a plane into `out`: the planes of its samples, of type `held`.
    pub(crate) fn decode(&self, planned: &Planned, held: Held, out: &mut [u8]) -> Result<(), Error> {
        let Some((part, page)) = self.page(planned.place) else { return Ok(()) };
        decode::decode(&part.file, page, &planned.plan, held, out)
    }

    fn page(&self, place: Place) -> Option<(&Part<'a>, &Page)> {
        let part = self.parts.get(place.file)?;
        Some((part, part.pages.get(place.page)?))
    }

    /// Height and width of a page, and its samples per pixel.
    pub(crate) fn size(&self, place: Place) -> (usize, usize, usize) {
        self.page(place).map_or((0, 0, 0), |(_, page)| (page.kind.height, page.kind.width, page.kind.samples))
    }

    /// True if the samples of a pixel are in separate planes.
    pub(crate) fn is_planar(&self, place: Place) -> bool {
        self.page(place).is_some_and(|(_, page)| page.kind.planar)
    }
}
