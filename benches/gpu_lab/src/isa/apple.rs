//! The text of Honeykrisp's compiler: `1b2: 520d50020008 while r72, 0, 1, ine`, after its intermediate forms.
//!
//! A loop ends with `jmp_any -724`, in bytes from the jump. Further programs that prepare constants follow the shader.

use super::{Item, Kind};

pub(super) fn items(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for (address, name, operands) in text.lines().filter_map(instruction) {
        items.push(Item::Label(address.to_string()));
        let target = name.starts_with("jmp").then(|| operands.trim().parse::<i64>().ok()).flatten();
        items.push(Item::Instruction(kind(name, operands), target.map(|offset| (address + offset).to_string())));
        if name == "stop" {
            break;
        }
    }
    items
}

/// The address, the name and the operands of an instruction.
fn instruction(line: &str) -> Option<(i64, &str, &str)> {
    let (address, rest) = line.trim_start().split_once(": ")?;
    let address = i64::from_str_radix(address, 16).ok()?;
    let (code, rest) = super::word(rest);
    let is_code = code.len() >= 4 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (name, operands) = super::word(rest);
    is_code.then_some((address, name, operands))
}

fn kind(name: &str, operands: &str) -> Kind {
    match name {
        "ffma" | "hfma" => Kind::MultiplyAdd,
        "simd_matrix_ffma" | "matmul" => Kind::Matrix,
        "lload" | "lstore" if operands.contains(", i16,") || operands.contains(", i8,") => Kind::Workgroup16,
        "lload" | "lstore" | "latomic" => Kind::Workgroup,
        "stack_load" | "stack_store" => Kind::Local,
        "load" | "store" | "atomic" | "uniform_store" => Kind::Buffer,
        "if" | "else" | "while" | "pop_exec" | "break" | "barrier" | "wait" | "stop" | "jmp_any" | "jmp_none" => {
            Kind::Control
        }
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Family;

    const TEXT: &str = "\
    32x3     %1 = @load_workgroup_id
   0: f2050000               mov      $r1, threadgroup_in_grid_x
   4: 520d50020008           while    r72, 0, 1, ine
   a: 20c082220000           jmp_none 30
  10: 3a0000000000           ffma     r1, r2, r3, r1
  16: 690000000000           lload    r4_r5_r6_r7, r8l, 0, i32, xyzw
  1a: 690000000000           lload    r8l, r8l, 0, i16, x
  1c: 00c0e8ffffff           jmp_any  -24
  22: 8800                   stop
   0: 3a0000000000           ffma     r1, r2, r3, r1
";

    #[test]
    fn a_loop_is_counted_and_further_programs_are_not() {
        let program = super::super::count(Family::Apple, TEXT);
        assert_eq!((program.whole.total(), program.whole.products()), (8, 1));
        let inner = program.inner.unwrap();
        assert_eq!((inner.products(), inner.total()), (1, 6));
        assert_eq!((inner.of(Kind::Workgroup), inner.of(Kind::Workgroup16)), (1, 1));
    }
}
