//! Redaction: secrets leave a message, and its own words stay.

use std::io::{Error, ErrorKind};

use cytoshade_safe_io::{Redacted, quoted};
use proptest::prelude::*;

#[test]
fn paths_go_and_the_sentence_stays() {
    for (message, expected) in [
        ("the file ends early", "the file ends early"),
        (
            "the shape is [2, 3] x 0.25, expected f32 (SHA-256, os error 2)",
            "the shape is [2, 3] x 0.25, expected f32 (SHA-256, os error 2)",
        ),
        ("cannot read /home/alice/secret/model.pth: no such file", "cannot read […]"),
        ("cannot read C:\\Users\\alice\\model.pth, try again", "cannot read […]"),
        ("cannot read \\\\server\\share x\\model.pth, try again", "cannot read […]"),
        ("denied at path \"/home/alice/my secret/.tmpA\"", "denied at path […]"),
        ("denied at 'my secret/.tmpA'", "denied at […]"),
        ("/", "[…]"),
        ("a (see ../b.pth).", "a (see […]"),
        ("cells\u{2009}of\u{2003}a/b.tif", "cells\u{2009}of\u{2003}[…]"),
        ("fetch https://models.example/alice?key=1 failed", "fetch […]"),
        ("the zip record “my model/data.pkl” comes twice", "the zip record […] comes twice"),
        ("the zip record “my model", "the zip record […]"),
        ("image patient_042.tif is damaged", "image […] is damaged"),
        ("sent Authorization: Bearer abcdef twice", "sent Authorization: Bearer […] twice"),
        ("see ?signature=abc&x=1 there", "see ?[…] there"),
        ("token dGhpcyBpcyBhIHNlY3JldA== ends", "token […] ends"),
        ("it is aGVsbG8gd29ybGQsIHRoaXM1 ends", "it is […] ends"),
        ("it is 0123456789abcdef0123456789abcdef ends", "it is […] ends"),
    ] {
        assert_eq!(Redacted::new(message).to_string(), expected);
    }
}

#[test]
fn own_words_are_taken_as_they_are() {
    let message =
        "the SHA-256 is 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; raise `Limits::pages`";
    assert_eq!(Redacted::own(message).to_string(), message);
    assert!(!Redacted::new(message).to_string().contains("abcdef"));
}

#[test]
fn only_the_description_of_the_system_is_taken() {
    let own = Redacted::io(&Error::from_raw_os_error(2)).to_string();
    assert!(own.contains("(os error 2)"), "{own}");
    let made_up = Error::new(ErrorKind::PermissionDenied, "secret.pth is not yours");
    assert_eq!(Redacted::io(&made_up).to_string(), "permission denied");
    // A library adds the path, as `tempfile` does.
    let folder = tempfile::tempdir().unwrap();
    let error = tempfile::NamedTempFile::new_in(folder.path().join("secret")).unwrap_err();
    assert!(error.to_string().contains("secret"), "{error}");
    assert!(!Redacted::io(&error).to_string().contains("secret"));
}

/// Letters that no sentence of the tests holds, so that a part of a secret that is left is recognised.
const SECRET: &str = "[qxz]{3,9}";

fn secrets() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(SECRET, 1..4);
    prop_oneof![
        // Paths with spaces: Unix, Windows, UNC, relative; and names of images.
        words.clone().prop_map(|words| format!("/home/{}/m.pth", words.join(" x/"))),
        words.clone().prop_map(|words| format!("C:\\Users\\{}.tif", words.join(" "))),
        words.clone().prop_map(|words| format!("\\\\server\\{}", words.join(" "))),
        words.clone().prop_map(|words| format!("{}.ome.tif", words.join("_"))),
        // Addresses, queries, headers, tokens.
        words.clone().prop_map(|words| format!("https://models.example/?key={}", words.join("&"))),
        words.clone().prop_map(|words| format!("?sig={}", words.join("%20"))),
        SECRET.prop_map(|word| format!("Bearer {word}")),
        "[qxz0-9]{4}[0-9a-f]{28}[qxz]{3}",
        "[qxz]{3}[A-Za-z0-9+/]{40}==",
    ]
}

fn holds_secret(text: &str) -> bool {
    text.chars().collect::<Vec<_>>().windows(3).any(|three| three.iter().all(|c| "qxz".contains(*c)))
}

proptest! {
    #[test]
    fn no_separator_is_left(message in "[ -~é/\\\\\"“”]{0,80}") {
        let left = Redacted::new(&message).to_string();
        prop_assert!(!left.contains(['/', '\\']), "{left}");
        prop_assert_eq!(Redacted::new(&left).to_string(), left, "redacting twice changes nothing");
    }

    #[test]
    fn no_part_of_a_secret_is_left(before in "[a-p ]{0,9}", secret in secrets(), after in "[:;,.]?( [a-p ]{0,9})?") {
        let left = Redacted::new(format!("{before} {secret}{after}")).to_string();
        prop_assert!(!holds_secret(&left), "{left}");
    }

    #[test]
    fn nothing_of_a_quoted_name_is_left(before in "[a-p ]{0,9}", name in "[qxz“” /\\\\.a-z\n]{0,40}", after in "[a-p ]{0,9}") {
        let message = format!("{before}{}{after}", quoted(&name));
        prop_assert_eq!(Redacted::new(message).to_string(), format!("{before}[…]{after}"));
    }
}
