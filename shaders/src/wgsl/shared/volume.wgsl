// Positions (z, y, x) in a volume. Uses the shader's params.depth, params.height and params.width.

fn place_of(at: vec3u) -> u32 {
    return (at.x * params.height + at.y) * params.width + at.z;
}

fn last_place() -> vec3u {
    return vec3u(params.depth, params.height, params.width) - 1u;
}

fn is_outside(at: vec3u) -> bool {
    return any(at > last_place());
}

// The bin of an end point, truncated and clamped to the volume, even if it is NaN.
fn bin_of(end: vec3f) -> u32 {
    return place_of(min(vec3u(max(end, vec3f())), last_place()));
}
