//! Headers state the images that a full read yields.

use std::path::{Path, PathBuf};

use cytoshade_formats::{Format, ImageFile, Item, ReadOptions, read_header};

/// Every fixture that opens.
fn fixtures() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = [tests.join("fixtures"), tests.join("codecs")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().path()).filter(|path| items(path).is_some()).collect()
}

fn items(path: &Path) -> Option<Vec<Item>> {
    let options = ReadOptions::default();
    ImageFile::open(path, &options).ok()?.items(&options.selection).ok()
}

#[test]
fn a_header_states_the_images_that_a_full_read_yields() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 80, "{}", fixtures.len());
    let mut previous = Vec::new();
    let mut changes = 0;
    for path in fixtures {
        let Ok(header) = read_header(&path, &ReadOptions::default()) else {
            // A type that is refused when it is read, such as complex numbers.
            let file = ImageFile::open(&path, &ReadOptions::default()).unwrap();
            assert!(items(&path).unwrap().iter().any(|item| file.images(item).is_err()), "{}", path.display());
            continue;
        };
        let expected = items(&path).unwrap();
        assert_eq!(header.items, expected, "{}", path.display());
        assert!(header.siblings.is_empty(), "{}", path.display());
        changes += usize::from(previous != expected);
        previous = expected;
    }
    assert!(changes > 20, "the fixtures are alike, so that the comparison cannot fail");
}

#[test]
fn a_header_is_checked_against_the_limits_and_for_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let photograph = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo.png");
    let mut options = ReadOptions::default();
    options.limits.width = 100;
    let error = read_header(&photograph, &options).unwrap_err().to_string();
    assert!(error.contains("width"), "{error}");
    for (name, bytes) in [("empty.png", &b""[..]), ("short.png", b"\x89PNG\r\n\x1a\n\0\0"), ("text.jpg", b"text")] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(read_header(&path, &ReadOptions::default()).is_err(), "{name}");
    }
}

/// The bytes at which a PNG or JPEG is refused are those of a full read.
#[test]
fn a_header_is_checked_against_the_limit_of_decoded_bytes() {
    // A later chunk of this one adds transparency: its header lacks that sample.
    let is_exact = |path: &PathBuf| !path.ends_with("palette_8_bits_transparent.png");
    let extensions = ["png", "jpg"];
    let is_picture = |path: &PathBuf| extensions.iter().any(|&one| path.extension().is_some_and(|found| found == one));
    let mut refused = 0;
    for path in fixtures().into_iter().filter(is_picture).filter(is_exact) {
        let mut options = ReadOptions::default();
        let file = ImageFile::open(&path, &options).unwrap();
        let item = &file.items(&options.selection).unwrap()[0];
        let plane = (item.height * item.width * file.series()[0].sample_type().bits / 8) as u64;
        // One limit below and one at the bytes of 1 to 4 samples per pixel.
        for limit in (1..=4).flat_map(|samples| [samples * plane - 1, samples * plane]) {
            options.limits.decoded_bytes = limit;
            let found = read_header(&path, &options).map(drop).map_err(|error| error.to_string());
            let expected = ImageFile::open(&path, &options).map(drop).map_err(|error| error.to_string());
            assert_eq!(found, expected, "{} at {limit} bytes", path.display());
            refused += usize::from(found.is_err());
        }
    }
    assert!(refused > 20, "{refused}");
}

/// A set of two OME-TIFF files, one plane each.
#[test]
fn a_header_lists_the_other_files_of_a_set() {
    let folder = tempfile::tempdir().unwrap();
    let xml = |name: &str| {
        let data = |name: &str, t: usize| {
            format!(
                r#"<TiffData IFD="0" FirstT="{t}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{t}</UUID></TiffData>"#
            )
        };
        format!(
            r#"<OME UUID="urn:uuid:{name}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="8" SizeY="6" SizeZ="1" SizeC="1" SizeT="2">{}{}</Pixels></Image></OME>"#,
            data("first.ome.tif", 0),
            data("second.ome.tif", 1)
        )
    };
    for (name, number) in [("first.ome.tif", 0), ("second.ome.tif", 1)] {
        std::fs::write(folder.path().join(name), described(&xml(&number.to_string()))).unwrap();
    }
    let header = read_header(folder.path().join("first.ome.tif"), &ReadOptions::default()).unwrap();
    assert_eq!(header.items.len(), 2);
    assert_eq!(header.siblings, [folder.path().join("second.ome.tif")]);
}

/// A TIFF of 8 x 6 pixels with this description.
fn described(description: &str) -> Vec<u8> {
    use tiff::encoder::{TiffEncoder, colortype::Gray16};
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = encoder.new_image::<Gray16>(8, 6).unwrap();
    image.encoder().write_tag(tiff::tags::Tag::ImageDescription, description).unwrap();
    image.write_data(&[7; 48]).unwrap();
    bytes.into_inner()
}

#[test]
fn extensions_name_the_formats_of_files() {
    for (extension, format) in
        [("tif", Format::Tiff), ("TIFF", Format::Tiff), ("lsm", Format::Tiff), ("png", Format::Png)]
    {
        assert_eq!(Format::from_extension(extension), Some(format));
    }
    for other in ["txt", "csv", "db", "zip", "", "seg"] {
        assert_eq!(Format::from_extension(other), None, "{other}");
    }
    for path in fixtures() {
        let extension = path.extension().unwrap().to_str().unwrap();
        let detected = Format::detect(&std::fs::read(&path).unwrap());
        assert_eq!(Format::from_extension(extension), detected, "{}", path.display());
    }
}
