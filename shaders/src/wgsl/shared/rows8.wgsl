// Up to 8 rows of a column per invocation of `flow_error`.
const ROWS = 8u;
alias Next = Eight;

fn next_rows(start: u32, inside: u32, width: u32) -> Next {
    return next_eight(start, inside, width);
}

fn write_rows(start: u32, inside: u32, more: u32, width: u32, next: Next) {
    write_eight(start, inside, more, width, next);
}
