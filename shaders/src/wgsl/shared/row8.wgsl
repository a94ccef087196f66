// Eight adjacent cells, for `diffuse_columns`.
alias Row = mat2x4f;

const COLUMNS = 8u;

fn across(v: Row, share: Row) -> Row {
    let a = v[0];
    let b = v[1];
    let p = a.xz + a.yw;
    let q = b.xz + b.yw;
    return Row(
        share[0] * (vec4f(left(b.w), p.x, a.y, p.y) + vec4f(p.x, a.z, p.y, b.x)),
        share[1] * (vec4f(a.w, q.x, b.y, q.y) + vec4f(q.x, b.z, q.y, right(a.x)))
    );
}

fn shares(box: Box, row: u32, column: u32) -> Row {
    return Row(
        share_of(box, row, column), share_of(box, row, column + 1u),
        share_of(box, row, column + 2u), share_of(box, row, column + 3u),
        share_of(box, row, column + 4u), share_of(box, row, column + 5u),
        share_of(box, row, column + 6u), share_of(box, row, column + 7u)
    );
}

// 1 at an index, else 0.
fn one_at(place: u32) -> Row {
    return Row(vec4f(vec4u(place) == vec4u(0u, 1u, 2u, 3u)), vec4f(vec4u(place) == vec4u(4u, 5u, 6u, 7u)));
}

fn keep_row(at: u32, v: Row) {
    keep(at, v[0].x);
    keep(at + 1u, v[0].y);
    keep(at + 2u, v[0].z);
    keep(at + 3u, v[0].w);
    keep(at + 4u, v[1].x);
    keep(at + 5u, v[1].y);
    keep(at + 6u, v[1].z);
    keep(at + 7u, v[1].w);
}
