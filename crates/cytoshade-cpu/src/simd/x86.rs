//! AVX-512 and AVX2 with FMA.

use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_load_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_store_ps,
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_store_ps,
};

use super::{Block, Lanes, Work};

/// AVX-512F: a block is one of 32 registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Lanes for Avx512 {
    type Vector = __m512;
    // 2 x 14 sums, 2 weights and an input; and 14 divides the row lengths of a 224-pixel tile at every level.
    const GROUP: usize = 2;
    const PIXELS: usize = 14;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` exists, so this machine has AVX-512F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, block: &Block) -> __m512 {
        // SAFETY: `self` exists, so this machine has AVX-512F; a block is 64 readable bytes, aligned to 64.
        unsafe { _mm512_load_ps(block.0.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512, block: &mut Block) {
        // SAFETY: `self` exists, so this machine has AVX-512F; a block is 64 writable bytes, aligned to 64.
        unsafe { _mm512_store_ps(block.0.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists, so this machine has AVX-512F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists, so this machine has AVX-512F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists, so this machine has AVX-512F.
        unsafe { _mm512_max_ps(a, b) }
    }

    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx512f")]
        fn compiled<W: Work>(lanes: Avx512, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: `self` exists, so this machine has AVX-512F.
        unsafe { compiled(self, work) }
    }
}

/// AVX2 and FMA: a block is two of 16 registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

impl Lanes for Avx2 {
    type Vector = [__m256; 2];
    // 2 x 6 sums, 2 weights and an input.
    const GROUP: usize = 1;
    const PIXELS: usize = 6;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has AVX2.
        [unsafe { _mm256_set1_ps(value) }; 2]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        let (low, high) = block.0.split_at(8);
        // SAFETY: `self` exists, so this machine has AVX2; each half of a block is 32 readable bytes, aligned to 32.
        unsafe { [_mm256_load_ps(low.as_ptr()), _mm256_load_ps(high.as_ptr())] }
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, block: &mut Block) {
        let (low, high) = block.0.split_at_mut(8);
        // SAFETY: `self` exists, so this machine has AVX2; each half of a block is 32 writable bytes, aligned to 32.
        unsafe {
            _mm256_store_ps(low.as_mut_ptr(), vector[0]);
            _mm256_store_ps(high.as_mut_ptr(), vector[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has AVX2.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has FMA.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has AVX2.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }

    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,fma")]
        fn compiled<W: Work>(lanes: Avx2, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: `self` exists, so this machine has AVX2 and FMA.
        unsafe { compiled(self, work) }
    }
}
