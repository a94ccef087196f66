// Places in a volume of params.depth x params.height x params.width: (z, y, x).

fn place_of(at: vec3u) -> u32 {
    return (at.x * params.height + at.y) * params.width + at.z;
}

fn last_place() -> vec3u {
    return vec3u(params.depth, params.height, params.width) - 1u;
}

fn is_outside(at: vec3u) -> bool {
    return any(at > last_place());
}

// The bin of an end point: truncated, kept inside of the volume, whatever a NaN becomes.
fn bin_of(end: vec3f) -> u32 {
    return place_of(min(vec3u(max(end, vec3f())), last_place()));
}
