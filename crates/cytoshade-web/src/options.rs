//! A JavaScript object of options to [`Params`].

use cytoshade::Params;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

/// The parameters that an object names; the rest keep their defaults. Names that are not known are refused, since a
/// mistyped option would otherwise be lost without a word.
pub(crate) fn params(options: &JsValue) -> Result<Params, JsError> {
    let mut params = Params::default();
    if options.is_undefined() || options.is_null() {
        return Ok(params);
    }
    let keys = Reflect::own_keys(options).map_err(|_| JsError::new("options must be an object"))?;
    for key in keys.iter() {
        let name = key.as_string().unwrap_or_default();
        let value = Reflect::get(options, &key).unwrap_or(JsValue::UNDEFINED);
        if value.is_undefined() {
            continue;
        }
        let number = || value.as_f64().ok_or_else(|| JsError::new(&format!("{name} must be a number")));
        let flag = || value.as_bool().ok_or_else(|| JsError::new(&format!("{name} must be true or false")));
        match name.as_str() {
            "diameter" => params.diameter = Some(number()? as f32),
            "chan" => params.channels.chan = number()? as usize,
            "chan2" => params.channels.chan2 = number()? as usize,
            "flowThreshold" => params.flow_threshold = number()?,
            "cellprobThreshold" => params.cellprob_threshold = number()? as f32,
            "minSize" => params.min_size = number()? as usize,
            "augment" => params.augment = flag()?,
            "invert" => params.invert = flag()?,
            _ => return Err(JsError::new(&format!("{name} is not an option of segment"))),
        }
    }
    Ok(params)
}
