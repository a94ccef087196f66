//! A JavaScript object of options to [`Params`].

use cytoshade::Params;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use crate::failure::failure;

/// The parameters that an object names; the rest keep their defaults. Names that are not known are refused, since a
/// mistyped option would otherwise be lost without a word.
pub(crate) fn params(options: &JsValue) -> Result<Params, JsValue> {
    let mut params = Params::default();
    let keys = Reflect::own_keys(options).map_err(|_| failure("option", "the options must be an object"))?;
    for key in keys.iter() {
        let name = key.as_string().unwrap_or_default();
        let value = Value { value: Reflect::get(options, &key).unwrap_or(JsValue::UNDEFINED), name: &name };
        if value.value.is_undefined() {
            continue;
        }
        match name.as_str() {
            "diameter" => params.diameter = Some(value.number()? as f32),
            "chan" => params.channels.chan = value.count()?,
            "chan2" => params.channels.chan2 = value.count()?,
            "flowThreshold" => params.flow_threshold = value.number()?,
            "cellprobThreshold" => params.cellprob_threshold = value.number()? as f32,
            "minSize" => params.min_size = value.count()?,
            "niter" => params.niter = Some(value.count()? as u32),
            "batchSize" => params.batch_size = value.count()?,
            "resample" => params.resample = value.flag()?,
            "augment" => params.augment = value.flag()?,
            "invert" => params.invert = value.flag()?,
            _ => return Err(failure("option", &format!("{name} is not an option of segment"))),
        }
    }
    Ok(params)
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

    fn flag(&self) -> Result<bool, JsValue> {
        self.value.as_bool().ok_or_else(|| self.refuse("true or false"))
    }

    fn refuse(&self, expected: &str) -> JsValue {
        failure("option", &format!("{} is {:?}; it must be {expected}", self.name, self.value))
    }
}
