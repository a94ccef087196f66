// Prepares the Euler integration in 3-D: the start and the step of each voxel.
//
// A followed voxel starts at itself, and its step is a fifth of its flow. With INTERP both are in coordinates from -1
// at the first voxel's center to 1 at the last one's.
//
// Grid: one invocation per voxel, 16 x 4 x 1 per workgroup.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
    /// Voxels with a cellprob above this are followed.
    threshold: f32,
    /// The size of a voxel along each axis, in the coordinates of the integration.
    unit_z: f32,
    unit_y: f32,
    unit_x: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [4][voxel]: dZ, dY, dX and cellprob, the network's outputs.
@group(0) @binding(1) var<storage, read> sums: array<f32>;
// [voxel]: (dz, dy, dx) of a step, and 0.
@group(0) @binding(2) var<storage, read_write> field: array<vec4f>;
// [voxel]: (z, y, x), and 1 if it is followed.
@group(0) @binding(3) var<storage, read_write> positions: array<vec4f>;

// Whether `follow_flows` interpolates.
override INTERP: bool = true;

@compute @workgroup_size(16, 4)
fn flow_field(@builtin(global_invocation_id) xyz: vec3u) {
    if is_outside(xyz.zyx) {
        return;
    }
    let at = place_of(xyz.zyx);
    var step = vec4f();
    var position = vec4f();
    let voxels = params.width * params.height * params.depth;
    if sums[3u * voxels + at] > params.threshold {
        let flow = vec3f(sums[at], sums[voxels + at], sums[2u * voxels + at]);
        step = vec4f(flow / 5.0 * vec3f(params.unit_z, params.unit_y, params.unit_x), 0.0);
        let place = vec3f(xyz.zyx);
        position = vec4f(select(place, place / vec3f(last_place()) * 2.0 - 1.0, INTERP), 1.0);
    }
    field[at] = step;
    positions[at] = position;
}
