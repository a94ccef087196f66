//! What a reader noticed that is no error.

use std::fmt;

use crate::LeftOut;

/// What a reader noticed. The file is read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Pages are not taken.
    LeftOut {
        /// How many pages.
        pages: usize,
        /// Why.
        why: LeftOut,
    },
    /// The file states more planes than it holds; the missing ones are read as zeros.
    MissingPlanes {
        /// The series, from 0.
        series: usize,
        /// Planes that are not there.
        missing: usize,
        /// Planes that are stated.
        stated: usize,
    },
    /// The file holds pages that its description does not mention; they are left out.
    SurplusPages {
        /// Pages that are left out.
        surplus: usize,
        /// Pages that the description mentions.
        stated: usize,
    },
    /// A file of a set of several is not beside this one; its planes are read as zeros.
    MissingFile {
        /// Its name, printable and shortened.
        name: String,
        /// Why it was not read.
        why: String,
    },
    /// The description could not be understood; the pages are taken as they are.
    Description {
        /// What is wrong with it.
        why: String,
    },
    /// The picture has bytes that mean nothing, or no end; what is missing is grey.
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// The file holds several pictures, of which the first is read.
    FirstPicture {
        /// How many pictures; 0 if that is not known.
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
                write!(f, "the image also lies in {name}, which was not read ({why}): its planes are read as zeros")
            }
            Warning::Description { why } => {
                write!(f, "the description of the file is not used ({why}): its pages are taken as they are")
            }
            Warning::Damaged { what } => write!(f, "the picture is damaged ({what}): parts of it may be wrong"),
            Warning::FirstPicture { pictures: 0 } => f.write_str("the file holds several pictures: the first is read"),
            Warning::FirstPicture { pictures } => write!(f, "the file holds {pictures} pictures: the first is read"),
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
