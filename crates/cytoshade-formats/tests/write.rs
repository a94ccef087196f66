//! What is written: read again, and compared with what other programs write.

mod common;

use std::{
    fs,
    io::{Cursor, Write},
};

use common::{SIZE, base, fixture, pattern};
use cytoshade_core::{Image, Samples};
use cytoshade_formats::{
    Error, ImageFile, LabelView, LabelVolume, Labels, Pages, PixelSize, ReadOptions, TiffMetadata, read, read_bytes,
    read_labels, save, save_new, write_images_tiff, write_labels_npy, write_labels_png, write_labels_tiff,
    write_labels_tiff_with, write_npy_f32, write_overlay_png, write_overlay_tiff,
};

fn labels(highest: u32) -> Labels {
    let (height, width) = (50, 40);
    let mut labels: Vec<u32> = (0..height * width).map(|at| at as u32 / 7 % 90).collect();
    labels[999] = highest;
    Labels::new(labels, height, width).unwrap()
}

fn tiff(labels: &Labels) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write_labels_tiff(&mut out, labels).unwrap();
    out.into_inner()
}

fn only(bytes: &[u8]) -> Image {
    let mut images = read_bytes(bytes, &ReadOptions::default()).unwrap();
    assert_eq!(images.len(), 1);
    images.remove(0)
}

#[test]
fn labels_as_tiff() {
    let narrow = labels(65_535);
    let expected = narrow.as_slice().iter().map(|&label| label as u16).collect();
    let image = only(&tiff(&narrow));
    assert_eq!((image.height(), image.width()), (50, 40));
    assert!(image.samples() == &Samples::U16(expected));
    assert!(only(&tiff(&labels(7))) != image);

    let wide = labels(65_536);
    assert!(only(&tiff(&wide)).samples() == &Samples::U32(wide.as_slice().to_vec()));
}

#[test]
fn labels_as_png() {
    let write = |labels: &Labels| {
        let mut out = Vec::new();
        write_labels_png(&mut out, labels).map(|()| out)
    };
    let narrow = labels(65_535);
    let expected = narrow.as_slice().iter().map(|&label| label as u16).collect();
    assert!(only(&write(&narrow).unwrap()).samples() == &Samples::U16(expected));
    let error = write(&labels(65_536)).unwrap_err();
    assert!(matches!(error, Error::Output { .. }) && error.to_string().contains("65536"), "{error}");
}

#[test]
fn labels_without_pixels_are_refused() {
    let none = Labels::zeros(0, 0);
    assert!(matches!(write_labels_tiff(Cursor::new(Vec::new()), &none), Err(Error::Output { .. })));
    assert!(matches!(write_labels_png(Vec::new(), &none), Err(Error::Output { .. })));
}

#[test]
fn npy_as_numpy_writes_it() {
    let values: Vec<f32> = base(0, SIZE).map(|p| p as f32 / 8.0 - 3.0).collect();
    let mut out = Vec::new();
    write_npy_f32(&mut out, &[SIZE.0, SIZE.1], &values).unwrap();
    assert!(out == fs::read(fixture("plane_f4.npy")).unwrap());
    assert!(only(&out) == pattern("f4", &[0], SIZE));

    let error = write_npy_f32(Vec::new(), &[3, 17, 23], &values).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
    assert!(write_npy_f32(Vec::new(), &[usize::MAX, usize::MAX], &values).is_err());
}

#[test]
fn npy_of_any_rank() {
    for shape in [&[][..], &[6], &[2, 3], &[1, 1, 6, 1, 1]] {
        let values = vec![1.5; shape.iter().product()];
        let mut out = Vec::new();
        write_npy_f32(&mut out, shape, &values).unwrap();
        assert_eq!((out.len() - 4 * values.len()) % 64, 0, "{shape:?}");
        let header = String::from_utf8_lossy(&out[10..out.len() - 4 * values.len()]).into_owned();
        assert!(header.ends_with('\n') && !header.contains(", ,") && !header.contains(",,"), "{header}");
    }
}

#[test]
fn overlay() {
    let image = pattern("u2", &[0], SIZE);
    let mut cells = vec![0; SIZE.0 * SIZE.1];
    cells[4 * SIZE.1 + 5] = 3;
    let labels = Labels::new(cells, SIZE.0, SIZE.1).unwrap();
    let mut out = Vec::new();
    write_overlay_png(&mut out, &image, &labels).unwrap();
    let drawn = only(&out);
    assert_eq!((drawn.channels(), drawn.height(), drawn.width()), (3, SIZE.0, SIZE.1));
    let at = |y, x| [0, 1, 2].map(|channel| drawn.to_planes(channel).unwrap().as_slice()[y * SIZE.1 + x]);
    let [r, g, b] = at(4, 5);
    assert!(r != g || g != b, "the cell has a colour");
    let [r, g, b] = at(8, 8);
    assert!(r == g && g == b, "the rest is grey");

    let error = write_overlay_png(Vec::new(), &image, &Labels::zeros(3, 3)).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
    let mut broken = vec![0.0f32; 4];
    broken[2] = f32::NAN;
    let error = write_overlay_png(Vec::new(), &Image::new(broken, 1, 2, 2).unwrap(), &Labels::zeros(2, 2)).unwrap_err();
    assert!(matches!(error, Error::Image(_)), "{error}");
    let constant = Image::new(vec![5u8; 4], 1, 2, 2).unwrap();
    assert!(write_overlay_png(Vec::new(), &constant, &Labels::zeros(2, 2)).is_ok());
}

#[test]
fn overlays_of_a_stack_are_pages_of_one_contrast() {
    let plane = |value: u8| Image::new(vec![value; 6 * 6], 1, 6, 6).unwrap();
    let images = [plane(0), plane(255), plane(51)];
    let mut cells = vec![0; 3 * 36];
    cells[2 * 36..].fill(2);
    let labels = LabelVolume::new(cells, 3, 6, 6).unwrap();
    let mut file = Cursor::new(Vec::new());
    write_overlay_tiff(&mut file, &images, &labels).unwrap();
    let options = ReadOptions::pages(Pages::List);
    let pages = read_bytes(&file.into_inner(), &options).unwrap();
    let first = |page: &Image| [0, 1, 2].map(|channel| page.to_planes(channel).unwrap().as_slice()[0]);
    assert_eq!(pages.len(), 3);
    assert_eq!((first(&pages[0]), first(&pages[1])), ([0.0; 3], [255.0; 3]));
    let [r, g, b] = first(&pages[2]);
    assert!((r, g) != (g, b) && r.max(g).max(b) < 120.0, "a faint fill over dark gray: {r} {g} {b}");
    let error = write_overlay_tiff(Cursor::new(Vec::new()), &images[..2], &labels).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
}

#[test]
fn label_tiffs_carry_axes_and_pixel_size() {
    let labels = LabelVolume::new((0..24).collect(), 3, 2, 4).unwrap();
    let write = |labels: LabelView<'_>, metadata: &TiffMetadata| {
        let mut file = Cursor::new(Vec::new());
        write_labels_tiff_with(&mut file, labels, metadata).unwrap();
        file.into_inner()
    };
    let description = |file: &[u8]| {
        let mut decoder = tiff::decoder::Decoder::new(Cursor::new(file.to_vec())).unwrap();
        let mut tag = |tag| decoder.find_tag(tag).unwrap();
        let text = tag(tiff::tags::Tag::ImageDescription).map(|value| value.into_string().unwrap());
        let resolution = tag(tiff::tags::Tag::XResolution).map(|value| value.into_u32_vec().unwrap());
        (text.unwrap_or_default(), resolution.unwrap())
    };
    let plain = TiffMetadata::default();
    assert_eq!(description(&write((&labels).into(), &plain)), (String::new(), vec![1, 1]));
    let series = write(LabelView::time_series(&labels), &plain);
    assert_eq!(description(&series).0, "ImageJ=1.53q\nimages=3\nframes=3\n");
    let pixel_size = PixelSize { x: Some(0.325), y: Some(0.325), z: Some(2.0) };
    let (text, resolution) =
        description(&write((&labels).into(), &TiffMetadata { pixel_size, ..TiffMetadata::default() }));
    assert_eq!(text, "ImageJ=1.53q\nimages=3\nslices=3\nunit=um\nspacing=2\n");
    assert!((f64::from(resolution[1]) / f64::from(resolution[0]) - 0.325).abs() < 1e-9, "{resolution:?}");
    let options = ReadOptions::stack();
    assert_eq!(read_labels(&series, &options).unwrap().view().as_slice(), labels.as_slice());
}

#[test]
fn image_tiffs_carry_channel_names() {
    let image = |at: u16| Image::new((at..at + 12).collect::<Vec<_>>(), 2, 2, 3).unwrap();
    let names = |images: &[Image], names: &[&str]| {
        let channel_names = names.iter().map(ToString::to_string).collect();
        let mut file = Cursor::new(Vec::new());
        let metadata = TiffMetadata { channel_names, ..TiffMetadata::default() };
        write_images_tiff(&mut file, images, &metadata).unwrap();
        let options = ReadOptions::default();
        ImageFile::from_bytes(file.get_ref(), &options).unwrap().series()[0].channel_names().to_vec()
    };
    let stack = [image(0), image(5), image(9)];
    assert_eq!(names(&stack, &["DAPI", "größe"]), ["DAPI", "größe"]);
    assert_eq!(names(&stack[..1], &["", "GFP", "of no channel"]), ["", "GFP"]);
    assert_eq!(names(&stack, &["DAPI"]), ["DAPI", ""]);
    assert!(names(&stack, &[]).is_empty() && names(&stack, &["", ""]).is_empty());
}

#[test]
fn label_images_are_read_as_labels() {
    let options = ReadOptions::default();
    let narrow = labels(65_535);
    let mut png = Vec::new();
    write_labels_png(&mut png, &narrow).unwrap();
    let mut npy = Vec::new();
    write_labels_npy(&mut npy, &narrow).unwrap();
    for bytes in [tiff(&narrow), png, npy] {
        let found = read_labels(&bytes, &options).unwrap();
        assert_eq!((found.view().shape(), found.view().as_slice()), (vec![50, 40], narrow.as_slice()));
    }
    let volume = LabelVolume::new((0..24).collect(), 3, 2, 4).unwrap();
    let mut npy = Vec::new();
    write_labels_npy(&mut npy, &volume).unwrap();
    assert_eq!(read_labels(&npy, &options).unwrap().view().shape(), [3, 2, 4]);
    let refused = |name: &str| read_labels(&fs::read(fixture(name)).unwrap(), &options).unwrap_err().to_string();
    assert!(refused("rgb_u1.png").contains("3 channels"));
    assert!(refused("grey.jpg").contains("compression changed"));
}

fn names(folder: &std::path::Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn save_writes_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.tif");
    let fail = |out: &mut cytoshade_formats::SaveFile<'_>| {
        out.write_all(&[1; 100_000]).map_err(Error::Write)?;
        Err(Error::Output { found: "a stop".into(), expected: "none" })
    };
    assert!(matches!(save(&path, fail), Err(Error::Output { .. })));
    assert!(names(folder.path()).is_empty());

    save(&path, |out| write_labels_tiff(out, &labels(3))).unwrap();
    assert_eq!(names(folder.path()), ["cells.tif"]);
    let before = fs::read(&path).unwrap();
    assert!(save(&path, fail).is_err());
    assert!(fs::read(&path).unwrap() == before);
    save(&path, |out| write_labels_tiff(out, &labels(4))).unwrap();
    assert!(fs::read(&path).unwrap() != before);
    assert_eq!(names(folder.path()), ["cells.tif"]);
    assert!(read(&path, &ReadOptions::default()).is_ok());
}

#[test]
fn save_says_where_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path| save(path, |out| out.write_all(b"x").map_err(Error::Write));
    assert!(matches!(write(folder.path().join("missing/cells.tif")), Err(Error::Write(_))));
    assert!(matches!(write(folder.path().to_owned()), Err(Error::Write(_))));
    let path = folder.path().join("kept");
    fs::write(&path, "old").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert!(matches!(write(path.clone()), Err(Error::Write(_))));
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[cfg(unix)]
#[test]
fn save_keeps_permissions_and_refuses_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let [plain, saved, link] = ["plain", "saved", "link"].map(|name| folder.path().join(name));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    let write = |path, text: &'static [u8]| save(path, |out| out.write_all(text).map_err(Error::Write));

    fs::write(&plain, "").unwrap();
    write(&saved, b"one").unwrap();
    assert_eq!(mode(&saved), mode(&plain), "a new file is like any other");
    fs::set_permissions(&saved, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("saved", &link).unwrap();
    let error = write(&link, b"two").unwrap_err();
    assert!(error.to_string().contains("a link has this name"), "{error}");
    write(&saved, b"three").unwrap();
    assert_eq!(mode(&saved) & 0o777, 0o640);
    assert_eq!(fs::read(&link).unwrap(), b"three");
}

#[test]
fn save_new_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells_seg.npy");
    let write = || save_new(&path, |out| out.write_all(b"ours").map_err(Error::Write));
    write().unwrap();
    fs::write(&path, "corrected").unwrap();
    assert!(matches!(write(), Err(Error::Write(error)) if error.kind() == std::io::ErrorKind::AlreadyExists));
    assert_eq!(fs::read(&path).unwrap(), b"corrected");
    assert_eq!(names(folder.path()), ["cells_seg.npy"]);
}
