// Weights that the first 8 invocations of a subgroup load for the whole subgroup.
//
// For software adapters (Mesa's llvmpipe): there, a load of one address takes a bounds check and a load for each component,
// and a broadcast is one instruction.

// The four weights of lanes 0 to 3.
fn low(part: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(part, 0u), subgroupBroadcast(part, 1u), subgroupBroadcast(part, 2u), subgroupBroadcast(part, 3u)
    );
}

// The four weights of lanes 4 to 7.
fn high(part: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(part, 4u), subgroupBroadcast(part, 5u), subgroupBroadcast(part, 6u), subgroupBroadcast(part, 7u)
    );
}
