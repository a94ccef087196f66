//! Estimates the diameter of an image's cells (the reference's `SizeModel.eval`).
//!
//! A regression on the network's style gives a first diameter. The median diameter of the masks that the network finds
//! at that size is the estimate.

use cytoshade_core::rescale::{Factor, Rescale};
use cytoshade_core::{Error as CoreError, Network, Params};
use cytoshade_model::SizeModel;

use crate::Error;
use crate::backend::placed::PlacedPlanes;
use crate::backend::stream::Output;
use crate::pipeline::run::Run;

/// Fails unless the size model has a slope for each style channel of the network.
pub(crate) fn check_size_model(size_model: &SizeModel, network: &Network) -> Result<(), Error> {
    let (found, expected) = (size_model.slopes().len(), network.description().style);
    if expected == Some(found) {
        return Ok(());
    }
    let expected = expected.map_or("network has none".into(), |channels| format!("network's have {channels}"));
    let found = format!("for styles of {found} channels, the {expected}");
    Err(CoreError::Param { name: "size_model", found, expected: "the size model of this network" }.into())
}

/// The sizes for the estimated diameter of the cells in `planes`, which have the image's size.
pub(crate) async fn estimate(
    run: &mut Run<'_>,
    size_model: &SizeModel,
    planes: &PlacedPlanes,
    params: &Params,
) -> Result<Rescale, Error> {
    let (height, width) = planes.size();
    let rule = &run.network.description().rescale;
    // As in the reference, only the normalization follows the caller's parameters; batches and limits change no result.
    let first = Params::new().batch_size(params.batch_size).max_pixels(params.max_pixels).resample(false).interp(false);

    let rescale = Rescale::new(&first, rule, height, width)?;
    let style = outputs(run, planes, &rescale, &first).await?.style;
    let from_style = style.and_then(|style| size_model.diameter(&style)).filter(|diameter| diameter.is_finite());
    let from_style = from_style.unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(size_model.diam_mean() / from_style);
    let rescale = Rescale::by(&first, factor, from_style as f32, height, width)?;
    let outputs = outputs(run, planes, &rescale, &first).await?.outputs;
    let (labels, _) = run.masks(outputs, rescale.niter, (height, width), &first).await?;
    let diameter = labels.diameter().unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(f64::from(rule.diam_mean) / diameter);
    Ok(Rescale::by(params, factor, diameter as f32, height, width)?)
}

/// The network's outputs for planes, resized to a diameter.
async fn outputs(
    run: &mut Run<'_>,
    planes: &PlacedPlanes,
    rescale: &Rescale,
    params: &Params,
) -> Result<Output, Error> {
    let planes = run.resize(planes.clone(), (rescale.height, rescale.width)).await?;
    run.network(planes, params).await
}
