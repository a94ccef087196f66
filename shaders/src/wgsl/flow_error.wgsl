// The flow error of masks whose boxes fit into workgroup memory.
//
// Heat diffuses from the mask's center over the mask, and its gradient is compared with the network's flow.
//
// Grid: one workgroup of LANES per mask, from `first` on. An invocation has up to ROWS rows of one column of the box.

struct Params {
    /// Width and pixels of the plane.
    width: u32,
    pixels: u32,
    /// The first box of this dispatch.
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
// [pixel].
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// [2 or more][pixel]: dY and dX, the network's outputs.
@group(0) @binding(3) var<storage, read> planes: array<f32>;
// [label][2]: the output of `center`.
@group(0) @binding(4) var<storage, read> nearest: array<u32>;
// [box]: the sums of the squared differences and of the bounds of their rounding.
@group(0) @binding(5) var<storage, read_write> errors: array<vec2f>;

// Invocations of a workgroup, a power of two. Hardware needs many; software adapters run a few at once, with a cost for
// each at every barrier.
override LANES: u32 = 256u;
// Most cells of a box with its border.
const CELLS = 4096u;

var<workgroup> heat: array<f32, CELLS>;

fn three(at: u32) -> f32 {
    return heat[at - 1u] + heat[at] + heat[at + 1u];
}

// New heat of 8 rows of an invocation. Named, since an indexed array would be placed in memory.
struct Eight {
    n0: f32,
    n1: f32,
    n2: f32,
    n3: f32,
    n4: f32,
    n5: f32,
    n6: f32,
    n7: f32,
}

// The mean heat around 8 rows from `start` on, up to the last row inside the mask; bit i of `inside` is that of row i.
fn next_eight(start: u32, inside: u32, width: u32) -> Eight {
    var next = Eight();
    if inside == 0u {
        return next;
    }
    // If the first row is the border, the row above it is not used.
    var above = three(max(start, width + 1u) - width);
    var here = three(start);
    var below = three(start + width);
    next.n0 = 1.0 / 9.0 * (above + here + below);
    if inside >> 1u != 0u {
        above = three(start + 2u * width);
        next.n1 = 1.0 / 9.0 * (here + below + above);
    }
    if inside >> 2u != 0u {
        here = three(start + 3u * width);
        next.n2 = 1.0 / 9.0 * (below + above + here);
    }
    if inside >> 3u != 0u {
        below = three(start + 4u * width);
        next.n3 = 1.0 / 9.0 * (above + here + below);
    }
    if inside >> 4u != 0u {
        above = three(start + 5u * width);
        next.n4 = 1.0 / 9.0 * (here + below + above);
    }
    if inside >> 5u != 0u {
        here = three(start + 6u * width);
        next.n5 = 1.0 / 9.0 * (below + above + here);
    }
    if inside >> 6u != 0u {
        below = three(start + 7u * width);
        next.n6 = 1.0 / 9.0 * (above + here + below);
    }
    if inside >> 7u != 0u {
        above = three(start + 8u * width);
        next.n7 = 1.0 / 9.0 * (here + below + above);
    }
    return next;
}

// Writes the row of bit `row`, with one more unit of heat if `more` has its bit.
fn write_row(start: u32, row: u32, inside: u32, more: u32, width: u32, value: f32) {
    if ((inside >> row) & 1u) != 0u {
        heat[start + row * width] = value + f32((more >> row) & 1u);
    }
}

fn write_eight(start: u32, inside: u32, more: u32, width: u32, next: Eight) {
    write_row(start, 0u, inside, more, width, next.n0);
    write_row(start, 1u, inside, more, width, next.n1);
    write_row(start, 2u, inside, more, width, next.n2);
    write_row(start, 3u, inside, more, width, next.n3);
    write_row(start, 4u, inside, more, width, next.n4);
    write_row(start, 5u, inside, more, width, next.n5);
    write_row(start, 6u, inside, more, width, next.n6);
    write_row(start, 7u, inside, more, width, next.n7);
}

@compute @workgroup_size(LANES)
fn flow_error(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let box = boxes[params.first + group.x];
    let center = ~nearest[2u * box.label + 1u];
    let column = lane % box.width;
    let row = lane / box.width * box.rows;
    let start = row * box.width + column;
    // The pixel of the first row; pixels before the plane are never read.
    let pixel = (box.top + row - 1u) * params.width + box.left + column - 1u;
    // One bit per row: whether the cell belongs to the mask, and whether it is the center.
    var inside = 0u;
    var hot = 0u;
    for (var i = 0u; i < box.rows; i++) {
        let at = pixel + i * params.width;
        if row + i < box.height {
            // Less 1, the first row and column of the border wrap around to the largest number.
            if all(vec2u(row + i, column) - 1u < vec2u(box.height, box.width) - 2u) {
                if labels[at] == box.label {
                    inside |= 1u << i;
                    hot |= u32(at == center) << i;
                }
            }
            heat[start + i * box.width] = f32((hot >> i) & 1u);
        }
    }

    let rounds = 2u * (box.height + box.width);
    for (var round = 1u; round <= rounds; round++) {
        workgroupBarrier();
        let next = next_rows(start, inside, box.width);
        workgroupBarrier();
        write_rows(start, inside, select(0u, hot, round < rounds), box.width, next);
    }
    workgroupBarrier();

    var sums = vec2f();
    for (var i = 0u; i < ROWS; i++) {
        if (inside >> i) == 0u {
            break;
        }
        if ((inside >> i) & 1u) != 0u {
            let at = start + i * box.width;
            let there = pixel + i * params.width;
            let network = vec2f(planes[there], planes[params.pixels + there]);
            sums += difference(heat[at - box.width], heat[at + box.width], heat[at - 1u], heat[at + 1u], network);
        }
    }
    workgroupBarrier();
    heat[lane] = sums.x;
    heat[lane + LANES] = sums.y;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            heat[lane] += heat[lane + half];
            heat[lane + LANES] += heat[lane + LANES + half];
        }
    }
    if lane == 0u {
        errors[params.first + group.x] = vec2f(heat[0], heat[LANES]);
    }
}
