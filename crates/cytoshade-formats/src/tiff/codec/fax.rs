//! CCITT fax: modified Huffman, group 3 and group 4.
//!
//! Source: TIFF 6.0 (Adobe, 1992), section 10 and 11.

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

use super::super::page::Page;

/// At most `expected` bytes of packed bits, 1 for black; fewer if the data end early.
pub(super) fn decode(page: &Page, kind: u64, stored: &[u8], expected: usize) -> Result<Vec<u8>, String> {
    if page.kind.sample_type.bits != 1 || page.interleaved() != 1 {
        return Err("fax holds one bit a pixel".into());
    }
    let row_bytes = (page.chunk_width as usize).div_ceil(8);
    let settings = DecodeSettings {
        columns: u32::try_from(page.chunk_width).map_err(|_| "it is too wide")?,
        rows: u32::try_from(expected / row_bytes.max(1)).map_err(|_| "it is too high")?,
        end_of_block: kind != 2,
        end_of_line: kind == 3,
        rows_are_byte_aligned: kind == 2,
        encoding: match kind {
            4 => EncodingMode::Group4,
            3 if page.fax_options & 1 == 1 => EncodingMode::Group3_2D,
            _ => EncodingMode::Group3_1D,
        },
        strict: false,
    };
    let mut rows = Rows { bytes: Vec::new(), row_bytes, expected, columns: settings.columns };
    let result = hayro_ccitt::decode(stored, &mut rows, &mut DecoderContext::new(settings));
    match result {
        Err(error) if rows.bytes.len() < expected => Err(error.to_string()),
        _ => Ok(rows.bytes),
    }
}

/// Packs the rows.
struct Rows {
    bytes: Vec<u8>,
    row_bytes: usize,
    expected: usize,
    columns: u32,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        let start = self.bytes.len();
        if start + self.row_bytes > self.expected {
            return;
        }
        self.bytes.resize(start + self.row_bytes, 0);
        let row = self.bytes.get_mut(start..).unwrap_or_default();
        for run in changes.chunks(2) {
            // A run without an end extends to the end of the row.
            let [from, to] = *run else {
                let from = run.first().copied().unwrap_or(self.columns);
                blacken(row, from, self.columns);
                continue;
            };
            blacken(row, from, to.min(self.columns));
        }
    }
}

fn blacken(row: &mut [u8], from: u32, to: u32) {
    let mut x = from;
    while x < to {
        let byte = row.get_mut(x as usize / 8);
        if x.is_multiple_of(8) && x + 8 <= to {
            byte.into_iter().for_each(|byte| *byte = 0xff);
            x += 8;
        } else {
            byte.into_iter().for_each(|byte| *byte |= 0x80 >> (x % 8));
            x += 1;
        }
    }
}
