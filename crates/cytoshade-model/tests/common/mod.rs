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
