// Values of f32 in a buffer, read and written in pairs, as 64-bit integers.
//
// For software adapters: a CPU gathers the values of a subgroup one by one, and 64 bits take as long as 32.

fn low_of(pair: u64) -> f32 {
    return bitcast<f32>(u32(pair));
}

fn high_of(pair: u64) -> f32 {
    return bitcast<f32>(u32(pair >> 32u));
}

fn pair(low: u32, high: u32) -> u64 {
    return u64(low) | (u64(high) << 32u);
}

// Four values of 32 bits.
alias Four = vec2<u64>;

fn from_four(four: Four) -> vec4f {
    return vec4f(low_of(four.x), high_of(four.x), low_of(four.y), high_of(four.y));
}

fn to_four(value: vec4f) -> Four {
    let bits = bitcast<vec4u>(value);
    return Four(pair(bits.x, bits.y), pair(bits.z, bits.w));
}
