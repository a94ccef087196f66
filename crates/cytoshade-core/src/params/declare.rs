//! The declaration of parameters: name, type, default, description and range in one place each.

use crate::Error;

/// Name, meaning, type and default of a parameter of [`Params`](crate::Params), for user interfaces.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ParamInfo {
    /// Its name, as in [`Params`](crate::Params).
    pub name: &'static str,
    /// Its meaning: lines of plain text, each with a leading space.
    pub help: &'static str,
    /// Its type.
    pub kind: ParamKind,
    /// Its default as text; `None` if it is unset by default.
    pub default: fn() -> Option<String>,
}

impl ParamInfo {
    /// [`ParamInfo::help`] as one line.
    pub fn help_line(&self) -> String {
        self.help.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamKind {
    /// True or false.
    Flag,
    /// A whole number from 0 to 4294967295 (2^32 - 1).
    Count,
    /// A number.
    Number,
}

/// A value for a parameter that is named at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParamValue {
    /// True or false.
    Flag(bool),
    /// A number, whole or not.
    Number(f64),
}

impl From<bool> for ParamValue {
    fn from(value: bool) -> Self {
        ParamValue::Flag(value)
    }
}

impl From<f64> for ParamValue {
    fn from(value: f64) -> Self {
        ParamValue::Number(value)
    }
}

/// A type of parameters.
pub(super) trait Parameter: Sized {
    /// The type without `Option`.
    type Plain: Copy + ToString;
    const KIND: ParamKind;
    /// The value, if it is set.
    fn get(&self) -> Option<Self::Plain>;
    fn from_value(value: ParamValue) -> Option<Self>;
}

impl Parameter for bool {
    type Plain = Self;
    const KIND: ParamKind = ParamKind::Flag;

    fn get(&self) -> Option<bool> {
        Some(*self)
    }

    fn from_value(value: ParamValue) -> Option<Self> {
        match value {
            ParamValue::Flag(value) => Some(value),
            ParamValue::Number(_) => None,
        }
    }
}

macro_rules! numbers {
    ($($type:ty, $kind:ident, $convert:expr;)*) => { $(
        impl Parameter for $type {
            type Plain = Self;
            const KIND: ParamKind = ParamKind::$kind;

            fn get(&self) -> Option<$type> {
                Some(*self)
            }

            fn from_value(value: ParamValue) -> Option<Self> {
                let convert: fn(f64) -> Option<$type> = $convert;
                match value {
                    ParamValue::Number(value) => convert(value),
                    ParamValue::Flag(_) => None,
                }
            }
        }
    )* };
}

numbers! {
    f32, Number, |value| Some(value as f32);
    f64, Number, Some;
    u32, Count, |value| whole(value).then_some(value as u32);
    usize, Count, |value| whole(value).then_some(value as usize);
}

/// Whether a number is whole and fits every integer type of parameters.
fn whole(value: f64) -> bool {
    value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)
}

impl<T: Parameter> Parameter for Option<T> {
    type Plain = T::Plain;
    const KIND: ParamKind = T::KIND;

    fn get(&self) -> Option<T::Plain> {
        self.as_ref().and_then(T::get)
    }

    fn from_value(value: ParamValue) -> Option<Self> {
        T::from_value(value).map(Some)
    }
}

/// Fails if a parameter is set to a value out of its range.
pub(super) fn check<T: Parameter>(
    name: &'static str,
    value: &T,
    expected: &'static str,
    is_valid: impl Fn(T::Plain) -> bool,
) -> Result<(), Error> {
    match value.get() {
        Some(value) if !is_valid(value) => Err(Error::Param { name, found: value.to_string(), expected }),
        _ => Ok(()),
    }
}

/// Sets a parameter to a value of its type.
pub(super) fn set<T: Parameter>(name: &'static str, parameter: &mut T, value: ParamValue) -> Result<(), Error> {
    let expected = match T::KIND {
        ParamKind::Flag => "true or false",
        ParamKind::Count => "a whole number from 0 to 4294967295",
        ParamKind::Number => "a number",
    };
    let found = match value {
        ParamValue::Flag(value) => value.to_string(),
        ParamValue::Number(value) => value.to_string(),
    };
    *parameter = T::from_value(value).ok_or(Error::Param { name, found, expected })?;
    Ok(())
}

/// Declares `Params`: `structured` parameters with types of their own, and `plain` ones, each with its description, its
/// default and, after `in`, its range.
macro_rules! declare_params {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            structured { $($(#[$structured_meta:meta])+ $structured:ident: $structured_type:ty = $structured_default:expr;)* }
            plain { $(
                $(#[doc = $doc:literal])+
                $plain:ident: $type:ident $(<$inner:ident>)? = $default:expr $(, in $range:literal if $valid:expr)?;
            )* }
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$structured_meta])+ pub $structured: $structured_type,)*
            $($(#[doc = $doc])+ pub $plain: $type $(<$inner>)?,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($structured: $structured_default,)* $($plain: $default,)* }
            }
        }

        impl $name {
            /// The plain parameters, in the order of their declaration.
            pub const PLAIN: &'static [ParamInfo] = &[$(ParamInfo {
                name: stringify!($plain),
                help: concat!($($doc, "\n"),+),
                kind: <$type $(<$inner>)? as Parameter>::KIND,
                default: || Self::default().$plain.get().map(|value| value.to_string()),
            }),*];

            $(declare_params!(@setter $plain: $type $(<$inner>)?);)*

            /// Sets the plain parameter that is called `name`.
            ///
            /// # Errors
            /// [`Error::NoSuchParam`]; [`Error::Param`] for a value of another type. The range is checked by
            #[doc = concat!("[`", stringify!($name), "::check`].")]
            pub fn set(&mut self, name: &str, value: impl Into<ParamValue>) -> Result<(), Error> {
                match name {
                    $(stringify!($plain) => declare::set(stringify!($plain), &mut self.$plain, value.into()),)*
                    _ => Err(Error::NoSuchParam { name: name.into() }),
                }
            }

            /// Checks each plain parameter against its range.
            fn check_ranges(&self) -> Result<(), Error> {
                $($(declare::check(stringify!($plain), &self.$plain, $range, $valid)?;)?)*
                Ok(())
            }
        }
    };
    (@setter $plain:ident: Option<$inner:ident>) => {
        #[doc = concat!("Sets [`Params::", stringify!($plain), "`](#structfield.", stringify!($plain), ").")]
        pub fn $plain(mut self, value: impl Into<Option<$inner>>) -> Self {
            self.$plain = value.into();
            self
        }
    };
    (@setter $plain:ident: $type:ident) => {
        #[doc = concat!("Sets [`Params::", stringify!($plain), "`](#structfield.", stringify!($plain), ").")]
        pub fn $plain(mut self, value: $type) -> Self {
            self.$plain = value;
            self
        }
    };
}

pub(super) use declare_params;
