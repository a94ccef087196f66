//! A span of the crate `tracing` for each stage.
//!
//! Builds without the feature `tracing` have spans that do nothing.

use cytoshade_core::Stage;

use super::Backend;

/// The image of a span: its number in a batch and its size [depth, height, width], if known.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(feature = "tracing"), expect(dead_code))]
pub(crate) struct Subject {
    pub(crate) size: Option<[usize; 3]>,
    pub(crate) image: usize,
}

#[cfg(not(feature = "tracing"))]
mod imp {
    use super::{Backend, Stage, Subject};

    #[derive(Clone, Debug)]
    pub(crate) struct Span;

    pub(crate) fn span(_: Stage, _: Subject, _: &Backend) -> Span {
        Span
    }

    impl Span {
        pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
            work()
        }

        pub(crate) async fn run<T>(self, work: impl Future<Output = T>) -> T {
            work.await
        }
    }
}

#[cfg(feature = "tracing")]
mod imp {
    use tracing::Instrument as _;
    use tracing::field::{Empty, display};

    use super::{Backend, Stage, Subject};

    #[derive(Clone, Debug)]
    pub(crate) struct Span(tracing::Span);

    /// The span of a stage, named after it.
    pub(crate) fn span(stage: Stage, Subject { size, image }: Subject, backend: &Backend) -> Span {
        // The name of a span is a constant, so each stage has its own call site.
        macro_rules! spans {
            ($($variant:ident $name:literal)*) => {
                match stage {
                    $(Stage::$variant => {
                        tracing::info_span!($name, depth = Empty, height = Empty, width = Empty, image, device = Empty)
                    })*
                    _ => tracing::info_span!("stage", depth = Empty, height = Empty, width = Empty, image, device = Empty),
                }
            };
        }
        let span = spans! {
            Channels "channels"
            Normalize "normalize"
            Resize "resize"
            Network "network"
            Blend "blend"
            Smooth "smooth"
            FollowFlows "follow_flows"
            Masks "masks"
            FlowError "flow_error"
            FillHoles "fill_holes"
            Stitch "stitch"
        };
        if !span.is_disabled() {
            span.record("device", display(backend.info()));
            if let Some([depth, height, width]) = size {
                span.record("depth", depth).record("height", height).record("width", width);
            }
        }
        Span(span)
    }

    impl Span {
        pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
            self.0.in_scope(work)
        }

        pub(crate) async fn run<T>(self, work: impl Future<Output = T>) -> T {
            work.instrument(self.0).await
        }
    }
}

pub(crate) use imp::{Span, span};
