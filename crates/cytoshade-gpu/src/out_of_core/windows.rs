//! The flow check of host labels, in windows of rows that contain whole masks.

use std::ops::Range;

use cytoshade_core::{Labels, Planes, ascending};

use super::in_rows;
use crate::device::Gpu;
use crate::error::Error;
use crate::planes::GpuPlanes;
use crate::stages::flow_error::remove_bad;
use crate::stages::masks::GpuLabels;
use crate::stages::plane_limits::bins;

const WHAT: &str = "the flow check of a window";

/// [`remove_bad`] for host labels and flows, in windows of rows that contain whole masks.
///
/// `exact` decides masks higher than any window.
///
/// # Errors
/// [`Error::Length`] if `flows` and `labels` differ in size, and those of [`remove_bad`].
pub async fn remove_bad_in_windows(
    gpu: &Gpu,
    labels: &mut Labels,
    flows: &Planes,
    threshold: f64,
    exact: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    let (height, width) = (labels.height(), labels.width());
    if (flows.height(), flows.width()) != (height, width) || flows.channels() < 2 {
        let found = flows.channels() * flows.height() * flows.width();
        return Err(Error::Length { what: "flows", found, expected: 2 * height * width });
    }
    if threshold <= 0.0 {
        return Ok(());
    }
    let spans = spans(labels);
    let mut keep = vec![true; spans.len()];
    let room = rows_within(gpu.largest_binding(), width);
    for (rows, masks) in windows(&spans, room) {
        let (part, flows) = part(labels, flows, &rows, &masks)?;
        if rows.len() > room {
            if let ([mask], Some(error)) = (masks.as_slice(), exact(&part, &flows)) {
                keep[*mask] = error <= threshold;
            }
            continue;
        }
        let mut there = GpuLabels::upload(gpu, &part).await?;
        remove_bad(gpu, &mut there, &GpuPlanes::upload(gpu, &flows).await?, threshold, &exact).await?;
        masks.iter().for_each(|&mask| keep[mask] = false);
        for kept in &there.masks {
            keep[masks[kept.id as usize - 1]] = true;
        }
    }
    for label in labels.as_mut_slice() {
        if *label > 0 && !keep[*label as usize - 1] {
            *label = 0;
        }
    }
    Ok(())
}

/// Maximum rows of a window that [`check_plane`](crate::stages::plane_limits::check_plane) allows.
fn rows_within(bytes: u64, width: usize) -> usize {
    let fits = |rows: &usize| (8 * rows * width).max(4 * bins(*rows, width)) as u64 <= bytes;
    // The rows that fit without a histogram, less its margin.
    let most = (bytes / (8 * width.max(1)) as u64) as usize;
    (0..=most).rev().find(fits).unwrap_or(0)
}

/// The rows that each label 1, 2, ... spans; empty for a label without pixels.
fn spans(labels: &Labels) -> Vec<Range<usize>> {
    let mut spans = vec![0..0; labels.max() as usize];
    for (y, row) in labels.as_slice().chunks_exact(labels.width().max(1)).enumerate() {
        for &label in row.iter().filter(|&&label| label > 0) {
            let span = &mut spans[label as usize - 1];
            *span = if span.end == 0 { y } else { span.start }..y + 1;
        }
    }
    spans
}

/// Windows of at most `room` rows, with the masks that they contain whole.
///
/// A higher mask has its own window. Empty spans are skipped.
fn windows(spans: &[Range<usize>], room: usize) -> Vec<(Range<usize>, Vec<usize>)> {
    let mut rest = ascending(spans.iter().map(|span| span.start));
    rest.retain(|&mask| !spans[mask].is_empty());
    let mut windows = Vec::new();
    while let Some(&first) = rest.first() {
        let start = spans[first].start;
        if spans[first].len() > room {
            windows.push((spans[first].clone(), vec![first]));
            rest.remove(0);
            continue;
        }
        let (held, later): (Vec<usize>, Vec<usize>) =
            rest.into_iter().partition(|&mask| spans[mask].end <= start + room);
        let end = held.iter().map(|&mask| spans[mask].end).max().unwrap_or(start);
        windows.push((start..end, held));
        rest = later;
    }
    windows
}

/// The labels of some masks in some rows, numbered 1, 2, ..., and the flows there.
fn part(labels: &Labels, flows: &Planes, rows: &Range<usize>, masks: &[usize]) -> Result<(Labels, Planes), Error> {
    let width = labels.width();
    let mut numbers = vec![0u32; labels.max() as usize + 1];
    for (number, &mask) in (1..).zip(masks) {
        numbers[mask + 1] = number;
    }
    let ids = in_rows(labels.as_slice(), rows, width).iter().map(|&label| numbers[label as usize]).collect();
    let values = [0, 1].map(|channel| in_rows(flows.plane(channel), rows, width)).concat();
    let refused = |error: cytoshade_core::Error| Error::Refused { what: WHAT, reason: error.to_string() };
    let labels = Labels::new(ids, rows.len(), width).map_err(refused)?;
    Ok((labels, Planes::new(values, 2, rows.len(), width).map_err(refused)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_is_whole_in_one_window() {
        let spans = [0..3, 2..9, 0..0, 8..12, 1..5, 30..60, 11..13];
        let windows = windows(&spans, 10);
        let mut held = Vec::new();
        for (rows, masks) in windows {
            assert!(rows.len() <= 10 || masks == [5]);
            for mask in masks {
                assert!(rows.start <= spans[mask].start && spans[mask].end <= rows.end);
                held.push(mask);
            }
        }
        held.sort_unstable();
        assert_eq!(held, [0, 1, 3, 4, 5, 6]);
    }
}
