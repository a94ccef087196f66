// Grids of one dimension. An axis has at most 65,535 workgroups, so workgroups are counted row by row over x and y.

// Invocations of a workgroup.
const LINEAR_WORKGROUP = 64u;

// The number of a workgroup.
fn workgroup_number(group: vec3u, groups: vec3u) -> u32 {
    return group.y * groups.x + group.x;
}

// The number of an invocation, in workgroups of LINEAR_WORKGROUP.
fn invocation_number(group: vec3u, groups: vec3u, lane: u32) -> u32 {
    return workgroup_number(group, groups) * LINEAR_WORKGROUP + lane;
}
