//! Finds the subgroup size of shaders on matrices, if the driver has a choice.

use cytoshade_shaders as shaders;

use super::Gpu;
use crate::error::Error;
use crate::pipeline::Variant;

const WHAT: &str = "the subgroup size";

/// Invocations of the shader, each of which writes its size.
const LANES: u32 = shaders::subgroup_size8::LANES;

/// The device with [`Capabilities::matrix_subgroup`](super::capabilities::Capabilities), measured if it is unknown.
///
/// A driver may choose the size for each shader, and WebGPU cannot request one. If the measurement fails, the device has
/// no kernel on matrices; a device that hangs in it is lost.
pub(super) async fn with_matrix_subgroup(mut gpu: Gpu) -> Gpu {
    let capabilities = gpu.capabilities();
    if capabilities.matrices.is_empty() || capabilities.matrix_subgroup.is_some() {
        return gpu;
    }
    let measured = measure(&gpu).await.ok().flatten();
    if let Some(inner) = std::sync::Arc::get_mut(&mut gpu.0) {
        inner.capabilities.matrix_subgroup = measured;
    }
    gpu
}

/// The size, if the subgroups of a workgroup have the same.
async fn measure(gpu: &Gpu) -> Result<Option<u32>, Error> {
    let has_large = gpu.capabilities().matrices.contains(&shaders::subgroup_size16::SIDE);
    let shader = if has_large { &shaders::SUBGROUP_SIZE16 } else { &shaders::SUBGROUP_SIZE8 };
    let bytes = 4 * u64::from(LANES);
    let [kernel] = gpu.kernels_of([Variant::new(shader)]).await?;
    let sizes = gpu
        .with_error_scopes(WHAT, || {
            let sizes = gpu.storage(WHAT, bytes)?;
            let bound = gpu.bind(&kernel, &[LANES], &[&sizes]);
            gpu.submit(WHAT, &[(&bound, [1, 1, 1])]);
            Ok(sizes)
        })
        .await?;
    let sizes: Vec<u32> = gpu.fetch(WHAT, &[(&sizes, 0..bytes)]).await?.values(0..bytes);
    let first = sizes.first().copied().filter(|&size| size > 0);
    Ok(first.filter(|first| sizes.iter().all(|size| size == first)))
}
