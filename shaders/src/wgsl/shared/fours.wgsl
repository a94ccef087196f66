// Four values of 32 bits, read and written as they are.
alias Four = vec4f;

fn from_four(four: Four) -> vec4f {
    return four;
}

fn to_four(value: vec4f) -> Four {
    return value;
}
