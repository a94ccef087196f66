//! Plain Rust without `unsafe`, compiled for the target's baseline.
#![forbid(unsafe_code)]

use super::{Block, HALF, Lanes, Work};

/// Plain Rust with `N` channels a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable<const N: usize>;

impl<const N: usize> Lanes for Portable<N> {
    type Vector = [f32; N];
    type Half = Portable<HALF>;
    // 12 sums of four lanes, of SSE2's 16 registers.
    const GROUP: usize = 1;
    const PIXELS: usize = 48 / N;

    #[inline(always)]
    fn half(self) -> Portable<HALF> {
        Portable
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; N]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        *block.0.first_chunk().unwrap_or(&[0.0; N])
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, block: &mut Block) {
        block.0.first_chunk_mut().into_iter().for_each(|first| *first = vector);
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for (b, a) in b.iter_mut().zip(a) {
            *b += a;
        }
        b
    }

    // Not `f32::mul_add`: without the instruction it calls the C library.
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, mut c: Self::Vector) -> Self::Vector {
        for i in 0..N {
            c[i] += a[i] * b[i];
        }
        c
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for (b, a) in b.iter_mut().zip(a) {
            *b = if a > *b { a } else { *b };
        }
        b
    }

    // Not inlined: the compiler vectorizes a kernel that is a function of its own, but not always one within other
    // loops.
    #[inline(never)]
    fn run<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }
}
