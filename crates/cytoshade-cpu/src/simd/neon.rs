//! NEON: a block takes four of 32 registers, half a block two.

use std::arch::aarch64::{float32x4_t, vaddq_f32, vbslq_f32, vcgtq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

use super::{Block, Lanes, Work};

/// NEON with `N` registers a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon<const N: usize>(());

impl Neon<4> {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl<const N: usize> Lanes for Neon<N> {
    type Vector = [float32x4_t; N];
    type Half = Neon<2>;
    // 24 sums, up to 4 weights and an input.
    const GROUP: usize = 1;
    const PIXELS: usize = 24 / N;

    #[inline(always)]
    fn half(self) -> Neon<2> {
        Neon(())
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has NEON.
        [unsafe { vdupq_n_f32(value) }; N]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        let (quarters, _) = block.0.as_chunks::<4>();
        let mut vector = self.splat(0.0);
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has NEON; each quarter of a block is four readable values.
            vector[i] = unsafe { vld1q_f32(quarters[i].as_ptr()) };
        }
        vector
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
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has NEON.
            b[i] = unsafe { vaddq_f32(a[i], b[i]) };
        }
        b
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, mut c: Self::Vector) -> Self::Vector {
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has NEON.
            c[i] = unsafe { vfmaq_f32(c[i], a[i], b[i]) };
        }
        c
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has NEON.
            b[i] = unsafe { vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i]) };
        }
        b
    }

    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "neon")]
        fn compiled<W: Work, const N: usize>(lanes: Neon<N>, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: `self` exists, so this machine has NEON.
        unsafe { compiled(self, work) }
    }
}
