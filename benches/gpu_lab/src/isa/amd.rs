//! The text of ACO, the compiler of RADV: `BB1:`, then a line per instruction with its code after a semicolon.

use super::{Item, Kind, word};

/// The label or the instructions of a line: `v_dual_fmac_f32 ... :: v_dual_mov_b32 ...` are two.
pub(super) fn items(line: &str) -> Vec<Item> {
    let code = line.split(';').next().unwrap_or_default().trim();
    match code.strip_suffix(':') {
        Some(label) => vec![Item::Label(label.into())],
        None => code.split(" :: ").filter_map(instruction).collect(),
    }
}

fn instruction(code: &str) -> Option<Item> {
    let (name, operands) = word(code);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.contains('_') {
        return None;
    }
    let jumps = name.starts_with("s_branch") || name.starts_with("s_cbranch");
    Some(Item::Instruction(kind(name), jumps.then(|| operands.trim().into())))
}

fn kind(name: &str) -> Kind {
    let (space, rest) = name.split_once('_').unwrap_or((name, ""));
    let rest = rest.trim_start_matches("dual_").trim_start_matches("pk_");
    match space {
        "v" if rest.starts_with("wmma") || rest.starts_with("mfma") => Kind::Matrix,
        "v" if ["fma", "fmac", "mad_f", "mad_mix", "mac_f"].iter().any(|add| rest.starts_with(add)) => {
            Kind::MultiplyAdd
        }
        "v" if rest.starts_with("nop") => Kind::Hint,
        "ds" if rest.contains("16") || rest.contains("_u8") || rest.contains("_i8") || rest.contains("_b8") => {
            Kind::Workgroup16
        }
        "ds" if rest.contains("permute") || rest.contains("swizzle") => Kind::Other,
        "ds" => Kind::Workgroup,
        "scratch" => Kind::Local,
        "buffer" | "global" | "flat" | "tbuffer" => Kind::Buffer,
        "s" if rest.starts_with("load") || rest.starts_with("buffer_load") => Kind::Buffer,
        "s" if ["nop", "delay_alu", "clause", "code_end", "inst_prefetch", "set_inst_prefetch", "sleep"]
            .iter()
            .any(|hint| rest.starts_with(hint)) =>
        {
            Kind::Hint
        }
        "s" if ["branch", "cbranch", "wait", "barrier", "endpgm", "sendmsg"].iter().any(|c| rest.starts_with(c)) => {
            Kind::Control
        }
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Family;

    const LOOP: &str = "\
BB3:
\ts_delay_alu instid0(VALU_DEP_1)                             ; bf870001
\tv_fmac_f32_e32 v1, v2, v3                                   ; 56020702
\tv_dual_fmac_f32 v4, v5, v6 :: v_dual_mov_b32 v7, v8         ; c8100d05
\tv_pk_fma_f16 v9, v10, v11, v9                               ; cc0e4009
\tds_load_b128 v[12:15], v16 offset:64                        ; dbfc0040
\tds_load_u16_d16 v17, v18                                    ; dbf80000
\tbuffer_load_b128 v[20:23], v24, s[0:3], 0 offen             ; e05c0000
\ts_cbranch_scc1 BB3                                          ; bfa2fff0
BB4:
\ts_endpgm                                                    ; bfb00000
";

    #[test]
    fn a_loop_is_counted() {
        let inner = super::super::count(Family::Amd, LOOP).inner.unwrap();
        assert_eq!((inner.products(), inner.total()), (3, 8), "a dual instruction is two");
        assert_eq!((inner.of(Kind::Workgroup), inner.of(Kind::Workgroup16), inner.of(Kind::Buffer)), (1, 1, 1));
    }

    #[test]
    fn matrices_and_scratch_are_told_apart() {
        for (name, expected) in [
            ("v_wmma_f32_16x16x16_f16", Kind::Matrix),
            ("v_fma_mix_f32", Kind::MultiplyAdd),
            ("v_mad_u32_u24", Kind::Other),
            ("v_mad_mix_f32", Kind::MultiplyAdd),
            ("scratch_load_b32", Kind::Local),
            ("s_waitcnt", Kind::Control),
            ("ds_bpermute_b32", Kind::Other),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
