//! Torch files: every form that torch writes gives the same network, and what is not plain data is refused by name.

mod common;

use common::{
    checkpoint, checkpoint_of, fixture, legacy, network, plain, state_dict, text, try_load, with_limits, zip,
};
use cytoshade_core::arch::unet::UNet;
use cytoshade_model::{
    CostLimits, Error, LoadOptions, Problem, ReadLimits, ValueLimits, load_tensors, load_with_origin,
};
use half::{bf16, f16};
use proptest::prelude::*;

#[test]
fn every_form_gives_the_same_weights() {
    let expected = network("plain.safetensors");
    let unet = UNet::from_network(&expected).unwrap();
    assert_eq!((unet.nbase(), expected.diam_mean(), expected.diam_labels()), (&[2, 3, 4][..], 17.0, 21.5));
    for name in [
        "zip.pth",
        "legacy.pth",
        "zip_f64.pth",
        "zip_strided.pth",
        "legacy_strided.pth",
        "zip_protocol_4.pth",
        "zip_deflated.pth",
        "zip_unaligned.pth",
        "zip_no_crc.pth",
        "nested_state_dict.pth",
        "nested_model.pth",
    ] {
        assert_eq!(network(name), expected, "{name}");
    }
    let other = plain(|name, value| {
        if name == "output.2.bias" {
            *value += 1e-6;
        }
    });
    assert_ne!(other, expected, "the comparison sees every weight");
}

#[test]
fn checkpoints_of_training_scripts_open() {
    let (network, origin) = load_with_origin(&fixture("data_parallel.pth"), &LoadOptions::default()).unwrap();
    assert_eq!(network, self::network("plain.safetensors"));
    assert_eq!(
        origin.ignored,
        [
            "the prefix module. of the tensors' names",
            "beside the network: epoch, optimizer, other_head, step",
            "21 counts of training batches (num_batches_tracked)"
        ]
    );
}

#[test]
fn the_keys_of_another_network_are_listed() {
    let Err(Error::NoNetwork { found }) = try_load(&fixture("other.pth")) else { panic!("another network opens") };
    assert_eq!(found, "“0.bias”, “0.weight”, “1.bias”, “1.num_batches_tracked”, “1.running_mean” and 2 more");
}

/// Opcodes of numpy's 0.5, of a namespace and of a path.
const SCALAR: &[u8] =
    b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xff\
    J\xff\xff\xff\xffK\0tbc_codecs\nencode\nX\x09\0\0\0\0\0\0\0\0\0\xc3\xa0?X\x06\0\0\0latin1\x86R\x86R";
const NAMESPACE: &[u8] = b"cargparse\nNamespace\n)\x81}X\x02\0\0\0lrG?\xb9\x99\x99\x99\x99\x99\x9asb";
const SIMPLE: &[u8] = b"ctypes\nSimpleNamespace\n)R}X\x02\0\0\0lrK\x01sb";
const PATH: &[u8] = b"cpathlib\nPosixPath\nX\x01\0\0\0/X\x04\0\0\0data\x86R";
const ARRAY: &[u8] =
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\n\
    X\x02\0\0\0u1K\0K\x01\x87R(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89U\x02abtb";
/// 128 random bits, as a generator's state has them.
const LARGE: &[u8] = b"\x8a\x11\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0";

#[test]
fn weights_beside_plain_values_open() {
    let expected = network("plain.safetensors");
    for (name, value) in [
        ("scalar", SCALAR),
        ("args", NAMESPACE),
        ("config", SIMPLE),
        ("path", PATH),
        ("array", ARRAY),
        ("state", LARGE),
        ("set", b"c__builtin__\nset\n](K\x01K\x02e\x85R"),
        ("counts", b"ccollections\ndefaultdict\nc__builtin__\nint\n\x85RX\x01\0\0\0aK\x01s"),
        ("complex", b"c__builtin__\ncomplex\nG?\xf0\0\0\0\0\0\0G?\xf0\0\0\0\0\0\0\x86R"),
        ("device", b"ctorch\ndevice\nX\x03\0\0\0cpu\x85R"),
        ("size", b"ctorch\nSize\nK\x01K\x02\x86\x85R"),
    ] {
        let state = state_dict("");
        let file = checkpoint(&[(name, value), ("model", &state), ("epoch", b"K\x07")]);
        let (network, origin) =
            load_with_origin(&file, &LoadOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(network, expected, "{name}");
        assert!(origin.ignored.iter().any(|ignored| ignored.contains(name)), "{:?}", origin.ignored);
        // The same in one dictionary with the tensors.
        let flat = [&state[..], b"X", &(name.len() as u32).to_le_bytes(), name.as_bytes(), value, b"s"].concat();
        assert_eq!(try_load(&checkpoint_of(&flat)).unwrap(), expected, "{name}, flat");
    }
}

#[test]
fn state_dicts_are_found_under_every_key() {
    let expected = network("plain.safetensors");
    let state = state_dict("");
    let hyperparameters = b"}X\x02\0\0\0lrK\x01s";
    for key in ["state_dict", "model_state_dict", "model", "net", "weights", "params"] {
        assert_eq!(try_load(&checkpoint(&[(key, &state)])).unwrap(), expected, "{key}");
        let inner = [&b"}"[..], &text(key), &state, b"s"].concat();
        assert_eq!(try_load(&checkpoint(&[("net", &inner)])).unwrap(), expected, "net.{key}");
        // Another entry of a known name holds no network.
        assert_eq!(try_load(&checkpoint(&[("model", hyperparameters), (key, &state)])).unwrap(), expected, "{key}");
        let flat = [&state[..], &text(key), hyperparameters, b"s"].concat();
        assert_eq!(try_load(&checkpoint_of(&flat)).unwrap(), expected, "{key} beside the tensors");
    }
    let namespace = [&b"ctypes\nSimpleNamespace\n)R}"[..], &text("net"), &state_dict("module."), b"sb"].concat();
    assert_eq!(try_load(&checkpoint_of(&namespace)).unwrap(), expected);
    for (key, value) in [("generator", &state[..]), ("net", b"K\x01"), ("epoch", b"K\x01")] {
        let Err(Error::NoNetwork { found }) = try_load(&checkpoint(&[("lr", b"K\x01"), (key, value)])) else {
            panic!("{key}");
        };
        let mut keys = [key, "lr"];
        keys.sort_unstable();
        assert_eq!(found, format!("“{}”, “{}”", keys[0], keys[1]));
    }
    assert!(matches!(try_load(&checkpoint_of(b"}")), Err(Error::NoNetwork { found }) if found == "nothing"));
}

#[test]
fn nearly_a_network_has_its_missing_tensors_named() {
    let near = "net.upsample.up.res_up_0.proj.0.weight";
    let Err(Error::StateDict { problems }) = try_load(&named_tensor(near, 4, 0, &[2, 2], &[2, 1])) else {
        panic!("one tensor opens")
    };
    let missing = |name: &str| problems.contains(&Problem::Missing { name: name.into() });
    assert!(missing("downsample.down.res_down_0.conv.conv_0.2.weight") && missing("output.2.weight"), "{problems:?}");
}

#[test]
fn networks_of_cellpose_4_are_named_before_any_tensor_is_read() {
    for prefix in ["", "module."] {
        // A tensor that is not in the file, as the names come first.
        let of = |name: &str| try_load(&named_tensor(&format!("{prefix}{name}"), 5, 0, &[5], &[1]));
        match of("encoder.patch_embed.proj.weight") {
            Err(error @ Error::Architecture { found: "Cellpose-SAM" }) => {
                assert!(error.to_string().contains("Cellpose-SAM") && error.to_string().contains("cyto3"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(of("encoder.patch_embed.proj.bias"), Err(Error::Damaged { .. })));
        // A program with a network of its own gets the tensors.
        let name = format!("{prefix}encoder.patch_embed.proj.weight");
        let tensors = load_tensors(&named_tensor(&name, 4, 0, &[4], &[1]), &LoadOptions::default()).unwrap();
        assert_eq!(tensors[&name].shape, [4]);
    }
}

#[test]
fn halves_are_read_as_torch_rounds_them() {
    let f16 = plain(|_, value| *value = f16::from_f32(*value).to_f32());
    assert_eq!(network("zip_f16.pth"), f16);
    assert_eq!(network("legacy_f16.pth"), f16);
    assert_eq!(network("zip_bf16.pth"), plain(|_, value| *value = bf16::from_f32(*value).to_f32()));
}

#[test]
fn without_diameters_the_reference_takes_30() {
    let network = network("no_diameters.pth");
    assert_eq!((network.diam_mean(), network.diam_labels()), (30.0, 30.0));
}

#[test]
fn what_is_not_plain_data_is_named() {
    for (pickle, expected) in [
        (&b"\x80\x02cos\nsystem\n(X\x02\0\0\0idtR."[..], "os.system"),
        (b"\x80\x02cposix\nsystem\n(X\x02\0\0\0idtR.", "posix.system"),
        (b"\x80\x02c__builtin__\neval\n(X\x01\0\0\x001tR.", "__builtin__.eval"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "builtins.eval"),
        // An attribute of what is allowed is another name.
        (b"\x80\x04\x8c\x0ccollections\x0a\x8c\x0bOrderedDict\x93.", "collections\\n.OrderedDict"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.", "collections.OrderedDict.__init__"),
        // Named and never called is enough.
        (b"\x80\x02]ctorch.hub\nload\na.", "torch.hub.load"),
        (b"\x80\x02cos\n\x1b[31mred\n.", "os.\\u{1b}[31mred"),
    ] {
        match try_load(&legacy(pickle)) {
            Err(Error::Global { name }) => assert_eq!(name, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn opcodes_that_could_call_are_named() {
    for (pickle, expected) in [
        (&b"\x80\x02ccollections\nOrderedDict\n)\x81."[..], "NEWOBJ"),
        (b"\x80\x04ccollections\nOrderedDict\n)}\x92.", "NEWOBJ_EX"),
        (b"\x80\x02(icollections\nOrderedDict\n.", "INST"),
        (b"\x80\x02(ccollections\nOrderedDict\no.", "OBJ"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\0.", "EXT2"),
        (b"\x80\x02\x84\x01\0\0\0.", "EXT4"),
        (b"\x80\x02Pkey\n.", "PERSID"),
        // A call of a call's result, of a string, and state for a tuple.
        (b"\x80\x02ctorch\nSize\n)R)R.", "REDUCE"),
        (b"\x80\x02X\x02\0\0\0os)R.", "REDUCE"),
        (b"\x80\x02)}b.", "BUILD"),
        (b"\x80\x02\xff.", "an unknown opcode"),
    ] {
        match try_load(&legacy(pickle)) {
            Err(Error::Opcode { name, .. }) => assert_eq!(name, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn damaged_pickles_are_refused() {
    for pickle in [
        &b"\x80\x02."[..],
        b"\x80\x02N.",
        b"\x80\x09}.",
        b"\x80\x02h\x07.",
        b"\x80\x02t.",
        b"\x80\x020.",
        b"\x80\x02}(Ku.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02Na.",
        b"\x80\x02X\x02\0\0\0\xff\xff.",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"\x80\x02\x8a\x11aaaaaaaaaaaaaaaaa.",
        // What stands below a mark is out of reach.
        b"\x80\x02}(s.",
        // A tensor without arguments.
        b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n)Rs.",
    ] {
        let error = try_load(&legacy(pickle)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::Limit { .. }), "{pickle:?}: {error}");
    }
}

#[test]
fn circles_end() {
    // A dictionary that is its own state dict, and a list in itself.
    let error = try_load(&legacy(b"\x80\x02}q\0X\x05\0\0\0modelh\0s.")).unwrap_err();
    assert!(matches!(error, Error::Limit { field: "values.nesting", .. }), "{error}");
    try_load(&legacy(b"\x80\x02]q\0h\0a.")).unwrap_err();
}

fn one_tensor(elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    named_tensor("w", elements, offset, shape, strides)
}

/// `{name: _rebuild_tensor_v2(("storage", FloatStorage, "0", "cpu", elements), offset, shape, strides)}`.
fn named_tensor(name: &str, elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    fn int(value: i64) -> Vec<u8> {
        [&b"\x8a\x08"[..], &value.to_le_bytes()].concat()
    }
    fn ints(values: &[i64]) -> Vec<u8> {
        [&b"("[..], &values.iter().flat_map(|&value| int(value)).collect::<Vec<_>>(), b"t"].concat()
    }
    let pickle = [
        &b"\x80\x02}X"[..],
        &(name.len() as u32).to_le_bytes(),
        name.as_bytes(),
        &b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"[..],
        b"X\x01\0\0\x000X\x03\0\0\0cpu",
        &int(elements),
        b"tQ",
        &int(offset),
        &ints(shape),
        &ints(strides),
        b"\x89}tRs.",
    ]
    .concat();
    zip(&[("m/data.pkl", &pickle), ("m/data/0", &[0; 16])])
}

#[test]
fn views_that_lie_are_refused() {
    let refused = |elements, offset, shape: &[i64], strides: &[i64]| {
        match try_load(&one_tensor(elements, offset, shape, strides)).unwrap_err() {
            // The tensor is in order, and it is no network's.
            Error::NoNetwork { .. } => false,
            Error::Damaged { .. } | Error::Limit { .. } => true,
            error => panic!("{error}"),
        }
    };
    assert!(!refused(4, 0, &[2, 2], &[2, 1]));
    assert!(!refused(4, 0, &[2, 2], &[1, 2]));
    assert!(!refused(4, 4, &[0], &[1]));
    assert!(!refused(4, 0, &[0, i64::MAX, 1 << 40], &[1, 1, 1]));
    for (elements, offset, shape, strides) in [
        (5, 0, &[4][..], &[1][..]),
        (3, 0, &[3], &[1]),
        (4, 1, &[4], &[1]),
        (4, 5, &[0], &[1]),
        (4, 0, &[2, 2], &[3, 1]),
        (4, 0, &[2, 2], &[2]),
        (4, -1, &[2], &[1]),
        (4, 0, &[-2], &[1]),
        (4, 0, &[2], &[-1]),
        (4, 0, &[1 << 62, 1 << 62], &[0, 0]),
        (4, 0, &[1 << 40], &[0]),
        // One value shown 2^27 times would cost half a gigabyte.
        (4, 0, &[1 << 27], &[0]),
        (4, 0, &[2, 2], &[i64::MAX, i64::MAX]),
        (4, i64::MAX, &[2], &[i64::MAX]),
        (i64::MAX, 0, &[1], &[1]),
        (4, 0, &[1; 9], &[1; 9]),
    ] {
        assert!(refused(elements, offset, shape, strides), "{elements} {offset} {shape:?} {strides:?}");
    }
}

#[test]
fn archives_that_lie_are_refused() {
    let honest = zip(&[("m/data.pkl", b"\x80\x02}."), ("m/data/0", &[0; 4])]);
    assert!(matches!(try_load(&honest), Err(Error::NoNetwork { .. })));
    assert!(matches!(try_load(&zip(&[("m/other", b"")])), Err(Error::UnknownFormat { .. })));
    assert!(matches!(try_load(&zip(&[("a/b/data.pkl", b"")])), Err(Error::UnknownFormat { .. })));
    for (what, records) in [
        ("comes twice", &[("m/data.pkl", &b"\x80\x02}."[..]), ("m/data.pkl", b"\x80\x02}.")][..]),
        ("big-endian", &[("m/byteorder", b"big"), ("m/data.pkl", b"\x80\x02}.")]),
    ] {
        let error = try_load(&zip(records)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    // Each byte of the directory and of the records' headers, but for those that nothing depends on (times and such).
    let mut refused = 0;
    for at in 0..honest.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut other = honest.clone();
            other[at] ^= flip;
            refused += usize::from(!matches!(try_load(&other), Err(Error::NoNetwork { .. })));
        }
    }
    assert!(refused > 200, "{refused}");
    // Both records at one place.
    let mut overlapping = zip(&[("m/data.pkl", b"\x80\x02}."), ("m/data.pk2", b"\x80\x02}.")]);
    let second = overlapping.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    overlapping[second + 42..second + 46].fill(0);
    let error = try_load(&overlapping).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn a_damaged_archive_is_refused_or_reads_the_same() {
    for name in ["zip.pth", "zip_deflated.pth"] {
        let (honest, expected) = (fixture(name), network(name));
        let mut refused = 0;
        for at in (0..honest.len()).step_by(61) {
            let mut bytes = honest.clone();
            bytes[at] ^= 4;
            match try_load(&bytes) {
                // Padding, times, and the pickle of nothing that is a weight.
                Ok(network) => assert_eq!(network, expected, "{name} damaged at {at}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 200, "{name}: {refused}");
    }
}

#[test]
fn limits_are_named() {
    let (limits, values) = (ReadLimits::default, ValueLimits::default);
    let cost = |cost| ReadLimits { cost, ..limits() };
    let with = |values| ReadLimits { values, ..limits() };
    for (name, expected, limits) in [
        ("legacy.pth", "values.opcodes", with(ValueLimits { opcodes: 100, ..values() })),
        ("legacy.pth", "values.memo_entries", with(ValueLimits { memo_entries: 100, ..values() })),
        ("legacy.pth", "values.nesting", with(ValueLimits { nesting: 2, ..values() })),
        ("legacy.pth", "values.string_bytes", with(ValueLimits { string_bytes: 10, ..values() })),
        ("legacy.pth", "values.key_bytes", with(ValueLimits { key_bytes: 10, ..values() })),
        ("plain.safetensors", "values.key_bytes", with(ValueLimits { key_bytes: 10, ..values() })),
        ("legacy.pth", "tensors", ReadLimits { tensors: 10, ..limits() }),
        ("legacy.pth", "values.dimensions", with(ValueLimits { dimensions: 3, ..values() })),
        ("legacy.pth", "values.elements", with(ValueLimits { elements: 10, ..values() })),
        ("legacy.pth", "cost.memory_bytes", cost(CostLimits { memory_bytes: 100, ..CostLimits::default() })),
        ("legacy.pth", "cost.steps", cost(CostLimits { steps: 100, ..CostLimits::default() })),
        ("zip.pth", "zip_entries", ReadLimits { zip_entries: 10, ..limits() }),
        ("zip_deflated.pth", "compression_ratio", ReadLimits { compression_ratio: 1, ..limits() }),
    ] {
        match with_limits(&fixture(name), limits) {
            Err(Error::Limit { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for name in ["legacy_strided.pth", "zip_strided.pth", "zip_deflated.pth"] {
        let bytes = fixture(name);
        for end in 0..bytes.len() {
            assert!(try_load(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_never_panic(zipped: bool, at in 0usize..1 << 20, byte: u8) {
        let mut bytes = fixture(if zipped { "zip_strided.pth" } else { "legacy_strided.pth" });
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = try_load(&bytes);
    }

    #[test]
    fn any_opcodes_never_panic(pickle in proptest::collection::vec(
        prop_oneof![any::<u8>(), proptest::sample::select(&b"(.0NKMXhqt)]}aesuRbQ\x85\x86\x87\x88\x93\x94"[..])], 0..60)
    ) {
        let _ = try_load(&legacy(&pickle));
        let _ = try_load(&zip(&[("m/data.pkl", &pickle)]));
    }

    #[test]
    fn any_archive_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = try_load(&[&b"PK\x03\x04"[..], &bytes, b"PK\x05\x06", &[0; 18]].concat());
    }
}
