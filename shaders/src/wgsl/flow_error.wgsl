// The flow error of masks whose boxes fit into workgroup memory.
//
// Heat diffuses from the mask's center over the mask, and its gradient is compared with the network's flow.
//
// Grid: one workgroup of LANES per mask, from `first` on. An invocation has some rows of one column of the box.

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
// Most rows of an invocation.
const ROWS = 32u;
// Most cells of a box with its border.
const CELLS = 4096u;

var<workgroup> heat: array<f32, CELLS>;

fn three(at: u32) -> f32 {
    return heat[at - 1u] + heat[at] + heat[at + 1u];
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

    var next: array<f32, ROWS>;
    let rounds = 2u * (box.height + box.width);
    for (var round = 1u; round <= rounds; round++) {
        workgroupBarrier();
        if inside != 0u {
            // If the first row is the border, the row above it is not used.
            var above = three(max(start, box.width + 1u) - box.width);
            var here = three(start);
            for (var i = 0u; i < ROWS; i++) {
                if (inside >> i) == 0u {
                    break;
                }
                let below = three(start + (i + 1u) * box.width);
                next[i] = 1.0 / 9.0 * (above + here + below);
                above = here;
                here = below;
            }
        }
        workgroupBarrier();
        let more = select(0u, hot, round < rounds);
        for (var i = 0u; i < ROWS; i++) {
            if (inside >> i) == 0u {
                break;
            }
            if ((inside >> i) & 1u) != 0u {
                heat[start + i * box.width] = next[i] + f32((more >> i) & 1u);
            }
        }
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
