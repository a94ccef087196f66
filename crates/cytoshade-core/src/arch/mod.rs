//! The architectures: each builds the [`Plan`](crate::Plan) and the [`Description`](crate::Description) of its
//! networks.
//!
//! Only an architecture's module here and its recogniser in `cytoshade-model` depend on the architecture. The pipelines
//! read the description, the backends match on [`Operation`](crate::Operation)s.

pub mod unet;
