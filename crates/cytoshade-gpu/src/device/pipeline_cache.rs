//! What the driver made of the shaders, kept in a file from run to run. Vulkan alone lets a program do so; the other
//! drivers keep it themselves.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cytoshade_safe_io::{read_private_file, write_private_file};
use sha2::{Digest, Sha256};

use crate::device::lock;

/// Most bytes of such a file: a larger one is not read, and none is written.
const MAX_PIPELINE_CACHE_BYTES: u64 = 1 << 26;

/// The first bytes of such a file. A change of the format changes the number.
const MAGIC: &[u8] = b"cytoshade pipelines 1\n";

/// Bytes of a SHA-256.
const HASH: usize = 32;

/// The pipelines that a device was asked for, for the next run.
#[derive(Debug)]
pub(crate) struct PipelineCache {
    cache: wgpu::PipelineCache,
    path: PathBuf,
    key: String,
    found: bool,
    /// The hash of what is in the file.
    kept: Mutex<Option<[u8; HASH]>>,
}

impl PipelineCache {
    /// The cache of a device in a folder; `None` where the device has none. A file that is damaged, another device's, of
    /// another version, too large or not the user's own is as good as none, and is replaced.
    pub(crate) fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(adapter)?;
        let path = folder.join(format!("{key}.pipelines"));
        let file = read_private_file(&path, MAX_PIPELINE_CACHE_BYTES).unwrap_or_default();
        let data = unpack(&key, &file);
        let cache = create(device, data);
        Some(Self { cache, path, found: data.is_some(), kept: Mutex::new(data.map(|data| hash(&key, data))), key })
    }

    /// For [`wgpu::ComputePipelineDescriptor::cache`].
    pub(crate) fn wgpu(&self) -> &wgpu::PipelineCache {
        &self.cache
    }

    /// Whether an earlier run left something.
    pub(crate) fn found(&self) -> bool {
        self.found
    }

    /// Writes what there is now, if that is not what the file holds. Where it cannot be written the next run does without.
    pub(crate) fn save(&self) {
        let Some(data) = self.cache.get_data() else { return };
        let now = Some(hash(&self.key, &data));
        let mut kept = lock(&self.kept);
        let file = pack(&self.key, &data);
        if *kept != now
            && file.len() as u64 <= MAX_PIPELINE_CACHE_BYTES
            && write_private_file(&self.path, &file).is_ok()
        {
            *kept = now;
        }
    }
}

#[allow(unsafe_code)]
fn create(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    // SAFETY: the data must be what `get_data` gave, and drivers may trust it. It is: it comes out of a file that only the
    // user can write to, whose name and hash are of this adapter, and whose hash says that it is whole as `save` wrote
    // it. wgpu and the driver then refuse what another driver or version of it made.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// What is hashed is the adapter's key too, so that another adapter's file is foreign under any name.
fn hash(key: &str, data: &[u8]) -> [u8; HASH] {
    Sha256::new().chain_update(MAGIC).chain_update(key).chain_update([0]).chain_update(data).finalize().into()
}

fn pack(key: &str, data: &[u8]) -> Vec<u8> {
    [MAGIC, &hash(key, data), data].concat()
}

fn unpack<'a>(key: &str, file: &'a [u8]) -> Option<&'a [u8]> {
    let (found, data) = file.strip_prefix(MAGIC)?.split_at_checked(HASH)?;
    (found == hash(key, data)).then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_or_not_of_this_adapter_and_version_is_nothing() {
        let file = pack("adapter", b"pipelines");
        assert_eq!(unpack("adapter", &file), Some(&b"pipelines"[..]));
        assert_eq!(unpack("other", &file), None);
        for end in 0..file.len() {
            assert_eq!(unpack("adapter", &file[..end]), None, "the first {end} bytes");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(unpack("adapter", &damaged), None, "byte {at} changed");
        }
        assert_eq!(unpack("adapter", &[&file[..], b"more"].concat()), None);
    }
}
