// Four values of f32 in a buffer, read and written directly.
alias Four = vec4f;

fn from_four(four: Four) -> vec4f {
    return four;
}

fn to_four(value: vec4f) -> Four {
    return value;
}
