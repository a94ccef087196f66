//! Warnings of the readers.

use std::fmt;

use crate::LeftOut;

/// A problem that does not prevent reading the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Pages are left out.
    LeftOut {
        /// Number of pages.
        pages: usize,
        /// The reason.
        why: LeftOut,
    },
    /// The file states more planes than it holds; missing planes are read as zeros.
    MissingPlanes {
        /// The series, from 0.
        series: usize,
        /// Number of missing planes.
        missing: usize,
        /// Number of stated planes.
        stated: usize,
    },
    /// The file holds pages that its description does not mention; they are left out.
    SurplusPages {
        /// Number of pages left out.
        surplus: usize,
        /// Number of pages in the description.
        stated: usize,
    },
    /// Another file of the set is missing; its planes are read as zeros.
    MissingFile {
        /// Its name, printable and shortened.
        name: String,
        /// The reason that it was not read.
        why: String,
    },
    /// The description is invalid; the pages are read without it.
    Description {
        /// The problem in the description.
        why: String,
    },
    /// The image has stray bytes or no end marker; missing parts are grey.
    Damaged {
        /// The damage.
        what: String,
    },
    /// The file holds several images; the first is read.
    FirstPicture {
        /// Number of images; 0 if unknown.
        pictures: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::LeftOut { pages, why } => {
                let pages = plural(*pages, "page");
                write!(f, "{pages} {why} left out; --series N takes them, --pages list takes every page")
            }
            Warning::MissingPlanes { series, missing, stated } => {
                let stated = plural(*stated, "plane");
                write!(f, "series {series}: the file states {stated} but {missing} of them are missing: read as zeros")
            }
            Warning::SurplusPages { surplus, stated } => {
                let stated = plural(*stated, "page");
                write!(f, "the description states {stated}; {surplus} more left out (--pages list takes every page)")
            }
            Warning::MissingFile { name, why } => {
                write!(
                    f,
                    "the image is also stored in {name}, which was not read ({why}): its planes are read as zeros"
                )
            }
            Warning::Description { why } => {
                write!(f, "the description of the file is not used ({why}): its pages are taken as they are")
            }
            Warning::Damaged { what } => write!(f, "the image is damaged ({what}): parts of it may be wrong"),
            Warning::FirstPicture { pictures: 0 } => f.write_str("the file holds several images: the first is read"),
            Warning::FirstPicture { pictures } => write!(f, "the file holds {pictures} images: the first is read"),
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
