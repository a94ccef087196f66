// Activations in a buffer, read and written directly.
alias Packed = Stored;

fn from_packed(packed: Packed) -> vec4f {
    return vec4f(packed);
}

fn to_packed(value: vec4f) -> Packed {
    return Packed(value);
}
