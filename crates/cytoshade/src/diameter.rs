//! The diameter of an image's cells from the image (the reference's `SizeModel.eval`): the style speaks of a diameter,
//! a first segmentation at that size has cells, and their median diameter is the estimate.

use cytoshade_core::rescale::{Factor, Rescale};
use cytoshade_core::{Error as CoreError, Network, Params};
use cytoshade_model::SizeModel;

use crate::Error;
use crate::field::Field;
use crate::run::Run;

/// A size model must be of this network.
pub(crate) fn check_size_model(size_model: &SizeModel, network: &Network) -> Result<(), Error> {
    let (found, expected) = (size_model.slopes().len(), network.description().style);
    if expected == Some(found) {
        return Ok(());
    }
    let expected = expected.map_or("network has none".into(), |channels| format!("network's have {channels}"));
    let found = format!("for styles of {found} channels, the {expected}");
    Err(CoreError::Param { name: "size_model", found, expected: "the size model of this network" }.into())
}

/// The sizes that belong to the estimated diameter of what `planes` show.
pub(crate) async fn estimate(
    run: &mut Run<'_>,
    size_model: &SizeModel,
    planes: &Field,
    params: &Params,
) -> Result<Rescale, Error> {
    let (height, width) = planes.size();
    let rule = &run.network.description().rescale;
    // The reference takes its defaults here, but for what normalizes the image.
    let first = Params { batch_size: params.batch_size, resample: false, interp: false, ..Params::default() };

    let rescale = Rescale::new(&first, rule, height, width)?;
    let (_, style) = run.flows(planes.clone(), &rescale, &first).await?;
    let from_style = style.and_then(|style| size_model.diameter(&style)).filter(|diameter| diameter.is_finite());
    let from_style = from_style.unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(size_model.diam_mean() / from_style);
    let rescale = Rescale::by(&first, factor, from_style as f32, height, width)?;
    let (outputs, _) = run.flows(planes.clone(), &rescale, &first).await?;
    let (labels, _) = run.masks(outputs, rescale.niter, (height, width), &first).await?;
    let diameter = labels.diameter().unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(f64::from(rule.diam_mean) / diameter);
    Ok(Rescale::by(params, factor, diameter as f32, height, width)?)
}
