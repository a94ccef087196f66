// Copies a plane of a volume, in all channels.
//
// Grid: one invocation per value of the plane, linear.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
    /// The plane's first voxel in a channel, and the voxels from one of its rows, and columns, to the next.
    first: u32,
    row: u32,
    column: u32,
    /// Columns and pixels of the plane.
    columns: u32,
    pixels: u32,
    /// Values of the plane.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [channel][voxel].
@group(0) @binding(1) var<storage, read> voxels: array<f32>;
// [channel][row][column].
@group(0) @binding(2) var<storage, read_write> plane: array<f32>;

@compute @workgroup_size(LINEAR_WORKGROUP)
fn slice(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let channel = at / params.pixels;
    let pixel = at - channel * params.pixels;
    let y = pixel / params.columns;
    let place = params.first + y * params.row + (pixel - y * params.columns) * params.column;
    plane[at] = voxels[channel * params.width * params.height * params.depth + place];
}
