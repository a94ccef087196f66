// Weights that the first 8 invocations of a subgroup hold for all of it. Made for processors (Mesa's llvmpipe): there a
// value of one address is loaded for each of its channels, with its bounds, where a lane of a vector is an instruction.

// The four weights that lanes 0 to 3 hold.
fn low(part: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(part, 0u), subgroupBroadcast(part, 1u), subgroupBroadcast(part, 2u), subgroupBroadcast(part, 3u)
    );
}

// The four weights that lanes 4 to 7 hold.
fn high(part: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(part, 4u), subgroupBroadcast(part, 5u), subgroupBroadcast(part, 6u), subgroupBroadcast(part, 7u)
    );
}
