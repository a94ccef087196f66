//! Plain data, written and read again.

use cytoshade_pickle::numpy::{self, Array, Data, Dtype, Kind};
use cytoshade_pickle::{Error, Input, Limits, PATHS, Plain, read, write_npy};
use proptest::prelude::*;

/// Where the pickle begins in a file of one object.
const HEADER: usize = 128;

/// The object in a file that `write_npy` wrote.
fn object<'a>(file: &'a [u8], limits: &Limits) -> Result<Plain<'a>, Error> {
    let pickle = read(&mut Input::new(&file[HEADER..], "the pickle"), &[numpy::GLOBALS, PATHS], limits)?;
    let only = Array::read(&pickle, pickle.root(), limits)?.only_object()?;
    Plain::read(&pickle, only, limits)
}

fn written(value: &Plain<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    write_npy(&mut file, value).unwrap();
    file
}

/// What `look` sees of a pickle's own object, in an array of one.
fn plain<T>(program: &[u8], look: impl FnOnce(Result<Plain<'_>, Error>) -> T) -> T {
    let array = b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR\
        (K\x01)cnumpy\ndtype\n(U\x02O8\x89\x88tR\x89](";
    let bytes = [&[0; HEADER][..], array, program, b"etb."].concat();
    look(object(&bytes, &Limits::default()))
}

fn values() -> impl Strategy<Value = Plain<'static>> {
    let leaf = prop_oneof![
        Just(Plain::None),
        any::<bool>().prop_map(Plain::Bool),
        any::<i128>().prop_map(Plain::Int),
        any::<i8>().prop_map(|value| Plain::Int(value.into())),
        (-1e300f64..1e300).prop_map(Plain::Float),
        ".{0,300}".prop_map(|text| Plain::Text(text.into())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Plain::Bytes(bytes.into())),
        (0usize..4, 0usize..4, any::<bool>(), any::<bool>()).prop_map(|(height, width, fortran, big_endian)| {
            let dtype = Dtype { big_endian, ..Dtype::little_endian(Kind::Float, 8) };
            let bytes: Vec<u8> = (0..height * width * 8).map(|at| at as u8).collect();
            Plain::Array(Array::new(vec![height, width], dtype, fortran, Data::Bytes(bytes.into())).unwrap())
        }),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            many.clone().prop_map(Plain::Tuple),
            many.clone().prop_map(Plain::List),
            prop::collection::vec((inner.clone(), inner), 0..6).prop_map(Plain::Dict),
            many.prop_map(|items| {
                let dtype = Dtype::little_endian(Kind::Object, 0);
                Plain::Array(Array::new(vec![items.len()], dtype, false, Data::Objects(items)).unwrap())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in values()) {
        let file = written(&value);
        prop_assert_eq!(object(&file, &Limits::default()).unwrap(), value);
    }
}

#[test]
fn bytes_in_every_spelling() {
    let expected = || Plain::Bytes(vec![0, 200].into());
    for program in [
        &b"C\x02\0\xc8"[..],
        b"B\x02\0\0\0\0\xc8",
        b"\x8e\x02\0\0\0\0\0\0\0\0\xc8",
        b"\x96\x02\0\0\0\0\0\0\0\0\xc8",
        b"c_codecs\nencode\n(X\x03\0\0\0\0\xc3\x88X\x06\0\0\0latin1tR",
    ] {
        plain(program, |found| assert_eq!(found.unwrap(), expected(), "{program:?}"));
    }
    plain(b"c__builtin__\nbytes\n)R", |found| assert_eq!(found.unwrap(), Plain::Bytes(vec![].into())));
    // A character that is no byte.
    assert!(plain(b"c_codecs\nencode\n(X\x03\0\0\0\xe2\x82\xacX\x06\0\0\0latin1tR", |found| found.is_err()));
}

#[test]
fn paths_become_text() {
    let path = |program: &[u8]| plain(program, |found| found.unwrap().as_text().unwrap().into_owned());
    assert_eq!(path(b"cpathlib\nPosixPath\n(U\x01/U\x01aU\x05b.tiftR"), "/a/b.tif");
    assert_eq!(path(b"cpathlib._local\nWindowsPath\n(U\x03C:\\U\x01atR"), "C:\\a");
    assert_eq!(path(b"cpathlib\nPurePosixPath\n)R"), "");
}

#[test]
fn a_later_key_counts_and_numbers_are_found() {
    plain(b"}(U\x01aK\x01U\x01aK\x02u", |dict| {
        let dict = dict.unwrap();
        assert_eq!(dict.get("a").and_then(Plain::as_number), Some(2.0));
        assert_eq!((dict.get("b"), Plain::None.get("a")), (None, None));
    });
    assert_eq!(Plain::Bool(true).as_number(), Some(1.0));
    assert_eq!(Plain::Text("1".into()).as_number(), None);
}

#[test]
fn limits_hold_for_trees() {
    let list = (0..100).fold(Plain::None, |inner, _| Plain::List(vec![inner]));
    let file = written(&list);
    let refused = |limits: &Limits| match object(&file, limits) {
        Err(Error::Limit { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&Limits::default()), "nesting");
    assert_eq!(refused(&Limits { nesting: 200, memory_bytes: 1000, ..Limits::default() }), "memory_bytes");
    assert_eq!(object(&file, &Limits { nesting: 200, ..Limits::default() }).unwrap(), list);
}

#[test]
fn an_array_has_the_length_of_its_shape() {
    let dtype = Dtype::little_endian(Kind::Uint, 2);
    let array = |shape: &[usize], bytes: usize| {
        Array::<Plain<'_>>::new(shape.to_vec(), dtype, false, Data::Bytes(vec![0; bytes].into()))
    };
    assert!(array(&[2, 3], 12).is_ok() && array(&[], 2).is_ok() && array(&[0, 9], 0).is_ok());
    assert!(array(&[2, 3], 11).is_err() && array(&[], 0).is_err() && array(&[usize::MAX, 4], 0).is_err());
    assert!(Array::<Plain<'_>>::new(vec![0], dtype, false, Data::Objects(Vec::new())).is_err());
}
