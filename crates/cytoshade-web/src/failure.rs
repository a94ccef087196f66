//! JavaScript errors: an `Error` with a `code` for programs and a message for people.

use cytoshade::{Error, ErrorKind};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// An `Error` with a `code`. The package's types list the codes.
pub(crate) fn failure(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// The error of a segmentation or of opening a network.
pub(crate) fn from_error(error: &Error) -> JsValue {
    failure(code(error.kind()), &error.to_string())
}

/// The error of reading an image file.
pub(crate) fn from_image(error: &cytoshade_formats::Error) -> JsValue {
    failure("image", &error.to_string())
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Cancelled => "aborted",
        ErrorKind::Image => "image",
        ErrorKind::Parameter => "option",
        ErrorKind::Model => "model",
        ErrorKind::Hash => "hash",
        ErrorKind::Unsupported => "no-webgpu",
        ErrorKind::DeviceLost => "device-lost",
        ErrorKind::OutOfMemory => "out-of-memory",
        _ => "crashed",
    }
}
