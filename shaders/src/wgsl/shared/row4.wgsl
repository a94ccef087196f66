// Four adjacent cells, for `diffuse_columns`.
alias Row = vec4f;

const COLUMNS = 4u;

fn across(v: Row, share: Row) -> Row {
    let pairs = v.xz + v.yw;
    return share * (vec4f(left(v.w), pairs.x, v.y, pairs.y) + vec4f(pairs.x, v.z, pairs.y, right(v.x)));
}

fn shares(box: Box, row: u32, column: u32) -> Row {
    return Row(
        share_of(box, row, column), share_of(box, row, column + 1u),
        share_of(box, row, column + 2u), share_of(box, row, column + 3u)
    );
}

// 1 at an index, else 0.
fn one_at(place: u32) -> Row {
    return Row(vec4u(place) == vec4u(0u, 1u, 2u, 3u));
}

fn keep_row(at: u32, v: Row) {
    keep(at, v.x);
    keep(at + 1u, v.y);
    keep(at + 2u, v.z);
    keep(at + 3u, v.w);
}
