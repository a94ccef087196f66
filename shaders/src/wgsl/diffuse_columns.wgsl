// All rounds of the heat diffusion in masks whose boxes fit into the registers of few invocations.
//
// For software adapters (Mesa's llvmpipe), where registers and subgroup operations are cheap and all other memory is
// expensive. An invocation has 16 rows of some adjacent columns (`Row`), unrolled by hand, since an indexed array
// would live in memory. A subgroup of LANES invocations has 16 rows of the box, and STACK stacked subgroups the whole
// box. Values beside a row come by a shuffle within the subgroup, those above and below through workgroup memory.
//
// Grid: one workgroup per mask, from `first` on.

struct Params {
    /// Width of the plane.
    width: u32,
    /// The first box of this dispatch.
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
// [pixel].
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// [label][2]: the output of `center`.
@group(0) @binding(3) var<storage, read> nearest: array<u32>;
// [pixel]. Initially zero; only pixels of the masks are written.
@group(0) @binding(4) var<storage, read_write> heat: array<f32>;

// Invocations of a subgroup.
override LANES: u32 = 8u;
// Subgroups of a workgroup.
override STACK: u32 = 2u;

const ROWS = 16u;
// At least 4 * STACK * LANES.
const EDGES = 512u;

struct Rows {
    r0: Row,
    r1: Row,
    r2: Row,
    r3: Row,
}

struct Strip {
    a: Rows,
    b: Rows,
    c: Rows,
    d: Rows,
}

// Rows between memory and registers, for loops, which need an index.
var<private> staged: array<Row, ROWS>;

// [round % 2][subgroup][first and last row][lane].
var<workgroup> edges: array<Row, EDGES>;

var<private> lane: u32;

// The value of the invocation to the left, 0 at the box's border.
fn left(value: f32) -> f32 {
    return select(subgroupShuffleUp(value, 1u), 0.0, lane == 0u);
}

// The value of the invocation to the right, 0 at the box's border.
fn right(value: f32) -> f32 {
    return select(subgroupShuffleDown(value, 1u), 0.0, lane == LANES - 1u);
}

fn staged_rows(at: u32) -> Rows {
    return Rows(staged[at], staged[at + 1u], staged[at + 2u], staged[at + 3u]);
}

fn staged_strip() -> Strip {
    return Strip(staged_rows(0u), staged_rows(4u), staged_rows(8u), staged_rows(12u));
}

fn stage(at: u32, rows: Rows) {
    staged[at] = rows.r0;
    staged[at + 1u] = rows.r1;
    staged[at + 2u] = rows.r2;
    staged[at + 3u] = rows.r3;
}

fn sum(a: Rows, b: Rows) -> Rows {
    return Rows(a.r0 + b.r0, a.r1 + b.r1, a.r2 + b.r2, a.r3 + b.r3);
}

// The next round's heat: for each cell the sum of the 3 x 3 around it, times `share`.
fn spread(above: Row, rows: Rows, below: Row, share: Rows) -> Rows {
    return Rows(
        across(above + rows.r0 + rows.r1, share.r0),
        across(rows.r0 + rows.r1 + rows.r2, share.r1),
        across(rows.r1 + rows.r2 + rows.r3, share.r2),
        across(rows.r2 + rows.r3 + below, share.r3),
    );
}

// A ninth if the cell belongs to the mask, else 0.
fn share_of(box: Box, row: u32, column: u32) -> f32 {
    if any(vec2u(row, column) >= vec2u(box.height, box.width) - 2u) {
        return 0.0;
    }
    let label = labels[(box.top + row) * params.width + box.left + column];
    return select(0.0, 1.0 / 9.0, label == box.label);
}

fn keep(at: u32, value: f32) {
    // Cells outside the mask stay at 0.
    if value > 0.0 {
        heat[at] = value;
    }
}

@compute @workgroup_size(LANES, STACK)
fn diffuse_columns(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let box = boxes[params.first + group.x];
    lane = local.x;
    let column = local.x * COLUMNS;
    let row = local.y * ROWS;

    for (var i = 0u; i < ROWS; i++) {
        staged[i] = shares(box, row + i, column);
    }
    let share = staged_strip();
    let center = ~nearest[2u * box.label + 1u];
    let hot = vec2u(center / params.width - box.top, center % params.width - box.left);
    for (var i = 0u; i < ROWS; i++) {
        staged[i] = one_at(hot.y - column) * f32(row + i == hot.x);
    }
    let source = staged_strip();

    var now = Strip();
    for (var round = 0u; round < 2u * (box.height + box.width); round++) {
        let a = sum(now.a, source.a);
        let b = sum(now.b, source.b);
        let c = sum(now.c, source.c);
        let d = sum(now.d, source.d);
        var above = Row();
        var below = Row();
        let at = (round % 2u * STACK + local.y) * 2u * LANES + lane;
        edges[at] = a.r0;
        edges[at + LANES] = d.r3;
        workgroupBarrier();
        if local.y > 0u {
            above = edges[at - LANES];
        }
        if local.y < STACK - 1u {
            below = edges[at + 2u * LANES];
        }
        now = Strip(
            spread(above, a, b.r0, share.a),
            spread(a.r3, b, c.r0, share.b),
            spread(b.r3, c, d.r0, share.c),
            spread(c.r3, d, below, share.d),
        );
    }

    stage(0u, now.a);
    stage(4u, now.b);
    stage(8u, now.c);
    stage(12u, now.d);
    for (var i = 0u; i < ROWS; i++) {
        keep_row((box.top + row + i) * params.width + box.left + column, staged[i]);
    }
}
