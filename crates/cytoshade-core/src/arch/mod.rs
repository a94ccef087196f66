//! The architectures: the computation of each network as a neutral [`Plan`](crate::Plan).
//!
//! Nothing outside of an architecture's module here, and of its recogniser in `cytoshade-model`, depends on the
//! architecture: the pipelines read a [`Description`](crate::Description), the backends match on
//! [`Operation`](crate::Operation)s.

pub mod unet;
