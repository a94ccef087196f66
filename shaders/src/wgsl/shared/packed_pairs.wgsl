// Activations of f32 in a buffer, read and written in pairs.
alias Packed = Four;

fn from_packed(packed: Packed) -> vec4f {
    return from_four(packed);
}

fn to_packed(value: vec4f) -> Packed {
    return to_four(value);
}
