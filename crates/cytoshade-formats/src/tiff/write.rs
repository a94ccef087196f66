//! Writing labels and images as TIFF.

use std::io::{Seek, Write};

use tiff::{
    TiffError,
    encoder::{Compression, DeflateLevel, TiffEncoder, colortype},
};

use crate::{Error, Image, LabelVolume, Labels};

/// Writes labels as a TIFF of one page: 16-bit unsigned, 32-bit past label 65,535, compressed with Deflate.
/// ImageJ, tifffile and the reference read it.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] where the labels have no pixels.
pub fn write_labels_tiff<W: Write + Seek>(out: W, labels: &Labels) -> Result<(), Error> {
    let (width, height) = crate::labels_size(labels)?;
    write_pages(out, width, height, labels.as_slice())
}

/// Writes the labels of a stack as a TIFF of one page a layer, otherwise as [`write_labels_tiff`].
///
/// # Errors
/// As [`write_labels_tiff`].
pub fn write_label_volume_tiff<W: Write + Seek>(out: W, labels: &LabelVolume) -> Result<(), Error> {
    let (width, height) = crate::labels_size(&labels.layer(0))?;
    write_pages(out, width, height, labels.as_slice())
}

/// Writes images of one size as a TIFF of 32-bit floats, one page for each channel of each, with a description in which
/// ImageJ, tifffile and this crate find the axes: layers of a stack where there are several.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] where the images differ in size; [`Error::Image`] for samples that are not finite.
pub fn write_images_tiff<W: Write + Seek>(out: W, images: &[Image]) -> Result<(), Error> {
    let size = |image: &Image| (image.channels(), image.height(), image.width());
    let first = images.first().map(size).unwrap_or_default();
    let alike = images.iter().all(|image| size(image) == first);
    let (channels, height, width) = first;
    let (Ok(columns), Ok(rows), true) = (u32::try_from(width), u32::try_from(height), alike && width > 0) else {
        let found = format!("{} images, the first of {height} x {width} pixels (height x width)", images.len());
        return Err(Error::Output { found, expected: "images of one size" });
    };
    let (pages, slices) = (channels * images.len(), images.len());
    let description = format!(
        "ImageJ=1.53q\nimages={pages}\nchannels={channels}\nslices={slices}\nhyperstack=true\nmode=grayscale\n"
    );
    let mut encoder =
        TiffEncoder::new(out).map_err(write_error)?.with_compression(Compression::Deflate(DeflateLevel::Balanced));
    for (index, image) in images.iter().enumerate() {
        for channel in 0..channels {
            let plane = image.to_planes(channel)?;
            let mut page = encoder.new_image::<colortype::Gray32Float>(columns, rows).map_err(write_error)?;
            if index == 0 && channel == 0 {
                page.encoder()
                    .write_tag(tiff::tags::Tag::ImageDescription, description.as_str())
                    .map_err(write_error)?;
            }
            page.write_data(plane.as_slice()).map_err(write_error)?;
        }
    }
    Ok(())
}

fn write_pages<W: Write + Seek>(out: W, width: u32, height: u32, labels: &[u32]) -> Result<(), Error> {
    let mut encoder =
        TiffEncoder::new(out).map_err(write_error)?.with_compression(Compression::Deflate(DeflateLevel::Balanced));
    let wide = labels.iter().any(|&label| label > u32::from(u16::MAX));
    for page in labels.chunks_exact(width as usize * height as usize) {
        if wide {
            encoder.write_image::<colortype::Gray32>(width, height, page)
        } else {
            let narrow: Vec<u16> = page.iter().map(|&label| label as u16).collect();
            encoder.write_image::<colortype::Gray16>(width, height, &narrow)
        }
        .map_err(write_error)?;
    }
    Ok(())
}

fn write_error(error: TiffError) -> Error {
    Error::Write(match error {
        TiffError::IoError(error) => error,
        other => std::io::Error::other(other),
    })
}
