//! The array types that stages exchange: named sides, and values in C order (the last side is contiguous).

/// Declares an array type with the constructors and accessors that all of them share.
macro_rules! container {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $value:ty [$($(#[$side_meta:meta])* $side:ident),+], $array:ident, $view:ident
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Default)]
        pub struct $name {
            $($side: usize,)+
            data: Vec<$value>,
        }

        impl $name {
            /// An array from its values in C order: the last side is contiguous.
            ///
            /// # Errors
            /// [`Error::SampleCount`](crate::Error::SampleCount) unless the number of values is the product of the sides.
            pub fn new(data: Vec<$value>, $($side: usize),+) -> Result<Self, crate::Error> {
                crate::container::check_len(data.len(), &[$($side),+])?;
                Ok(Self { $($side,)+ data })
            }

            /// An array of zeros.
            pub fn zeros($($side: usize),+) -> Self {
                Self { $($side,)+ data: vec![<$value>::default(); 1 $(* $side)+] }
            }

            $(
                $(#[$side_meta])*
                pub fn $side(&self) -> usize {
                    self.$side
                }
            )+

            /// All values, in C order.
            pub fn as_slice(&self) -> &[$value] {
                &self.data
            }

            /// All values, in C order, mutable.
            pub fn as_mut_slice(&mut self) -> &mut [$value] {
                &mut self.data
            }

            /// The values, in C order.
            pub fn into_vec(self) -> Vec<$value> {
                self.data
            }

            /// The values as an array of the same shape.
            #[cfg(feature = "ndarray")]
            pub fn into_array(self) -> ndarray::$array<$value> {
                // The constructors check the number of values, so this never falls back.
                ndarray::$array::from_shape_vec(($(self.$side),+), self.data).unwrap_or_default()
            }

            /// A view of the values as an array of the same shape.
            #[cfg(feature = "ndarray")]
            pub fn as_array(&self) -> ndarray::$view<'_, $value> {
                ndarray::$view::from_shape(($(self.$side),+), &self.data)
                    .expect("the constructors check the number of values")
            }
        }
    };
}

pub(crate) use container;

use crate::Error;

/// Fails unless a buffer has as many values as its shape; the last two sides are height and width.
pub(crate) fn check_len(found: usize, shape: &[usize]) -> Result<(), Error> {
    let product = |sides: &[usize]| sides.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
    let expected = product(shape).unwrap_or(usize::MAX);
    if found == expected {
        return Ok(());
    }
    let (planes, sides) = shape.split_at(shape.len().saturating_sub(2));
    let (height, width) = (sides.first().copied().unwrap_or(1), sides.last().copied().unwrap_or(1));
    Err(Error::SampleCount { found, expected, channels: product(planes).unwrap_or(usize::MAX), height, width })
}
