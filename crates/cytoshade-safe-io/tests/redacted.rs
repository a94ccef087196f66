//! What a message loses, and what it keeps.

use std::io::{Error, ErrorKind};

use cytoshade_safe_io::Redacted;
use proptest::prelude::*;

#[test]
fn paths_go_and_the_sentence_stays() {
    for (message, expected) in [
        ("the file ends early", "the file ends early"),
        ("cannot read /home/alice/secret/model.pth: no such file", "cannot read […]: no such file"),
        ("cannot read C:\\Users\\alice\\model.pth, try again", "cannot read […], try again"),
        ("denied at path \"/home/alice/my secret/.tmpA\"", "denied at path […]"),
        ("record \"my model/data.pkl\" comes twice", "record […] comes twice"),
        ("/home/alice and then /home/bob are gone", "[…] are gone"),
        ("/", "[…]"),
        ("a (see ../b.pth).", "a (see […])."),
        ("fetch https://models.example/alice?key=1 failed", "fetch […] failed"),
    ] {
        assert_eq!(Redacted::new(message).to_string(), expected);
    }
}

#[test]
fn only_the_systems_own_words_are_taken() {
    let own = Redacted::io(&Error::from_raw_os_error(2)).to_string();
    assert!(own.contains("(os error 2)"), "{own}");
    let made_up = Error::new(ErrorKind::PermissionDenied, "secret.pth is not yours");
    assert_eq!(Redacted::io(&made_up).to_string(), "permission denied");
    // What a library adds the path to, as `tempfile` does.
    let folder = tempfile::tempdir().unwrap();
    let error = tempfile::NamedTempFile::new_in(folder.path().join("secret")).unwrap_err();
    assert!(error.to_string().contains("secret"), "{error}");
    assert!(!Redacted::io(&error).to_string().contains("secret"));
}

proptest! {
    #[test]
    fn no_separator_is_left(message in "[ -~é/\\\\\"]{0,80}") {
        let left = Redacted::new(&message).to_string();
        prop_assert!(!left.contains(['/', '\\']), "{left}");
    }

    #[test]
    fn no_part_of_a_path_is_left(before in "[a-z ]{0,9}", path in "(/[a-zA-Z0-9._-]{3,9}){2,5}", after in "[:;,.]?( [a-z ]{0,9})?") {
        let left = Redacted::new(format!("{before} {path}{after}")).to_string();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            prop_assert!(!left.contains(part) || before.contains(part) || after.contains(part), "{left}");
        }
    }
}
