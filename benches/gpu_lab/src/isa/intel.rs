//! The text of ANV's compiler: `L4:`, then `(W) mad (16) r1:f r2:f r3:f r4:f {Compacted} // ...`.
//!
//! A loop ends with `while (16) L4`.

use super::{Item, Kind, word};

pub(super) fn item(line: &str) -> Option<Item> {
    let (code, comment) = line.split_once("//").unwrap_or((line, ""));
    let mut code = code.trim();
    if let Some(label) = code.strip_suffix(':').filter(|label| label.starts_with('L')) {
        return Some(Item::Label(label.into()));
    }
    // A predicate, `(f0.0)`, or that all invocations run it, `(W)`.
    if code.starts_with('(') {
        code = code.split_once(')').map_or("", |(_, rest)| rest.trim_start());
    }
    let (name, operands) = word(code);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let target = operands.split_whitespace().find(|word| name == "while" && word.starts_with('L'));
    Some(Item::Instruction(kind(name, operands, comment), target.map(String::from)))
}

fn kind(name: &str, operands: &str, comment: &str) -> Kind {
    let (name, memory) = name.split_once('.').unwrap_or((name, ""));
    match name {
        "dpas" => Kind::Matrix,
        // The operands of a sum of numbers with a fraction have the types `f` and `hf`.
        "mad" if operands.contains(":f") || operands.contains(":hf") => Kind::MultiplyAdd,
        "send" | "sendc" => message(memory, comment),
        "sync" if memory == "nop" => Kind::Hint,
        "sync" | "while" | "break" | "cont" | "if" | "else" | "endif" | "halt" | "jmpi" | "goto" | "join" => {
            Kind::Control
        }
        _ => Kind::Other,
    }
}

/// The kind of memory that a message concerns: `load.slm.d32x4.a32`.
fn message(memory: &str, comment: &str) -> Kind {
    match memory {
        "slm" if comment.contains(".d16") || comment.contains(".d8") => Kind::Workgroup16,
        "slm" => Kind::Workgroup,
        "gtwy" => Kind::Control,
        // Scratch is addressed by a surface of its own; the parameters' push constants are read by blocks.
        _ if comment.contains(".ss[") && !comment.contains("16t") => Kind::Local,
        _ => Kind::Buffer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Family;

    const LOOP: &str = "\
L7:
(W)     mad (8)                   r9            1024:uw           r9:uw             4:uw
        mad (16)                  r70:f         r70:f             r5:f              r41<1>:f
(f0.0)  mad (16)                  r71:f         r71:f             r5:f              r42<1>:f  {Compacted}
        sync.nop                             null                              {Compacted,$4.dst}
        send.slm (16)             r32     r41    null:0  0x012C0000  0x02403500   {$14}  // wr:1+0, rd:4; load.slm.d32x4.a32.?
        send.ugm (16)             null    r96    r95:1   a0.4        0x42000504   {$6}  // wr:1+1, rd:0; store.ugm.d32.a32.ss[a0.4]
        send.ugm (16)             r3      r74    null:0  0x01000000  0x6210D500   {$0}  // wr:1+0, rd:1; load.ugm.d32x4.a32.bti[1]

L8:
        while (16)                            L7
";

    #[test]
    fn a_loop_is_counted() {
        let inner = super::super::count(Family::Intel, LOOP).inner.unwrap();
        assert_eq!((inner.products(), inner.total()), (2, 7));
        assert_eq!((inner.of(Kind::Workgroup), inner.of(Kind::Local), inner.of(Kind::Buffer)), (1, 1, 1));
    }
}
