//! PBM, PGM, PPM and PAM, text and binary.
//!
//! The reader is our own: the formats are a few numbers, then the samples.
//!
//! Source: the manual pages of Netpbm.

use super::{Allowed, Picture, unsigned};
use crate::limits::zeros;
use crate::sample::swap;
use crate::{Error, Format, Warning};

/// Decodes the first image of a file.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let kind = bytes.get(1).copied().unwrap_or(0);
    let mut reader = Reader { bytes, at: 2 };
    let Header { width, height, channels, most } = if kind == b'7' { reader.pam()? } else { reader.header(kind)? };
    let bits = if most > 255 { 16 } else { 8 };
    allowed.check(Format::Pnm, width, height, channels.saturating_mul(bits / 8))?;
    let samples = usize::try_from(width * height * channels).map_err(|_| damaged("it is too large to be addressed"))?;
    let is_text = kind <= b'3';
    if !is_text {
        // One whitespace byte, then the samples.
        reader.at += 1;
    }
    let pixels = match (kind, is_text) {
        (b'4', _) => reader.packed(width as usize, height as usize)?,
        (b'1', _) => reader.bits(samples)?,
        (_, true) => reader.text(samples, most, bits)?,
        _ => reader.samples(samples, bits)?,
    };
    let mut warnings = Vec::new();
    if !is_text && reader.bytes.get(reader.at..).is_some_and(|rest| rest.first() == Some(&b'P')) {
        warnings.push(Warning::FirstPicture { pictures: 0 });
    }
    Ok(Picture {
        width: width as usize,
        height: height as usize,
        channels: channels as usize,
        sample_type: unsigned(bits as usize),
        pixels,
        warnings,
    })
}

struct Header {
    width: u64,
    height: u64,
    channels: u64,
    most: u64,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn header(&mut self, kind: u8) -> Result<Header, Error> {
        let (width, height) = (self.number()?, self.number()?);
        let most = if matches!(kind, b'1' | b'4') { 1 } else { self.number()? };
        if !(1..=65_535).contains(&most) {
            return Err(damaged(format!("its largest sample is {most}, expected 1 to 65535")));
        }
        let channels = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
        Ok(Header { width, height, channels, most })
    }

    /// PAM's header: lines with a word and a value, up to `ENDHDR`.
    fn pam(&mut self) -> Result<Header, Error> {
        let mut header = Header { width: 0, height: 0, channels: 0, most: 0 };
        loop {
            self.skip_blanks();
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let length =
                rest.iter().position(u8::is_ascii_whitespace).ok_or_else(|| damaged("its header has no end"))?;
            let word = rest.get(..length).unwrap_or_default();
            self.at += length;
            match word {
                b"ENDHDR" => break,
                b"WIDTH" => header.width = self.number()?,
                b"HEIGHT" => header.height = self.number()?,
                b"DEPTH" => header.channels = self.number()?,
                b"MAXVAL" => header.most = self.number()?,
                b"TUPLTYPE" => {
                    let line = self.bytes.get(self.at..).unwrap_or_default().iter().position(|byte| *byte == b'\n');
                    self.at += line.unwrap_or(0);
                }
                _ => return Err(damaged("its header has an unknown word")),
            }
        }
        let Header { channels, most, .. } = header;
        if !(1..=65_535).contains(&most) || !(1..=65_535).contains(&channels) {
            return Err(damaged(format!("it states {channels} channels of samples up to {most}, expected 1 to 65535")));
        }
        Ok(header)
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            if *byte == b'#' {
                let line = self.bytes.get(self.at..).unwrap_or_default().iter().position(|byte| *byte == b'\n');
                self.at = line.map_or(self.bytes.len(), |line| self.at + line);
            } else if byte.is_ascii_whitespace() {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn number(&mut self) -> Result<u64, Error> {
        self.skip_blanks();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let text = rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = text.and_then(|text| text.parse::<u32>().ok());
        self.at += digits;
        number.map(u64::from).ok_or_else(|| damaged(format!("byte {} is not a digit", self.at)))
    }

    fn text(&mut self, count: usize, most: u64, bits: u64) -> Result<Vec<u8>, Error> {
        // A sample takes a digit and a space.
        self.check(count.saturating_mul(2).saturating_sub(1))?;
        let mut pixels = Vec::new();
        for _ in 0..count {
            let sample = self.number()?;
            if sample > most {
                return Err(damaged(format!("it has a sample of {sample}, expected at most {most}")));
            }
            if bits == 8 {
                pixels.push(sample as u8);
            } else {
                pixels.extend((sample as u16).to_ne_bytes());
            }
        }
        Ok(pixels)
    }

    /// Bits as digits: 1 is black. Black becomes 0 and white 255, as in other programs.
    fn bits(&mut self, count: usize) -> Result<Vec<u8>, Error> {
        self.check(count)?;
        let mut pixels = Vec::new();
        for _ in 0..count {
            self.skip_blanks();
            pixels.push(match self.bytes.get(self.at) {
                Some(b'0') => 255,
                Some(b'1') => 0,
                _ => return Err(damaged(format!("byte {} is not 0 or 1", self.at))),
            });
            self.at += 1;
        }
        Ok(pixels)
    }

    fn packed(&mut self, width: usize, height: usize) -> Result<Vec<u8>, Error> {
        let row = width.div_ceil(8);
        self.check(row.saturating_mul(height))?;
        let mut pixels = zeros(width * height)?;
        let rows = self.bytes.get(self.at..).unwrap_or_default().chunks_exact(row.max(1));
        for (out, row) in pixels.chunks_exact_mut(width.max(1)).zip(rows) {
            for (x, out) in out.iter_mut().enumerate() {
                let byte = row.get(x / 8).copied().unwrap_or(0);
                *out = if byte >> (7 - x % 8) & 1 == 1 { 0 } else { 255 };
            }
        }
        self.at += row * height;
        Ok(pixels)
    }

    fn samples(&mut self, count: usize, bits: u64) -> Result<Vec<u8>, Error> {
        let bytes = count.saturating_mul(bits as usize / 8);
        self.check(bytes)?;
        let mut pixels = self.bytes.get(self.at..self.at + bytes).unwrap_or_default().to_vec();
        self.at += bytes;
        if cfg!(target_endian = "little") {
            swap(&mut pixels, bits as usize / 8);
        }
        Ok(pixels)
    }

    fn check(&self, needed: usize) -> Result<(), Error> {
        let left = self.bytes.len().saturating_sub(self.at);
        if needed <= left {
            Ok(())
        } else {
            Err(damaged(format!("it has {left} bytes of samples, not enough for {needed}")))
        }
    }
}

fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(Format::Pnm, what)
}
