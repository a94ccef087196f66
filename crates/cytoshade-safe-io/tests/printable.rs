//! Names from outside become one line of bounded length.

use std::path::Path;

use cytoshade_safe_io::{printable, printable_path, quoted};
use proptest::prelude::*;

#[test]
fn what_could_change_a_terminal_or_a_sentence_is_escaped() {
    for (name, expected) in [
        (&b"conv_0.weight"[..], "conv_0.weight"),
        ("Zelle 3 é 漢".as_bytes(), "Zelle 3 é 漢"),
        (b"it's \"C:\\a\"", "it's \"C:\\a\""),
        (b"a\nb\r\0\x1b[31m\x7f", "a\\nb\\r\\0\\u{1b}[31m\\u{7f}"),
        ("\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}".as_bytes(), "\\u{202e}gpj.exe\\u{2066}\\u{200b}\\u{feff}"),
        ("e\u{301}\u{85}\u{2028}".as_bytes(), "e\\u{301}\\u{85}\\u{2028}"),
        ("“a”".as_bytes(), "\\u{201c}a\\u{201d}"),
        (b"a\xff\xc3", "a\\xff\\xc3"),
    ] {
        assert_eq!(printable(name), expected);
    }
    assert_eq!(quoted("a”b"), "“a\\u{201d}b”");
    assert_eq!(printable("x".repeat(101)), "x".repeat(100) + "…");
    assert_eq!(printable("漢".repeat(100)), "漢".repeat(100));
    assert_eq!(printable([0xff; 200]), "\\xff".repeat(100) + "…");
    assert_eq!(printable_path(Path::new("/home/x\n")), "/home/x\\n");
    assert_eq!(printable_path("é".repeat(1001)), "é".repeat(1000) + "…");
}

proptest! {
    #[test]
    fn a_name_is_one_line_of_bounded_length(name in prop::collection::vec(any::<u8>(), 0..600)) {
        let shown = printable(&name);
        prop_assert!(!shown.chars().any(|c| c.is_control() || "“”\u{202e}\u{2066}".contains(c)), "{shown}");
        prop_assert!(shown.len() <= 100 * 10 + 3);
    }
}
