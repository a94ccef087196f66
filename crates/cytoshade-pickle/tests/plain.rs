//! Plain data, written and read again.

use cytoshade_pickle::numpy::{self, Array, Data, Dtype, Kind};
use cytoshade_pickle::{
    CONTAINERS, CostLimits, Error, Input, Meter, NAMESPACES, Others, PATHS, Plain, ValueLimits, read, write_npy,
};
use proptest::prelude::*;

/// Where the pickle begins in a file of one object.
const HEADER: usize = 128;

/// A meter of a small file.
fn meter() -> Meter {
    CostLimits::default().meter(0)
}

/// The object in a file that `write_npy` wrote.
fn object<'a>(file: &'a [u8], limits: &ValueLimits, meter: &mut Meter) -> Result<Plain<'a>, Error> {
    let allowed: &[&'static [_]] = &[numpy::GLOBALS, PATHS, CONTAINERS, NAMESPACES];
    let pickle = read(&mut Input::new(&file[HEADER..], "the pickle"), (allowed, Others::KeepOpaque), limits, meter)?;
    let only = Array::read(&pickle, pickle.root(), meter)?.only_object()?;
    Plain::read(&pickle, only, meter)
}

fn written(value: &Plain<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    write_npy(&mut file, value).unwrap();
    file
}

/// Calls `look` with the value that a program makes, in an array of one object.
fn plain<T>(program: &[u8], look: impl FnOnce(Result<Plain<'_>, Error>) -> T) -> T {
    plain_metered(program, |found, _| look(found))
}

/// As [`plain`], with the meter that it was read on.
fn plain_metered<T>(program: &[u8], look: impl FnOnce(Result<Plain<'_>, Error>, &Meter) -> T) -> T {
    let array = b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR\
        (K\x01)cnumpy\ndtype\n(U\x02O8\x89\x88tR\x89](";
    let bytes = [&[0; HEADER][..], array, program, b"etb."].concat();
    let mut meter = meter();
    let found = object(&bytes, &ValueLimits::default(), &mut meter);
    look(found, &meter)
}

fn values() -> impl Strategy<Value = Plain<'static>> {
    let leaf = prop_oneof![
        Just(Plain::None),
        any::<bool>().prop_map(Plain::Bool),
        any::<i128>().prop_map(Plain::Int),
        any::<i8>().prop_map(|value| Plain::Int(value.into())),
        (-1e300f64..1e300).prop_map(Plain::Float),
        (-1e300f64..1e300, -1f64..1.0).prop_map(|(real, imaginary)| Plain::Complex(real, imaginary)),
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
            many.clone().prop_map(Plain::Set),
            many.clone().prop_map(Plain::FrozenSet),
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
        prop_assert_eq!(object(&file, &ValueLimits::default(), &mut meter()).unwrap(), value);
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
    plain(b"c_codecs\nencode\n(X\x03\0\0\0\xe2\x82\xacX\x06\0\0\0latin1tR", |found| {
        assert_eq!(found.unwrap(), Plain::Opaque("a value of “_codecs.encode”".into()));
    });
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
    let refused = |limits: &ValueLimits, mut meter: Meter| match object(&file, limits, &mut meter) {
        Err(Error::Limit { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let deep = || ValueLimits { nesting: 200, ..ValueLimits::default() };
    assert_eq!(refused(&ValueLimits::default(), meter()), "values.nesting");
    assert_eq!(
        refused(&deep(), CostLimits { memory_bytes: 1000, ..CostLimits::default() }.meter(0)),
        "cost.memory_bytes"
    );
    assert_eq!(refused(&deep(), CostLimits { steps: 300, ..CostLimits::default() }.meter(0)), "cost.steps");
    assert_eq!(object(&file, &deep(), &mut meter()).unwrap(), list);
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

/// Opcodes of a text.
fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

#[test]
fn containers_in_every_spelling() {
    let items = || vec![Plain::Int(1), Plain::Int(2)];
    let pair = || Plain::Dict(vec![(Plain::Text("a".into()), Plain::Int(1))]);
    for (program, expected) in [
        (&b"\x8f(K\x01K\x02\x90"[..], Plain::Set(items())),
        (b"(K\x01K\x02\x91", Plain::FrozenSet(items())),
        (b"cbuiltins\nset\n](K\x01K\x02e\x85R", Plain::Set(items())),
        (b"c__builtin__\nfrozenset\n(](K\x01K\x02etR", Plain::FrozenSet(items())),
        (b"c__builtin__\nset\n)R", Plain::Set(Vec::new())),
        (b"c__builtin__\ncomplex\nG\x3f\xf0\0\0\0\0\0\0G\xbf\xf0\0\0\0\0\0\0\x86R", Plain::Complex(1.0, -1.0)),
        (b"ccollections\nOrderedDict\n)R(U\x01aK\x01u", pair()),
        (b"ccollections\nOrderedDict\n](](U\x01aK\x01ee\x85R", pair()),
        (b"ccollections\ndefaultdict\ncbuiltins\nint\n\x85R(U\x01aK\x01u", pair()),
        (b"cargparse\nNamespace\n)\x81}(U\x01aK\x01ub", pair()),
        (b"ctypes\nSimpleNamespace\n)R}(U\x01aK\x01ub", pair()),
        (b"ctypes\nSimpleNamespace\n)R", Plain::Dict(Vec::new())),
    ] {
        plain(program, |found| assert_eq!(found.unwrap(), expected, "{:?}", String::from_utf8_lossy(program)));
    }
}

#[test]
fn values_that_are_no_plain_data_are_described_and_the_others_are_read() {
    let dtype = |name: &str| [&b"cnumpy\ndtype\n"[..], &text(name), b"K\0K\x01\x87R"].concat();
    let scalar =
        |name: &str| [&b"cnumpy.core.multiarray\nscalar\n"[..], &dtype(name), b"C\x08\0\0\0\0\0\0\0\0\x86R"].concat();
    let array_of = |class: &str, name: &str, data: &[u8]| {
        let class = format!("c{class}\n(K\0tC\x01btR(K\x01(K\x01t");
        let head = [&b"cnumpy.core.multiarray\n_reconstruct\n("[..], class.as_bytes()].concat();
        [&head[..], &dtype(name), b"\x89", data, b"tb"].concat()
    };
    let array = |name: &str, data: &[u8]| array_of("numpy\nndarray", name, data);
    let large = [&b"\x8a\x11"[..], &[1; 17]].concat();
    for (program, expected) in [
        (&b"cbuiltins\nslice\nK\x01K\x02N\x87R"[..], "a value of “builtins.slice”"),
        (b"cmy lab\nCell\x1b\n)\x81}(U\x01aK\x01ub", "a value of “my lab.Cell\\u{1b}”"),
        (b"cmy\nCell\n)}\x92", "a value of “my.Cell”"),
        (b"cmy\nmaker\n)RK\x01\x85R", "a value of “my.maker”"),
        // Items that a class's own list, dictionary or set would get.
        (b"cmy\nList\n)R(K\x01K\x02e", "a value of “my.List”"),
        (b"cmy\nDict\n)RK\x01K\x02s", "a value of “my.Dict”"),
        (b"cmy\nSet\n)R(K\x01\x90", "a value of “my.Set”"),
        (b"cnumpy\nndarray\n", "the name “numpy.ndarray”"),
        (b"U\x03keyQ", "a reference to an object outside the file"),
        (&large, "an int of 17 bytes"),
        (&scalar("M8"), "a scalar of type “=M8”"),
        (&array("V8", b"C\x08\0\0\0\0\0\0\0\0"), "an array of type “=V8”"),
        (&array("g16", b"C\x01\0"), "an array of type “=g16”"),
        // A subclass of ndarray with numpy's own state is an array; with another state it is not.
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(castropy\nQuantity\n(K\0tC\x01btRK\x01K\x02\x86b",
            "a value of “astropy.Quantity”",
        ),
    ] {
        plain(program, |found| assert_eq!(found.unwrap(), Plain::Opaque(expected.into())));
        let dict = [&b"}(U\x01aK\x01U\x01b]"[..], program, b"aU\x01cK\x03u"].concat();
        plain(&dict, |found| {
            let found = found.unwrap();
            assert_eq!((found.get("a"), found.get("c")), (Some(&Plain::Int(1)), Some(&Plain::Int(3))));
            assert_eq!(found.opaque(10), [("b[0]".to_string(), expected)]);
            // What is written again holds the others.
            let again = written(&found);
            let again = object(&again, &ValueLimits::default(), &mut meter()).unwrap();
            assert_eq!(again.get("b"), Some(&Plain::List(vec![Plain::None])));
        });
    }
    let memmap = array_of("numpy\nmemmap", "u1", b"C\x01\x07");
    plain(&memmap, |found| assert_eq!(found.unwrap().as_number(), Some(7.0)));
}

#[test]
fn names_that_serve_attacks_alone_end_the_reading() {
    for program in [
        &b"cos\nsystem\n(U\x02idtR"[..],
        b"cposix\nsystem\n",
        b"c__builtin__\neval\n",
        b"cbuiltins\ngetattr\n",
        b"csubprocess\nPopen\n",
        b"cnumpy\nload\n",
        b"cimportlib.util\nfind_spec\n",
        b"cpathlib\nos.system\n",
    ] {
        plain(program, |found| assert!(matches!(found, Err(Error::Global { .. })), "{found:?}"));
    }
    plain(b"cbuiltins\nzip\n", |found| assert!(matches!(found, Ok(Plain::Opaque(_))), "{found:?}"));
}

#[test]
fn text_of_numpy_is_found_as_a_key_without_its_zeros() {
    let scalar = |units: &[u8]| {
        let dtype = format!("U{}", units.len());
        let data: Vec<u8> = units.iter().flat_map(|&unit| [unit, 0, 0, 0]).collect();
        let head = [&b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n"[..], &text(&dtype), b"K\0K\x01\x87RC"].concat();
        [&head[..], &[data.len() as u8], &data, b"\x86R"].concat()
    };
    for (units, key) in [(&b"masks"[..], "masks"), (b"masks\0\0\0", "masks"), (b"\0\0", "")] {
        let dict = [&b"}("[..], &scalar(units), b"K\x01u"].concat();
        plain(&dict, |found| {
            let found = found.unwrap();
            assert_eq!(found.get(key), Some(&Plain::Int(1)));
            assert!(["mask", "masks\0s", "maskss", "x"].iter().all(|other| found.get(other).is_none()));
        });
    }
}

#[test]
fn a_shared_value_is_charged_each_time_that_it_is_copied() {
    // A list of 1,000 times one value, which is 10 kB of bytes written as text.
    let shared = [&b"c_codecs\nencode\n"[..], &text(&"x".repeat(10_000)), &text("latin1"), b"\x86Rq\x05"].concat();
    let program = [&shared[..], b"0](", &b"h\x05".repeat(1000), b"e"].concat();
    plain(&program, |found| assert!(found.is_ok()));
    let program = [&shared[..], b"0](", &b"h\x05".repeat(2000), b"e"].concat();
    plain(&program, |found| {
        assert!(matches!(found, Err(Error::Limit { field: "cost.memory_ratio", .. })), "{found:?}");
    });
}

#[test]
fn a_long_scalar_is_scanned_once_however_often_it_is_shared() {
    let steps = |mentions: usize| {
        let head =
            [&b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n"[..], &text("U1000"), b"K\0K\x01\x87RB"].concat();
        let scalar = [&head[..], &4000u32.to_le_bytes(), &b"a\0\0\0".repeat(1000), b"\x86Rq\x05"].concat();
        let list = [&scalar[..], b"0](", &b"h\x05".repeat(mentions), b"e"].concat();
        plain_metered(&list, |found, meter| {
            found.unwrap();
            meter.steps()
        })
    };
    // The scan of one has 62 steps.
    assert!(steps(1000) - steps(10) < 990 * 10);
}

#[test]
fn long_keys_are_refused() {
    for (length, fits) in [(4096, true), (4097, false)] {
        let program = [&b"}("[..], &text(&"k".repeat(length)), b"K\x01u"].concat();
        plain(&program, |found| match found {
            Ok(_) => assert!(fits),
            Err(error) => assert!(!fits && matches!(error, Error::Limit { field: "values.key_bytes", .. }), "{error}"),
        });
    }
}
