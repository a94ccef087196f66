//! The header `Content-Range`.

/// The part of a file in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte.
    pub(crate) from: u64,
    /// The last byte.
    pub(crate) to: u64,
    /// The size of the whole file, if the server states it.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// Parses `bytes FROM-TO/TOTAL`, where `TOTAL` may be `*`. `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (from, to) = range.split_once('-')?;
        let (from, to) = (number(from)?, number(to)?);
        let total = if total == "*" { None } else { Some(number(total)?) };
        let is_whole = from <= to && total.is_none_or(|total| to < total);
        is_whole.then_some(Self { from, to, total })
    }

    /// Bytes of the part.
    pub(crate) fn bytes(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }
}

/// A number of digits only: `str::parse` also accepts a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written_and_not_otherwise() {
        let range = |from, to, total| Some(ContentRange { from, to, total });
        assert_eq!(ContentRange::parse("bytes 0-0/1"), range(0, 0, Some(1)));
        assert_eq!(ContentRange::parse("bytes 100-299/300"), range(100, 299, Some(300)));
        assert_eq!(ContentRange::parse("bytes 100-299/*").map(ContentRange::bytes), Some(200));
        assert_eq!(ContentRange::parse(&format!("bytes 0-{}/*", u64::MAX)).map(ContentRange::bytes), Some(u64::MAX));
        for wrong in [
            "",
            "bytes",
            "bytes 1-0/2",
            "bytes 0-1/1",
            "bytes 0-1",
            "bytes -1/2",
            "bytes 0-/2",
            "bytes +0-1/2",
            "bytes 0-1/-2",
            "bytes 0-1/2/3",
            "bytes  0-1/2",
            "bytes 0-1/2 ",
            "items 0-1/2",
            "bytes */2",
            "bytes 0-18446744073709551616/*",
        ] {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
        }
    }
}
