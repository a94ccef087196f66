//! WebAssembly's fixed-width SIMD: a block takes four vectors, half a block two.
//!
//! A module either contains these instructions or not, so nothing is detected at run time. The workspace enables them
//! for wasm; all browsers since 2023 support them.

use std::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_pmax, f32x4_splat, v128, v128_load, v128_store};

use super::{Block, Lanes, Work};

/// Fixed-width SIMD with `N` vectors a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simd128<const N: usize>(());

impl Simd128<4> {
    pub(crate) fn detect() -> Option<Self> {
        Some(Self(()))
    }
}

impl<const N: usize> Lanes for Simd128<N> {
    type Vector = [v128; N];
    type Half = Simd128<2>;
    // 8 sums, up to 4 weights, an input and a product fit the 16 registers of engines on x86-64.
    const GROUP: usize = 1;
    const PIXELS: usize = 8 / N;

    #[inline(always)]
    fn half(self) -> Simd128<2> {
        Simd128(())
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [f32x4_splat(value); N]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        let (quarters, _) = block.0.as_chunks::<4>();
        // SAFETY: each quarter of a block is 16 readable bytes.
        std::array::from_fn(|i| unsafe { v128_load(quarters[i].as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, block: &mut Block) {
        for (vector, quarter) in vector.into_iter().zip(block.0.as_chunks_mut::<4>().0) {
            // SAFETY: each quarter of a block is 16 writable bytes.
            unsafe { v128_store(quarter.as_mut_ptr().cast(), vector) }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| f32x4_add(a[i], b[i]))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| f32x4_add(f32x4_mul(a[i], b[i]), c[i]))
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // pmax(b, a) is a if b < a, else b.
        std::array::from_fn(|i| f32x4_pmax(b[i], a[i]))
    }

    // Not inlined: a browser optimizes a function after many calls, but does not replace a running call. So long work
    // must be many calls of a small function.
    #[inline(never)]
    fn run<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }
}
