//! NEON: a block is four of 32 registers.

use std::arch::aarch64::{float32x4_t, vaddq_f32, vbslq_f32, vcgtq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

use super::{Block, Lanes, Work};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Lanes for Neon {
    type Vector = [float32x4_t; 4];
    // 4 x 6 sums, 4 weights and an input.
    const GROUP: usize = 1;
    const PIXELS: usize = 6;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has NEON.
        [unsafe { vdupq_n_f32(value) }; 4]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        let [a, b, c, d] = quarters(&block.0);
        // SAFETY: `self` exists, so this machine has NEON; each quarter of a block is four readable values.
        unsafe { [vld1q_f32(a.as_ptr()), vld1q_f32(b.as_ptr()), vld1q_f32(c.as_ptr()), vld1q_f32(d.as_ptr())] }
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, block: &mut Block) {
        for (vector, values) in vector.into_iter().zip(block.0.as_chunks_mut::<4>().0) {
            // SAFETY: `self` exists, so this machine has NEON; `values` is four writable values.
            unsafe { vst1q_f32(values.as_mut_ptr(), vector) }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for i in 0..4 {
            // SAFETY: `self` exists, so this machine has NEON.
            b[i] = unsafe { vaddq_f32(a[i], b[i]) };
        }
        b
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, mut c: Self::Vector) -> Self::Vector {
        for i in 0..4 {
            // SAFETY: `self` exists, so this machine has NEON.
            c[i] = unsafe { vfmaq_f32(c[i], a[i], b[i]) };
        }
        c
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for i in 0..4 {
            // SAFETY: `self` exists, so this machine has NEON.
            b[i] = unsafe { vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i]) };
        }
        b
    }

    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "neon")]
        fn compiled<W: Work>(lanes: Neon, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: `self` exists, so this machine has NEON.
        unsafe { compiled(self, work) }
    }
}

#[inline(always)]
fn quarters(values: &[f32; 16]) -> [&[f32; 4]; 4] {
    let (quarters, _) = values.as_chunks::<4>();
    [&quarters[0], &quarters[1], &quarters[2], &quarters[3]]
}
