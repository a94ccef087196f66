//! The text of NAK, the compiler of NVK: blocks with a label, then `@p0 r1 = ffma r2 r3 r4 // delay=1`.

use super::{Item, Kind, word};

pub(super) fn item(line: &str) -> Option<Item> {
    let mut code = line.split("//").next().unwrap_or_default().trim();
    if code.starts_with("block") {
        // `block.u 3 L2 [1, 7] -> {`
        return code.split_whitespace().find(|word| is_label(word)).map(|label| Item::Label(label.into()));
    }
    if code.starts_with('@') {
        code = word(code).1.trim_start();
    }
    if let Some((_, right)) = code.split_once("= ") {
        code = right;
    }
    let (name, operands) = word(code);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let target = operands.split_whitespace().find(|word| name == "bra" && is_label(word));
    Some(Item::Instruction(kind(name), target.map(String::from)))
}

fn is_label(word: &str) -> bool {
    word.strip_prefix('L').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn kind(name: &str) -> Kind {
    let parts: Vec<&str> = name.split('.').collect();
    let narrow = ["b16", "u16", "i16", "b8", "u8", "i8"].iter().any(|width| parts.contains(width));
    match (parts[0], parts.get(1).copied()) {
        ("hmma" | "imma" | "mma", _) => Kind::Matrix,
        ("ffma" | "hfma2" | "dfma", _) => Kind::MultiplyAdd,
        ("ld" | "st" | "atom" | "red", Some("shared")) if narrow => Kind::Workgroup16,
        ("ld" | "st" | "atom" | "red", Some("shared")) | ("ldsm" | "ldsm_t", _) => Kind::Workgroup,
        ("ld" | "st", Some("local")) => Kind::Local,
        ("ld" | "st" | "atom" | "red" | "ldc" | "suld" | "sust" | "cctl", _) => Kind::Buffer,
        ("nop", _) => Kind::Hint,
        ("bra" | "bsync" | "bssy" | "bclear" | "break" | "warpsync" | "bar" | "membar" | "exit", _) => Kind::Control,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Family;

    const LOOP: &str = "\
block.u 18 L32 [16] -> {
      nop L0                                                // delay=1
      r4..8     = ld.shared.strong.cta.b128 [r9+0x10]       // delay=1 wr:0
      r3        = ld.shared.strong.cta.u16 [r9]             // delay=1 wr:1
@!p1  r10       = ffma.ftz r4 r5 r10                        // delay=4 wt=000001
      r11       = ffma.ftz r4 r6 r11                        // delay=4
      ur3       = ldc.b32 cx[ur18..20][+0x8]                // delay=1
      r12       = isetp.lt.u32 r11 r3                       // delay=1
@!p0  bra pT L32                                            // delay=1 wt=011110
} -> [19]
block 19 L27 [18] -> {
      exit                                                  // delay=1
} -> []
";

    #[test]
    fn a_loop_is_counted() {
        let program = super::super::count(Family::Nvidia, LOOP);
        assert_eq!(program.whole.total(), 8);
        let inner = program.inner.unwrap();
        assert_eq!((inner.products(), inner.total()), (2, 7));
        assert_eq!((inner.of(Kind::Workgroup), inner.of(Kind::Workgroup16), inner.of(Kind::Buffer)), (1, 1, 1));
    }

    #[test]
    fn matrices_and_local_memory_are_told_apart() {
        for (name, expected) in [
            ("hmma.m16n8k16.f32", Kind::Matrix),
            ("ldsm.16.m8n8.x4", Kind::Workgroup),
            ("st.local.b32", Kind::Local),
            ("imad", Kind::Other),
            ("st.global.a64.strong.gpu.u16", Kind::Buffer),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
