//! What the tests of the readers share.
#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cytoshade_core::Network;
use cytoshade_model::{Error, LoadOptions, ReadLimits, load};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

pub fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn try_load(bytes: &[u8]) -> Result<Network, Error> {
    load(bytes, &LoadOptions::default())
}

pub fn with_limits(bytes: &[u8], limits: ReadLimits) -> Result<Network, Error> {
    load(bytes, &LoadOptions { limits, ..LoadOptions::default() })
}

/// The network of a fixture.
pub fn network(name: &str) -> Network {
    try_load(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The network of `plain.safetensors` after a change to its tensors.
pub fn plain(mut change: impl FnMut(&str, &mut f32)) -> Network {
    let bytes = fixture("plain.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| {
            let mut values: Vec<f32> =
                view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            values.iter_mut().for_each(|value| change(name, value));
            let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.to_string(), (view.shape().to_vec(), data))
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, (shape, data))| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    try_load(&serialize(views, None).unwrap()).unwrap()
}

/// A legacy torch file around one pickle, without storages.
pub fn legacy(pickle: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    bytes.extend(b"\x80\x02M\xe9\x03.");
    bytes.extend(b"\x80\x02}.");
    bytes.extend(pickle);
    bytes.extend(b"\x80\x02].");
    bytes
}

/// A zip archive of stored records.
pub fn zip(records: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in records {
        let offset = bytes.len() as u32;
        let size = (data.len() as u32).to_le_bytes();
        // Version, flags, method, time, date, checksum (none), packed and unpacked size, lengths of name and extra.
        let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        shared.extend(size);
        shared.extend(size);
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&shared);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let offset = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([(records.len() as u16).to_le_bytes(); 2].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// Opcodes of a text.
pub fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// Opcodes of a tensor of f32 in a storage of its own.
pub fn tensor_of(key: &str, elements: usize, shape: &[usize]) -> Vec<u8> {
    let int = |value: usize| [&b"J"[..], &(value as i32).to_le_bytes()].concat();
    let tuple =
        |values: &[usize]| [&b"("[..], &values.iter().flat_map(|&value| int(value)).collect::<Vec<_>>(), b"t"].concat();
    let mut strides: Vec<usize> = Vec::new();
    shape.iter().rev().fold(1, |stride, size| {
        strides.insert(0, stride);
        stride * size
    });
    [
        &b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"[..],
        &text(key),
        &text("cpu"),
        &int(elements),
        b"tQK\0",
        &tuple(shape),
        &tuple(&strides),
        b"\x89}tR",
    ]
    .concat()
}

/// Opcodes of the state dict of `plain.safetensors`, with a prefix before every name.
///
/// Its storages are those of [`checkpoint_of`].
pub fn state_dict(prefix: &str) -> Vec<u8> {
    let bytes = fixture("plain.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut opcodes = b"ccollections\nOrderedDict\n)R(".to_vec();
    for (name, view) in file.iter() {
        opcodes.extend(text(&format!("{prefix}{name}")));
        opcodes.extend(tensor_of(name, view.data().len() / 4, view.shape()));
    }
    opcodes.push(b'u');
    opcodes
}

/// A torch file of one object, with the storages of `plain.safetensors`.
pub fn checkpoint_of(object: &[u8]) -> Vec<u8> {
    let bytes = fixture("plain.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let pickle = [&b"\x80\x02"[..], object, b"."].concat();
    let names: Vec<_> = file.iter().map(|(name, _)| format!("m/data/{name}")).collect();
    let storages = names.iter().zip(file.iter()).map(|(name, (_, view))| (name.as_str(), view.data()));
    let mut records = vec![("m/data.pkl", &pickle[..]), ("m/data/0", &[0; 16])];
    records.extend(storages);
    zip(&records)
}

/// A torch file of a dictionary with these entries.
pub fn checkpoint(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<u8> = entries.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
    checkpoint_of(&[&b"}("[..], &entries, b"u"].concat())
}
