//! AVX-512 and AVX2 with FMA.

use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_load_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_store_ps,
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_store_ps,
};

use super::{Block, Lanes, Work};

/// AVX-512F: a block takes one of 32 registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Lanes for Avx512 {
    type Vector = __m512;
    type Half = Self;
    // 2 x 14 sums, 2 weights and an input; and 14 divides the row lengths of a U-Net's 224-pixel tile at every level.
    const GROUP: usize = 2;
    const PIXELS: usize = 14;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

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

/// AVX2 and FMA: a block takes two of 16 registers, of which `N` are in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2<const N: usize>(());

impl Avx2<2> {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

impl<const N: usize> Lanes for Avx2<N> {
    type Vector = [__m256; N];
    type Half = Avx2<1>;
    // 12 sums, up to 2 weights and an input.
    const GROUP: usize = 1;
    const PIXELS: usize = 12 / N;

    #[inline(always)]
    fn half(self) -> Avx2<1> {
        Avx2(())
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: `self` exists, so this machine has AVX2.
        [unsafe { _mm256_set1_ps(value) }; N]
    }

    #[inline(always)]
    fn load(self, block: &Block) -> Self::Vector {
        let (halves, _) = block.0.as_chunks::<8>();
        let mut vector = self.splat(0.0);
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has AVX2; each half of a block is 32 readable bytes, aligned to 32.
            vector[i] = unsafe { _mm256_load_ps(halves[i].as_ptr()) };
        }
        vector
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, block: &mut Block) {
        for (vector, half) in vector.into_iter().zip(block.0.as_chunks_mut::<8>().0) {
            // SAFETY: `self` exists, so this machine has AVX2; each half of a block is 32 writable bytes, aligned to 32.
            unsafe { _mm256_store_ps(half.as_mut_ptr(), vector) }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has AVX2.
            b[i] = unsafe { _mm256_add_ps(a[i], b[i]) };
        }
        b
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, mut c: Self::Vector) -> Self::Vector {
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has FMA.
            c[i] = unsafe { _mm256_fmadd_ps(a[i], b[i], c[i]) };
        }
        c
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, mut b: Self::Vector) -> Self::Vector {
        for i in 0..N {
            // SAFETY: `self` exists, so this machine has AVX2.
            b[i] = unsafe { _mm256_max_ps(a[i], b[i]) };
        }
        b
    }

    fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,fma")]
        fn compiled<W: Work, const N: usize>(lanes: Avx2<N>, work: W) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: `self` exists, so this machine has AVX2 and FMA.
        unsafe { compiled(self, work) }
    }
}
