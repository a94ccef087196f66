//! The samples of an image, in their stored type.

/// The samples of an [`Image`](crate::Image) in their stored type, planar: channel by channel, row by row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Samples {
    /// Unsigned 8-bit.
    U8(Vec<u8>),
    /// Signed 8-bit.
    I8(Vec<i8>),
    /// Unsigned 16-bit.
    U16(Vec<u16>),
    /// Signed 16-bit.
    I16(Vec<i16>),
    /// Unsigned 32-bit.
    U32(Vec<u32>),
    /// Signed 32-bit.
    I32(Vec<i32>),
    /// Unsigned 64-bit.
    U64(Vec<u64>),
    /// Signed 64-bit.
    I64(Vec<i64>),
    /// 32-bit float.
    F32(Vec<f32>),
    /// 64-bit float.
    F64(Vec<f64>),
}

/// Borrowed samples of one type.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplesView<'a> {
    /// Unsigned 8-bit.
    U8(&'a [u8]),
    /// Signed 8-bit.
    I8(&'a [i8]),
    /// Unsigned 16-bit.
    U16(&'a [u16]),
    /// Signed 16-bit.
    I16(&'a [i16]),
    /// Unsigned 32-bit.
    U32(&'a [u32]),
    /// Signed 32-bit.
    I32(&'a [i32]),
    /// Unsigned 64-bit.
    U64(&'a [u64]),
    /// Signed 64-bit.
    I64(&'a [i64]),
    /// 32-bit float.
    F32(&'a [f32]),
    /// 64-bit float.
    F64(&'a [f64]),
}

/// A numeric type of samples.
pub trait Sample: Copy + Send + Sync + 'static + sealed::Sealed {
    /// Wraps a buffer.
    fn samples(values: Vec<Self>) -> Samples;
    /// Wraps a borrowed buffer.
    fn view(values: &[Self]) -> SamplesView<'_>;
    /// The value as f32, rounded as numpy's `astype("float32")` rounds.
    fn to_f32(self) -> f32;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! samples {
    ($($variant:ident $type:ty),*) => {
        $(
            impl sealed::Sealed for $type {}
            impl Sample for $type {
                fn samples(values: Vec<Self>) -> Samples {
                    Samples::$variant(values)
                }
                fn view(values: &[Self]) -> SamplesView<'_> {
                    SamplesView::$variant(values)
                }
                fn to_f32(self) -> f32 {
                    self as f32
                }
            }
        )*

        impl Samples {
            /// The samples, borrowed.
            pub fn view(&self) -> SamplesView<'_> {
                match self { $(Samples::$variant(values) => SamplesView::$variant(values)),* }
            }
        }

        impl SamplesView<'_> {
            /// Number of samples.
            pub fn len(&self) -> usize {
                match self { $(SamplesView::$variant(values) => values.len()),* }
            }

            /// Appends `count` samples from `first` on, `step` apart, to `out` as f32.
            pub(super) fn extend_f32(&self, first: usize, step: usize, count: usize, out: &mut Vec<f32>) {
                match self { $(SamplesView::$variant(values) => {
                    extend_f32(values.get(first..).unwrap_or_default(), step, count, out)
                })* }
            }

            /// A planar copy of `channels` channels of `pixels` pixels; `strides` are the distances of channels and of
            /// pixels.
            pub(super) fn planar(&self, [channels, pixels]: [usize; 2], strides: [usize; 2]) -> Samples {
                match self { $(SamplesView::$variant(values) => {
                    Samples::$variant(to_planar(values, [channels, pixels], strides))
                })* }
            }

            /// The sample at `index` as text.
            pub(super) fn show(&self, index: usize) -> String {
                match self { $(SamplesView::$variant(values) => {
                    values.get(index).map_or_else(String::new, ToString::to_string)
                })* }
            }
        }
    };
}

samples!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64);

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl SamplesView<'_> {
    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn to_planar<T: Sample>(values: &[T], [channels, pixels]: [usize; 2], strides: [usize; 2]) -> Vec<T> {
    let mut planar = Vec::with_capacity(channels * pixels);
    for channel in 0..channels {
        planar.extend(values.iter().skip(channel * strides[0]).step_by(strides[1]).take(pixels).copied());
    }
    planar
}

// Not inlined into the function with all types: a browser would optimize all of that function once one of its loops is
// hot.
#[inline(never)]
fn extend_f32<T: Sample>(values: &[T], step: usize, count: usize, out: &mut Vec<f32>) {
    if step == 1 {
        out.extend(values.iter().take(count).map(|value| value.to_f32()));
    } else {
        out.extend(values.iter().step_by(step).take(count).map(|value| value.to_f32()));
    }
}
