//! Converts a JavaScript object of options to [`Params`].

use cytoshade::{Normalize, ParamValue, Params, Precision};
use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;

use crate::failure::{failure, from_error};

/// The JavaScript names of the plain parameters in the package: those that apply to images.
const PLAIN: [&str; 17] = [
    "allChannels",
    "augment",
    "batchSize",
    "bsize",
    "cellprobThreshold",
    "flowThreshold",
    "interp",
    "invert",
    "maxSizeFraction",
    "minSize",
    "niter",
    "resample",
    "sharpenRadius",
    "smoothRadius",
    "tileNormBlocksize",
    "tileNormSmooth3d",
    "tileOverlap",
];

/// Converts options to parameters; the others keep their defaults. `estimates` is true if a size model is loaded.
///
/// # Errors
/// `option` for a value of the wrong type, and for an unknown name, since a mistyped option must not be ignored.
pub(crate) fn params(options: &JsValue, estimates: bool) -> Result<Params, JsValue> {
    let mut params = Params::new();
    let mut intensities = None;
    let keys = Reflect::own_keys(options).map_err(|_| failure("option", "the options must be an object"))?;
    for key in keys.iter() {
        let name = key.as_string().unwrap_or_default();
        let value = Value { value: Reflect::get(options, &key).unwrap_or(JsValue::UNDEFINED), name: &name };
        if value.value.is_undefined() {
            continue;
        }
        match name.as_str() {
            "diameter" if value.value == "auto" => {
                if !estimates {
                    let message = "diameter is \"auto\", which needs a size model (sizeModel)";
                    return Err(failure("option", message));
                }
            }
            "diameter" => params.diameter = Some(value.number()? as f32),
            "chan" => params.channels.chan = value.count()?,
            "chan2" => params.channels.chan2 = value.count()?,
            "normalize" if value.flag()? => {}
            "normalize" => value.only(&mut intensities, Normalize::Off)?,
            "normPercentile" => value.only(&mut intensities, value.percentile()?)?,
            "normRange" => value.only(&mut intensities, value.range()?)?,
            name if PLAIN.contains(&name) => {
                params.set(&snake_case(name), value.plain()?).map_err(|error| from_error(&error.into()))?;
            }
            _ => return Err(failure("option", &format!("{name} is not an option of segment"))),
        }
    }
    params.normalize = intensities.unwrap_or(params.normalize);
    Ok(params)
}

/// Converts camel case to snake case: `minSize` to `min_size`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Parses the format of activations on a GPU.
pub(crate) fn precision(name: &str) -> Result<Precision, JsValue> {
    match name {
        "f32" => Ok(Precision::F32),
        "f16" => Ok(Precision::F16),
        _ => Err(failure("option", &format!("precision is {name:?}; it must be f32 or f16"))),
    }
}

struct Value<'a> {
    name: &'a str,
    value: JsValue,
}

impl Value<'_> {
    fn number(&self) -> Result<f64, JsValue> {
        self.value.as_f64().ok_or_else(|| self.refuse("a number"))
    }

    fn count(&self) -> Result<usize, JsValue> {
        let number = self.number()?;
        let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        if whole { Ok(number as usize) } else { Err(self.refuse("a whole number from 0")) }
    }

    /// The value of a plain parameter.
    fn plain(&self) -> Result<ParamValue, JsValue> {
        let flag = self.value.as_bool().map(ParamValue::Flag);
        flag.or(self.value.as_f64().map(ParamValue::Number)).ok_or_else(|| self.refuse("a number, true or false"))
    }

    fn flag(&self) -> Result<bool, JsValue> {
        self.value.as_bool().ok_or_else(|| self.refuse("true or false"))
    }

    fn pair(&self) -> Result<(f64, f64), JsValue> {
        let number = |value: JsValue| value.as_f64();
        let pair = self.value.dyn_ref::<Array>().filter(|array| array.length() == 2);
        pair.and_then(|pair| number(pair.get(0)).zip(number(pair.get(1)))).ok_or_else(|| self.refuse("[low, high]"))
    }

    fn percentile(&self) -> Result<Normalize, JsValue> {
        let (low, high) = self.pair()?;
        Ok(Normalize::Percentile { low: low as f32, high: high as f32 })
    }

    /// [low, high], or such a pair for each input channel of the network.
    fn range(&self) -> Result<Normalize, JsValue> {
        match self.value.dyn_ref::<Array>() {
            Some(pairs) if pairs.get(0).is_array() => {
                let pair = |value| Value { value, name: self.name }.pair();
                pairs.iter().map(pair).collect::<Result<_, _>>().map(Normalize::Ranges)
            }
            _ => self.pair().map(|(low, high)| Normalize::Range { low, high }),
        }
    }

    /// Sets the mapping of intensities; fails if it is already set.
    fn only(&self, intensities: &mut Option<Normalize>, normalize: Normalize) -> Result<(), JsValue> {
        match intensities.replace(normalize) {
            None => Ok(()),
            Some(_) => Err(failure("option", "set only one of normalize: false, normPercentile and normRange")),
        }
    }

    fn refuse(&self, expected: &str) -> JsValue {
        failure("option", &format!("{} is {:?}; it must be {expected}", self.name, self.value))
    }
}
