//! Mesa's no-op kernel drivers ("shims"), with which its Vulkan drivers open GPUs that are not there.
//!
//! No package has them. They are built in the root of sid from the source package of a stable Debian, whose version
//! stays, so that the patches of `benches/gpu_lab/shims` fit. They work with the newer drivers of sid.

use std::path::{Path, PathBuf};

use crate::shell::{Outcome, lines, root as repository, target_folder};
use crate::sid;

/// The release whose source package of Mesa is built.
const RELEASE: &str = "trixie";

/// What the build needs.
const PACKAGES: &str = "bison flex g++ gcc libc6-dev libdrm-dev libexpat1-dev meson patch pkgconf python3-mako \
                        python3-packaging python3-yaml xz-utils zlib1g-dev";

/// The folder of the build in the root.
const BUILD: &str = "/gpu-lab";

/// The drivers, by the path that the build gives them.
const DRIVERS: [&str; 4] = [
    "src/noop/libamdgpu_noop_drm_shim.so",
    "src/noop/libasahi_noop_drm_shim.so",
    "src/noop/libnouveau_noop_drm_shim.so",
    "src/intel/tools/libintel_noop_drm_shim.so",
];

/// Everything but the shims is left out.
const OPTIONS: &str = "-Dtools=drm-shim,intel -Dgallium-drivers= -Dvulkan-drivers= -Dplatforms= -Dllvm=disabled \
                       -Dglx=disabled -Degl=disabled -Dgbm=disabled -Dgles1=disabled -Dgles2=disabled -Dopengl=false \
                       -Dshared-glapi=disabled -Dvalgrind=disabled -Dlibunwind=disabled -Dzstd=disabled \
                       -Dxmlconfig=disabled -Dbuild-tests=false -Dbuildtype=plain";

/// The folder of the shims; builds them if they are missing, or older than the patches.
pub(super) fn set_up(root: &Path) -> Result<PathBuf, String> {
    let folder = target_folder().join("gpu-lab/shims");
    let patches = repository().join("benches/gpu_lab/shims");
    let (done, wanted) = (folder.join("complete"), digest(&patches)?);
    if std::fs::read_to_string(&done).is_ok_and(|built| built == wanted) {
        return Ok(folder);
    }
    let build = root.join(BUILD.trim_start_matches('/'));
    // An earlier run may have been interrupted.
    let _ = std::fs::remove_dir_all(&build);
    copy(&patches, &build.join("patches"))?;
    unpack(root)?;
    patch(root)?;
    let options = format!("meson setup {OPTIONS} build mesa && ninja -C build {}", DRIVERS.join(" "));
    sid::chroot(root, &format!("cd {BUILD} && {options}"))?;
    for driver in DRIVERS {
        let name = Path::new(driver).file_name().unwrap_or_default();
        place(&build.join("build").join(driver), &folder.join(name))?;
    }
    std::fs::remove_dir_all(&build).map_err(|error| format!("cannot remove {}: {error}", build.display()))?;
    std::fs::write(&done, wanted).map_err(|error| format!("cannot write {}: {error}", done.display()))?;
    Ok(folder)
}

/// Installs what the build needs, and unpacks Mesa's source; Debian's own changes concern the packaging.
fn unpack(root: &Path) -> Outcome {
    add_sources(root)?;
    let install = "apt-get --quiet --yes install --no-install-recommends";
    sid::chroot(root, &format!("apt-get --quiet update && {install} {PACKAGES}"))?;
    let source = format!("apt-get --quiet source --tar-only --download-only --target-release {RELEASE} mesa");
    sid::chroot(root, &format!("cd {BUILD} && {source} && apt-get clean"))?;
    sid::chroot(root, &format!("cd {BUILD} && tar --extract --file mesa_*.orig.tar.xz && mv mesa-*/ mesa"))
}

/// Applies the patches, and adds the drivers that Mesa does not have.
fn patch(root: &Path) -> Outcome {
    let each = "for file in ../patches/*.patch; do patch --strip 1 --forward --input $file; done";
    sid::chroot(root, &format!("cd {BUILD}/mesa && set -e; {each}; cp ../patches/*.c src/noop/"))
        .map_err(|error| format!("a patch of benches/gpu_lab/shims does not fit the Mesa of {RELEASE}: {error}"))
}

/// The names and contents of the patches: what is built from them is as old as this.
fn digest(folder: &Path) -> Result<String, String> {
    let mut texts = Vec::new();
    for path in files(folder)? {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        texts.push(format!("{}\n{text}", path.file_name().unwrap_or_default().display()));
    }
    Ok(texts.concat())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    Ok(paths)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    for path in files(from)? {
        place(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Copies a file; a driver that a process uses is replaced, not written into.
fn place(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("cannot copy {} to {}: {error}", from.display(), to.display());
    std::fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failed)?;
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to).map_err(failed)?;
    Ok(())
}

/// Adds the source packages to the root's sources, and the machine's own settings for downloads.
fn add_sources(root: &Path) -> Outcome {
    let mirror = sid::mirror().ok_or("the machine's package sources name no mirror of Debian")?;
    let mut settings = std::process::Command::new("apt-config");
    settings.args(["dump", "--no-empty", "--format", "%F \"%v\";%n", "Acquire"]);
    // Proxies, and whether an old snapshot of a mirror is valid.
    let concerns =
        |line: &String| ["http", "https", "Check-"].iter().any(|s| line.starts_with(&format!("Acquire::{s}")));
    let settings: Vec<String> = lines(settings)?.into_iter().filter(concerns).collect();
    for (file, text) in [
        ("etc/apt/sources.list.d/gpu-lab.list", format!("deb-src {mirror} {RELEASE} main\n")),
        ("etc/apt/apt.conf.d/90machine", settings.join("\n") + "\n"),
    ] {
        let path = root.join(file);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}
