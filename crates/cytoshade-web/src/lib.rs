//! Cytoshade in the browser: a small JavaScript face on the library, for `wasm32-unknown-unknown` and wasm-bindgen.
//!
//! ```js
//! import init, { Cytoshade } from "./cytoshade_web.js";
//! await init();
//! const cells = await Cytoshade.fromBytes(new Uint8Array(model), "auto");
//! const found = await cells.segment(imageData.data, imageData.width, imageData.height, { diameter: 40 });
//! found.masks; // Uint32Array, 0 for background, 1 to count for the cells
//! ```
//!
//! On other targets the crate is empty.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod face;
#[cfg(target_arch = "wasm32")]
mod options;

#[cfg(target_arch = "wasm32")]
pub use face::{Cytoshade, Found};
