// Up to 32 rows of a column per invocation of `flow_error`.
const ROWS = 32u;

struct Next {
    a: Eight,
    b: Eight,
    c: Eight,
    d: Eight,
}

fn next_rows(start: u32, inside: u32, width: u32) -> Next {
    return Next(
        next_eight(start, inside, width),
        next_eight(start + 8u * width, inside >> 8u, width),
        next_eight(start + 16u * width, inside >> 16u, width),
        next_eight(start + 24u * width, inside >> 24u, width),
    );
}

fn write_rows(start: u32, inside: u32, more: u32, width: u32, next: Next) {
    write_eight(start, inside, more, width, next.a);
    write_eight(start + 8u * width, inside >> 8u, more >> 8u, width, next.b);
    write_eight(start + 16u * width, inside >> 16u, more >> 16u, width, next.c);
    write_eight(start + 24u * width, inside >> 24u, more >> 24u, width, next.d);
}
