//! OME-XML: images whose planes are in any order in this file and in others beside it.
//!
//! Source: the OME data model, 2016-06, and the OME-TIFF specification.

use cytoshade_safe_io::quoted;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::micrometres;
use crate::limits::check;
use crate::{Error, Limits, PixelSize};

/// One `Image` and its `Pixels`.
#[derive(Debug, Default)]
pub(super) struct OmeImage {
    pub(super) name: String,
    /// The letters of `DimensionOrder`, the fastest first, such as `XYZCT`.
    pub(super) order: String,
    pub(super) size_x: usize,
    pub(super) size_y: usize,
    pub(super) size_z: usize,
    /// In samples: an RGB page counts as three.
    pub(super) size_c: usize,
    pub(super) size_t: usize,
    pub(super) pixel_size: PixelSize,
    pub(super) channel_names: Vec<String>,
    pub(super) data: Vec<TiffData>,
}

/// Planes that are consecutive both in a file and in the image.
#[derive(Debug, Default)]
pub(super) struct TiffData {
    /// The first page.
    pub(super) ifd: Option<usize>,
    pub(super) plane_count: Option<usize>,
    pub(super) first_z: usize,
    pub(super) first_c: usize,
    pub(super) first_t: usize,
    pub(super) uuid: String,
    pub(super) file_name: String,
}

/// The contents of OME-XML.
#[derive(Debug, Default)]
pub(super) struct Ome {
    /// The `UUID` of this file.
    pub(super) uuid: String,
    pub(super) images: Vec<OmeImage>,
    /// The file with the images' descriptions, if this one has none.
    pub(super) metadata_file: Option<String>,
}

impl Ome {
    /// Parses OME-XML. Resolves only XML's predefined entities, so that none can expand.
    pub(super) fn parse(text: &str, limits: &Limits) -> Result<Result<Self, String>, Error> {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        let mut ome = Ome::default();
        let mut planes = 0;
        let mut in_uuid = false;
        let mut is_ome = false;
        // Open elements, and whether an image is one of them: annotations may contain other XML.
        let mut depth = 0usize;
        let mut in_image = false;
        loop {
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return Ok(Err(crate::error::one_line(&error))),
            };
            match event {
                Event::Start(element) => {
                    let name = element.local_name();
                    let name: &str = name.as_ref();
                    depth += 1;
                    is_ome |= name == "OME";
                    in_image |= depth == 2 && name == "Image";
                    let expected = match name {
                        "OME" => 1,
                        "BinaryOnly" | "Image" => 2,
                        "Pixels" => 3,
                        "Channel" | "TiffData" => 4,
                        _ => 5,
                    };
                    if depth != expected || depth > 2 && !in_image {
                        continue;
                    }
                    in_uuid = name == "UUID";
                    planes += u64::from(name == "TiffData");
                    check("the number of TiffData elements", planes, limits.pages, "pages")?;
                    check("the number of images", ome.images.len() as u64, limits.pages, "pages")?;
                    if let Err(error) = ome.element(name, &element) {
                        return Ok(Err(error));
                    }
                }
                Event::Text(text) if in_uuid => {
                    if let Some(data) = ome.images.last_mut().and_then(|image| image.data.last_mut()) {
                        data.uuid = shortened(text.xml10_content().trim());
                    }
                }
                Event::End(_) => {
                    in_uuid = false;
                    in_image &= depth > 2;
                    depth = depth.saturating_sub(1);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        Ok(if is_ome { Ok(ome) } else { Err("it has no OME element".into()) })
    }

    fn element(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), String> {
        match name {
            "OME" => self.uuid = attribute(element, "UUID")?.unwrap_or_default(),
            "BinaryOnly" => self.metadata_file = attribute(element, "MetadataFile")?,
            "Image" => {
                let name = attribute(element, "Name")?.unwrap_or_default();
                self.images.push(OmeImage { name, ..OmeImage::default() });
            }
            _ => {}
        }
        let Some(image) = self.images.last_mut() else { return Ok(()) };
        match name {
            "Pixels" => image.pixels(element)?,
            // At most one name per channel; an unnamed channel keeps its position.
            "Channel" if image.channel_names.len() < image.size_c => {
                image.channel_names.push(attribute(element, "Name")?.unwrap_or_default());
            }
            "TiffData" => {
                let first = |name| Ok::<_, String>(number(element, name)?.unwrap_or(0));
                let counted = number(element, "PlaneCount")?.or(number(element, "NumPlanes")?);
                image.data.push(TiffData {
                    ifd: number(element, "IFD")?,
                    plane_count: counted,
                    first_z: first("FirstZ")?,
                    first_c: first("FirstC")?,
                    first_t: first("FirstT")?,
                    ..TiffData::default()
                });
            }
            "UUID" => {
                if let Some(data) = image.data.last_mut() {
                    data.file_name = attribute(element, "FileName")?.unwrap_or_default();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl OmeImage {
    fn pixels(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let size = |name: &str| match number(element, name)? {
            Some(size) if size > 0 => Ok(size),
            found => Err(format!("{name} is {}", found.map_or("missing".into(), |size| size.to_string()))),
        };
        self.order = attribute(element, "DimensionOrder")?.unwrap_or_default();
        let mut sorted: Vec<u8> = self.order.bytes().collect();
        sorted.sort_unstable();
        if sorted != b"CTXYZ" || !self.order.starts_with("XY") {
            return Err(format!("DimensionOrder is {}", quoted(&self.order)));
        }
        (self.size_x, self.size_y) = (size("SizeX")?, size("SizeY")?);
        (self.size_z, self.size_c, self.size_t) = (size("SizeZ")?, size("SizeC")?, size("SizeT")?);
        let length = |axis: &str| {
            let length = attribute(element, &format!("PhysicalSize{axis}")).ok()??.parse::<f64>().ok()?;
            let unit = attribute(element, &format!("PhysicalSize{axis}Unit")).ok()?;
            Some(length * micrometres(unit.as_deref().unwrap_or("µm"))?)
        };
        self.pixel_size = PixelSize { x: length("X"), y: length("Y"), z: length("Z") }.checked();
        Ok(())
    }
}

/// An attribute's value, with entities and line breaks resolved.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| crate::error::one_line(&error))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return Ok(Some(shortened(&value.map_err(|error| crate::error::one_line(&error))?)));
        }
    }
    Ok(None)
}

/// A whole number.
fn number(element: &BytesStart<'_>, name: &str) -> Result<Option<usize>, String> {
    let Some(text) = attribute(element, name)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| format!("{name} is not a number: {}", quoted(text.as_bytes())))
}

/// Cuts names longer than any file system allows.
fn shortened(text: &str) -> String {
    const MOST: usize = 255;
    text.char_indices().nth(MOST).map_or(text, |(end, _)| text.get(..end).unwrap_or_default()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Ome, String> {
        Ome::parse(text, &Limits::default()).unwrap()
    }

    #[test]
    fn every_image_and_its_planes() {
        let ome = parse(
            "<?xml version=\"1.0\"?><a:OME xmlns:a=\"b\" UUID=\"urn:uuid:1\"><a:Image ID=\"0\" Name=\"A &amp; B&#x21;\"><a:Pixels\n \
             DimensionOrder='XYZCT'\n\tSizeX=\"9\" SizeY=\"8\" SizeZ=\"3\" SizeC=\"2\" SizeT=\"1\" PhysicalSizeX=\"250\" \
             PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"0.5\"><a:Channel Name=\"DAPI\"/><a:Channel/><a:TiffData IFD=\"2\" FirstC=\"1\" \
             PlaneCount=\"3\"><a:UUID FileName=\"c1.ome.tif\">urn:uuid:2</a:UUID></a:TiffData></a:Pixels></a:Image>\
             <a:Image><a:Pixels DimensionOrder=\"XYCZT\" SizeX=\"9\" SizeY=\"8\" SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\"/></a:Image>\
             <a:StructuredAnnotations><XMLAnnotation><Image/><Value><Image><Pixels/><x><TiffData IFD=\"5\"/></x></Image></Value>\
             </XMLAnnotation></a:StructuredAnnotations></a:OME>",
        )
        .unwrap();
        assert_eq!((ome.uuid.as_str(), ome.images.len()), ("urn:uuid:1", 2));
        let image = &ome.images[0];
        assert_eq!((image.name.as_str(), image.order.as_str()), ("A & B!", "XYZCT"));
        assert_eq!((image.size_z, image.size_c, image.channel_names.join("|").as_str()), (3, 2, "DAPI|"));
        assert_eq!(image.pixel_size, PixelSize { x: Some(0.25), y: Some(0.5), z: None });
        let data = &image.data[0];
        assert_eq!((data.ifd, data.plane_count, data.first_c), (Some(2), Some(3), 1));
        assert_eq!((data.file_name.as_str(), data.uuid.as_str()), ("c1.ome.tif", "urn:uuid:2"));
        assert!(ome.images[1].data.is_empty());
    }

    #[test]
    fn broken_texts_are_told() {
        let pixels = |sizes: &str| {
            format!("<OME><Image><Pixels DimensionOrder=\"XYCZT\" SizeX=\"9\" SizeY=\"9\" {sizes}/></Image></OME>")
        };
        assert!(parse(&pixels("SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\"")).is_ok());
        for wrong in [
            pixels("SizeZ=\"1\" SizeC=\"1\""),
            pixels("SizeZ=\"0\" SizeC=\"1\" SizeT=\"1\""),
            pixels("SizeZ=\"99999999999999999999\" SizeC=\"1\" SizeT=\"1\""),
            pixels("SizeZ=\"-1\" SizeC=\"1\" SizeT=\"1\""),
            pixels("SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\"").replace("XYCZT", "XYCCT"),
            "<OME><Image></OME>".into(),
            "<xml/>".into(),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn entities_do_not_grow() {
        let bomb =
            "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><OME><Image Name=\"&c;\"/></OME>";
        assert!(parse(bomb).is_err());
        let sizes = "SizeX=\"9\" SizeY=\"9\" SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\"";
        let data = "<TiffData/>".repeat(20_000);
        let many = format!("<OME><Image><Pixels DimensionOrder=\"XYCZT\" {sizes}>{data}</Pixels></Image></OME>");
        assert!(matches!(Ome::parse(&many, &Limits::default()), Err(Error::Limit { field: "pages", .. })));
    }
}
