//! Names from outside, and messages that hold them.
#![no_main]

use cytoshade_safe_io::{Redacted, printable, quoted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let shown = printable(bytes);
    assert!(
        shown.len() <= 1003 && !shown.chars().any(|c| c.is_control() || "\u{202e}\u{2066}“”".contains(c)),
        "{shown}"
    );
    assert_eq!(Redacted::new(format!("the tensor {} ends", quoted(bytes))).to_string(), "the tensor […] ends");
    let left = Redacted::new(String::from_utf8_lossy(bytes)).to_string();
    assert!(!left.contains(['/', '\\', '“']), "{left}");
    assert_eq!(Redacted::new(&left).to_string(), left);
});
