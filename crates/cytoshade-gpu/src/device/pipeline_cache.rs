//! Caches the driver's compiled pipelines in a file.
//!
//! Only Vulkan exposes them to programs; other drivers have their own caches.

use std::path::PathBuf;
use std::sync::Mutex;

use cytoshade_safe_io::{read_private_file, write_private_file};
use sha2::{Digest, Sha256};

use super::DeviceOptions;
use super::sync::lock;

/// Maximum size of a cache file in bytes: a larger one is neither read nor written.
const MAX_PIPELINE_CACHE_BYTES: u64 = 1 << 26;

/// The first bytes of a cache file. The number changes with the format.
const MAGIC: &[u8] = b"cytoshade pipelines 1\n";

/// Bytes of a SHA-256.
const HASH: usize = 32;

/// A device's compiled pipelines, kept for the next run.
#[derive(Debug)]
pub(super) struct PipelineCache {
    cache: wgpu::PipelineCache,
    path: PathBuf,
    key: String,
    found: bool,
    /// The hash of the pipelines in the file.
    kept: Mutex<Option<[u8; HASH]>>,
}

impl PipelineCache {
    /// The cache of a device; `None` without a folder in the options or without support by the driver.
    ///
    /// Ignores, and later replaces, a file that is damaged, too large, not owned by the user, or of another device or
    /// version.
    pub(super) fn open(device: &wgpu::Device, adapter: &wgpu::Adapter, options: &DeviceOptions) -> Option<Self> {
        let folder = options.pipeline_cache.as_deref()?;
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(&adapter.get_info())?;
        let path = folder.join(format!("{key}.pipelines"));
        let file = read_private_file(&path, MAX_PIPELINE_CACHE_BYTES).unwrap_or_default();
        let data = unpack(&key, &file);
        let cache = create(device, data);
        Some(Self { cache, path, found: data.is_some(), kept: Mutex::new(data.map(|data| hash(&key, data))), key })
    }

    /// The cache for [`wgpu::ComputePipelineDescriptor::cache`].
    pub(super) fn wgpu(&self) -> &wgpu::PipelineCache {
        &self.cache
    }

    /// Whether the file held pipelines of an earlier run.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// Writes the pipelines if they differ from the file.
    ///
    /// If the write fails, the next run compiles them again.
    pub(super) fn save(&self) {
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
    // SAFETY: the data must come from `get_data`, and drivers may trust it. It does: it is from a file that only the user
    // can write, whose name and hash belong to this adapter, and whose hash proves that it is what `save` wrote. wgpu and
    // the driver then refuse data of another driver or version.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// The hash covers the adapter's key too, so that another adapter's file is refused under any name.
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
    fn a_file_that_is_damaged_or_of_another_adapter_or_version_is_refused() {
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
