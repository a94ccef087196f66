//! The diameter of an image's cells from the image (the reference's `SizeModel.eval`): the style speaks of a diameter,
//! a first segmentation at that size has cells, and their median diameter is the estimate.

use cytoshade_core::rescale::{Factor, Rescale};
use cytoshade_core::{Error as CoreError, Network, Params};
use cytoshade_model::SizeModel;

use crate::Error;
use crate::pipeline::placed::Field;
use crate::pipeline::run::Run;

/// A size model must be of this network.
pub(crate) fn check_size_model(size_model: &SizeModel, network: &Network) -> Result<(), Error> {
    let (found, expected) = (size_model.slopes().len(), network.shape().style_channels());
    if found == expected {
        return Ok(());
    }
    let found = format!("for styles of {found} channels, the network's have {expected}");
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
    let (diam_mean, diam_labels) = (run.network.diam_mean(), run.network.diam_labels());
    // The reference takes its defaults here, but for what normalizes the image.
    let first = Params { batch_size: params.batch_size, resample: false, interp: false, ..Params::default() };

    let rescale = Rescale::new(&first, diam_mean, diam_labels, height, width)?;
    let (_, style) = run.flows(planes.clone(), &rescale, &first).await?;
    let from_style = size_model.diameter(&style).filter(|diameter| diameter.is_finite());
    let from_style = from_style.unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(size_model.diam_mean() / from_style);
    let rescale = Rescale::by(&first, factor, from_style as f32, height, width)?;
    let (outputs, _) = run.flows(planes.clone(), &rescale, &first).await?;
    let (labels, _) = run.masks(outputs, rescale.niter, (height, width), &first).await?;
    let diameter = labels.diameter().unwrap_or(size_model.diam_mean());

    let factor = Factor::F64(f64::from(diam_mean) / diameter);
    Ok(Rescale::by(params, factor, diameter as f32, height, width)?)
}
