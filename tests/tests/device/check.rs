//! The check of a GPU before its first use.

use std::path::{Path, PathBuf};

use cytoshade::{Device, Error, ErrorKind, FaultInjection, Model, Params, Segmenter, SegmenterBuilder};
use cytoshade_gpu::{AdapterKind, Gpu};
use cytoshade_tests::gpu;
use cytoshade_tests::synthetic::{CENTERS, domes};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials(gpu: &Option<Gpu>) -> Vec<Trial> {
    vec![
        gpu::trial(gpu, "check::a sound device passes once", None, a_sound_device_passes_once),
        gpu::trial(gpu, "check::a wrong device is an error", None, a_wrong_device_is_an_error),
        gpu::trial(gpu, "check::auto replaces a wrong device by the CPU", None, auto_takes_the_cpu),
        gpu::trial(gpu, "check::a pass is for one driver and version", None, a_pass_is_for_one_driver),
    ]
}

/// Opens the bundled network on the adapter of `gpu`, with a cache and faults.
fn builder(gpu: &Gpu, cache: &Path, faults: FaultInjection) -> Result<SegmenterBuilder, Failed> {
    let model = Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cytoshade-demo.safetensors"))?;
    let device = if gpu.info().kind == AdapterKind::Software { Device::Software } else { Device::Gpu };
    Ok(Segmenter::builder(&model).device(device).cache(cache).inject_faults(faults))
}

/// The entries of passed checks in a cache.
fn passes(cache: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(cache).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("check-"))).collect()
}

/// Whether a check was among the phases of opening.
fn was_checked(segmenter: &Segmenter) -> bool {
    segmenter.startup().iter().any(|phase| phase.name == "check")
}

fn a_sound_device_passes_once(gpu: &Gpu) -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    let open = || builder(gpu, cache.path(), FaultInjection::default())?.build().map_err(Failed::from);
    let first = open()?;
    assert!(was_checked(&first) && first.refused().is_empty());
    assert_eq!(passes(cache.path()).len(), 1);
    assert!(!was_checked(&open()?));
    // Another kernel is another check.
    let direct =
        builder(gpu, cache.path(), FaultInjection::default())?.kernel(cytoshade::ConvKernel::Direct).build()?;
    assert!(was_checked(&direct));
    assert_eq!(passes(cache.path()).len(), 2);
    Ok(())
}

fn a_wrong_device_is_an_error(gpu: &Gpu) -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    for faults in [FaultInjection::computes_nothing(), FaultInjection::computes_wrongly()] {
        let error = builder(gpu, cache.path(), faults)?.build().err().ok_or("the device was accepted")?;
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let message = error.to_string();
        for part in
            [gpu.info().name.as_str(), "the outputs of a network have an error of", "update its driver", "use the CPU"]
        {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(passes(cache.path()).is_empty(), "a failed check was remembered");
    }
    Ok(())
}

fn auto_takes_the_cpu(gpu: &Gpu) -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    let open = |device, faults| builder(gpu, cache.path(), faults)?.device(device).build().map_err(Failed::from);
    // Without the fault, the same choice takes the adapter.
    let counts_as_gpu = || FaultInjection::with_shaders(|source| source);
    let sound = builder(gpu, cache.path(), counts_as_gpu())?.device(Device::Auto).build()?;
    assert!(matches!(sound.device(), cytoshade::DeviceInfo::Gpu(_)), "{}", sound.device());
    passes(cache.path()).iter().try_for_each(std::fs::remove_file)?;

    let expected = open(Device::Cpu, FaultInjection::default())?.segment(&domes(&CENTERS), &Params::new())?.labels;
    assert_eq!(expected.max() as usize, CENTERS.len());
    for faults in [FaultInjection::computes_nothing(), FaultInjection::computes_wrongly()] {
        let segmenter = open(Device::Auto, faults)?;
        assert_eq!(segmenter.device(), Segmenter::cpu_info());
        // Every adapter of the machine has the fault.
        let refused = segmenter.refused();
        assert!(!refused.is_empty() && refused.iter().all(|error| matches!(error, Error::WrongResults { .. })));
        assert_eq!(segmenter.segment(&domes(&CENTERS), &Params::new())?.labels, expected);
    }
    Ok(())
}

fn a_pass_is_for_one_driver(gpu: &Gpu) -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    builder(gpu, cache.path(), FaultInjection::default())?.build()?;
    // A remembered pass counts even for a device that would fail, so its use shows.
    let is_accepted =
        || Ok::<_, Failed>(builder(gpu, cache.path(), FaultInjection::computes_nothing())?.build().is_ok());
    assert!(is_accepted()?);
    let pass = passes(cache.path()).pop().ok_or("nothing was remembered")?;
    let text = std::fs::read_to_string(&pass)?;
    let entry: serde_json::Value = serde_json::from_str(&text)?;
    for part in ["driver", "version", "adapter", "backend", "network"] {
        let mut other = entry.clone();
        other["key"][part] = "another".into();
        std::fs::write(&pass, other.to_string())?;
        assert!(!is_accepted()?, "the pass of another {part} counts");
    }
    let mut failed = entry;
    failed["value"] = false.into();
    std::fs::write(&pass, failed.to_string())?;
    assert!(!is_accepted()?, "an entry without a pass counts");
    std::fs::write(&pass, text)?;
    assert!(is_accepted()?);
    Ok(())
}
