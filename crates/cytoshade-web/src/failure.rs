//! Errors as JavaScript sees them: an `Error` whose `code` programs can tell apart, and whose message is for people.

use cytoshade::Error;
use cytoshade::errors::{CoreError, GpuError, ModelError};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// An `Error` with a `code`. The package's types list the codes.
pub(crate) fn failure(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// What ended a segmentation, or kept it from starting.
pub(crate) fn from_error(error: &Error) -> JsValue {
    failure(code(error), &error.to_string())
}

/// What is wrong with an image file.
pub(crate) fn from_image(error: &cytoshade_formats::Error) -> JsValue {
    failure("image", &error.to_string())
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Cancelled => "aborted",
        Error::Input(CoreError::NotSegmentation { .. } | CoreError::NetworkShape { .. }) => "model",
        Error::Input(CoreError::Param { .. } | CoreError::NoSuchChannel { .. }) => "option",
        Error::Input(_) => "image",
        Error::Model(ModelError::Hash { .. }) => "hash",
        Error::Model(ModelError::HashText { .. }) => "option",
        Error::Model(_) => "model",
        Error::Gpu(GpuError::NoAdapter { .. } | GpuError::TooWeak { .. } | GpuError::Open { .. }) => "no-webgpu",
        Error::Gpu(GpuError::Lost { .. } | GpuError::Hung { .. }) => "device-lost",
        Error::Gpu(GpuError::OutOfMemory { .. }) => "out-of-memory",
        _ => "crashed",
    }
}
