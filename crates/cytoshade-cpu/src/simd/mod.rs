//! Vectors of 16 channels, on the instruction sets of the machine.
//!
//! All `unsafe` code of the crate is here, for one reason: an intrinsic may only run on a processor that has its
//! instruction. So each instruction set is a token type ([`Lanes`]), which only its detection creates. Its methods are
//! therefore safe to call.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Whether this build is for browsers with fixed-width SIMD. The portable kernels would only make its download larger.
const IN_BROWSER: bool = cfg!(all(target_arch = "wasm32", target_os = "unknown", target_feature = "simd128"));

/// Channels in a [`Block`].
pub(crate) const LANES: usize = 16;

/// Channels in half a [`Block`]. If a block has no more channels in use, shorter vectors do half the work.
pub(crate) const HALF: usize = LANES / 2;

/// 16 neighbouring channels of one pixel: a cache line of 64 bytes, and one AVX-512 register.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [f32; LANES]);

impl Block {
    pub(crate) const ZERO: Block = Block([0.0; LANES]);

    /// Cuts `values` into blocks, the last one padded with zeros.
    pub(crate) fn pad(values: &[f32]) -> Vec<Block> {
        let block = |chunk: &[f32]| {
            let mut block = Block::ZERO;
            block.0[..chunk.len()].copy_from_slice(chunk);
            block
        };
        values.chunks(LANES).map(block).collect()
    }
}

/// An instruction set. A value of such a type proves that this machine has it.
pub(crate) trait Lanes: Copy + Send + Sync {
    /// A [`Block`] in registers.
    type Vector: Copy;
    /// The same instruction set for blocks with at most [`HALF`] channels in use. It may load and store only the first
    /// half of a block.
    type Half: Lanes;
    /// Neighbouring output blocks that one pass of the convolution accumulates. Together with [`Lanes::PIXELS`] they fill the
    /// registers that the weights and one splatted input leave.
    const GROUP: usize;
    /// Most pixels of a row that one pass of the convolution accumulates.
    const PIXELS: usize;

    fn half(self) -> Self::Half;
    fn splat(self, value: f32) -> Self::Vector;
    fn load(self, block: &Block) -> Self::Vector;
    fn store(self, vector: Self::Vector, block: &mut Block);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once if the instruction set can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger of each pair; `b` if either is NaN, so that a NaN in `b` is kept.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Runs `work` in code compiled for this instruction set.
    fn run<W: Work>(self, work: W) -> W::Output;

    /// Runs `work` with the token for blocks whose first `channels` are in use.
    fn narrow<W: Work>(self, channels: usize, work: W) -> W::Output {
        if channels <= HALF { work.run(self.half()) } else { work.run(self) }
    }
}

/// Work for an instruction set that is known only at run time.
///
/// [`Lanes::run`] requires that [`Work::run`] is `#[inline(always)]`: only then its code is part of the function that
/// is compiled for the instruction set.
pub(crate) trait Work {
    type Output;
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Work that runs in code compiled for its instruction set.
pub(crate) struct Compiled<W>(pub(crate) W);

impl<W: Work> Work for Compiled<W> {
    type Output = W::Output;

    fn run<L: Lanes>(self, lanes: L) -> W::Output {
        lanes.run(self.0)
    }
}

/// Runs `work` in code compiled for the fastest instruction set of this machine. The compiler vectorizes its loops, but
/// never contracts a product and a sum, so the results are those of plain Rust.
pub(crate) fn compiled<W: Work>(work: W) -> W::Output {
    AnyLanes::best().run(Compiled(work))
}

/// An instruction set on which the network can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// AArch64 with NEON.
    Neon,
    /// WebAssembly with fixed-width SIMD.
    Simd128,
    /// Plain Rust, on every machine. Builds for browsers with [`Isa::Simd128`] leave it out.
    Portable,
}

impl Isa {
    /// All instruction sets; those of one machine are ordered from the fastest to the slowest.
    pub const ALL: [Isa; 5] = [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Simd128, Isa::Portable];

    /// The instruction sets of this machine, the fastest first. Never empty.
    pub fn available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.detect().is_some()).collect()
    }

    /// The fastest instruction set of this machine.
    pub fn best() -> Isa {
        AnyLanes::best().isa()
    }

    /// The error for a machine that lacks this instruction set.
    pub fn missing(self) -> crate::Error {
        crate::Error::MissingIsa { isa: self, available: Self::available() }
    }

    /// The token of the instruction set. `None` if this machine lacks it.
    pub(crate) fn detect(self) -> Option<AnyLanes> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::Avx512::detect().map(AnyLanes::Avx512),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::Avx2::detect().map(AnyLanes::Avx2),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => neon::Neon::detect().map(AnyLanes::Neon),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128 => wasm::Simd128::detect().map(AnyLanes::Simd128),
            Isa::Portable if !IN_BROWSER => Some(AnyLanes::Portable(portable::Portable)),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Isa::Avx512 => "AVX-512",
            Isa::Avx2 => "AVX2",
            Isa::Neon => "NEON",
            Isa::Simd128 => "SIMD128",
            Isa::Portable => "portable",
        })
    }
}

impl std::str::FromStr for Isa {
    type Err = crate::Error;

    /// Parses a displayed name such as `AVX-512`; case and hyphens do not matter.
    ///
    /// # Errors
    /// [`Error::UnknownIsa`](crate::Error::UnknownIsa).
    fn from_str(name: &str) -> Result<Self, crate::Error> {
        let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
        let known = Isa::ALL.into_iter().find(|isa| plain(&isa.to_string()) == plain(name));
        known.ok_or_else(|| crate::Error::UnknownIsa { found: name.into() })
    }
}

/// The token of any instruction set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyLanes {
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2<2>),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon<4>),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(wasm::Simd128<4>),
    Portable(portable::Portable<LANES>),
}

impl AnyLanes {
    pub(crate) fn isa(self) -> Isa {
        match self {
            #[cfg(target_arch = "x86_64")]
            AnyLanes::Avx512(_) => Isa::Avx512,
            #[cfg(target_arch = "x86_64")]
            AnyLanes::Avx2(_) => Isa::Avx2,
            #[cfg(target_arch = "aarch64")]
            AnyLanes::Neon(_) => Isa::Neon,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            AnyLanes::Simd128(_) => Isa::Simd128,
            AnyLanes::Portable(_) => Isa::Portable,
        }
    }

    /// The fastest instruction set of this machine.
    pub(crate) fn best() -> AnyLanes {
        Isa::ALL.into_iter().find_map(Isa::detect).unwrap_or(AnyLanes::Portable(portable::Portable))
    }

    /// [`Lanes::GROUP`] of the instruction set.
    pub(crate) fn group(self) -> usize {
        struct Group;
        impl Work for Group {
            type Output = usize;
            fn run<L: Lanes>(self, _: L) -> usize {
                L::GROUP
            }
        }
        self.run(Group)
    }

    /// Runs `work` with the token.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            AnyLanes::Avx512(lanes) => work.run(lanes),
            #[cfg(target_arch = "x86_64")]
            AnyLanes::Avx2(lanes) => work.run(lanes),
            #[cfg(target_arch = "aarch64")]
            AnyLanes::Neon(lanes) => work.run(lanes),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            AnyLanes::Simd128(lanes) => work.run(lanes),
            AnyLanes::Portable(_) if IN_BROWSER => unreachable!("detection never makes this token in a browser"),
            AnyLanes::Portable(lanes) => work.run(lanes),
        }
    }
}
