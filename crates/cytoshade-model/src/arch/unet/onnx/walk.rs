//! Finds the network in a graph: walks along the edges from its last convolution back to its input.
//!
//! Names are ignored. The order of the walk is fixed, so a file always gives the same first differing node.

use cytoshade_core::arch::unet::MAX_LEVELS;

use super::layers::{FoundConv, FoundLinear};
use crate::onnx::{Graph, Mismatch, Node, Value};

/// The nodes of a network.
pub(super) struct Found<'m> {
    /// For each level: `proj` and `conv_0` to `conv_3`.
    pub(super) down: Vec<[FoundConv<'m>; 5]>,
    pub(super) up: Vec<Up<'m>>,
    pub(super) output: FoundConv<'m>,
    /// The input of the network.
    pub(super) input: Value,
}

/// An up level.
pub(super) struct Up<'m> {
    pub(super) convs: [FoundConv<'m>; 5],
    /// Those of `conv_1`, `conv_2` and `conv_3`.
    pub(super) linears: [FoundLinear<'m>; 3],
    input: Value,
    skip: Value,
    style: Value,
}

/// The network with last convolution `head`; else the number of blocks before the first difference.
pub(super) fn network<'m>(graph: &Graph<'m>, head: &'m Node<'m>) -> Result<Found<'m>, (usize, Mismatch)> {
    let mut found = 0;
    follow(graph, head, &mut found).map_err(|mismatch| (found, mismatch))
}

fn follow<'m>(graph: &Graph<'m>, head: &'m Node<'m>, found: &mut usize) -> Result<Found<'m>, Mismatch> {
    let (output, mut value) = graph.conv(head.output(), 1, true)?;
    let mut up: Vec<Up<'m>> = Vec::new();
    let deepest = loop {
        let level = up_level(graph, value)?;
        *found += 1;
        let (input, skip) = (level.input, level.skip);
        up.push(level);
        match graph.doubling(input)? {
            Some(below) if up.len() < MAX_LEVELS => value = below,
            Some(_) => return Err(head.mismatch("more levels", format!("up to {MAX_LEVELS} levels"))),
            None if graph.same(input, skip) => break skip,
            None => return Err(graph.other_value(input, "an upsampling, or the deepest level itself")),
        }
    };
    for level in &up {
        if !graph.same(level.style, up[0].style) {
            return Err(graph.other_value(level.style, "the one style of all levels"));
        }
    }
    graph.style(up[0].style, deepest)?;
    *found += 1;
    let mut down = Vec::new();
    let mut first = deepest;
    for (above, level) in up.iter().enumerate().rev() {
        let (convs, input) = down_level(graph, level.skip)?;
        *found += 1;
        down.push(convs);
        first = input;
        if let Some(above) = above.checked_sub(1) {
            let pooled = graph.max_pool(input)?;
            if !graph.same(pooled, up[above].skip) {
                return Err(graph.other_value(pooled, "the map that the up level of this size adds"));
            }
        }
    }
    down.reverse();
    Ok(Found { down, up, output, input: first })
}

/// `x = proj(x) + c1(c0(x)); x = x + c3(c2(x))`.
fn down_level<'m>(graph: &Graph<'m>, value: Value) -> Result<([FoundConv<'m>; 5], Value), Mismatch> {
    let (branch, around) = graph.add_conv(value)?;
    let (c3, value) = graph.conv(branch, 3, true)?;
    let (c2, value) = graph.conv(value, 3, true)?;
    meet(graph, value, around)?;
    let (proj, branch) = graph.add_proj(around)?;
    let (c1, value) = graph.conv(branch, 3, true)?;
    let (c0, value) = graph.conv(value, 3, true)?;
    let (proj, input) = graph.conv(proj, 1, false)?;
    meet(graph, value, input)?;
    Ok(([proj, c0, c1, c2, c3], input))
}

/// `x = proj(x) + c1(c0(x) + skip + full1(style)); x = x + c3(c2(x + full2(style)) + full3(style))`.
fn up_level<'m>(graph: &Graph<'m>, value: Value) -> Result<Up<'m>, Mismatch> {
    let (branch, around) = graph.add_conv(value)?;
    let (c3, value) = graph.conv(branch, 3, true)?;
    let (full3, style3, value) = graph.add_style(value)?;
    let (c2, value) = graph.conv(value, 3, true)?;
    let (full2, style2, value) = graph.add_style(value)?;
    meet(graph, value, around)?;
    let (proj, branch) = graph.add_proj(around)?;
    let (c1, value) = graph.conv(branch, 3, true)?;
    let (full1, style, value) = graph.add_style(value)?;
    let (branch, skip) = graph.add_conv(value)?;
    let (c0, value) = graph.conv(branch, 3, true)?;
    let (proj, input) = graph.conv(proj, 1, false)?;
    meet(graph, value, input)?;
    for other in [style2, style3] {
        if !graph.same(style, other) {
            return Err(graph.other_value(other, "the one style of all levels"));
        }
    }
    Ok(Up { convs: [proj, c0, c1, c2, c3], linears: [full1, full2, full3], input, skip, style })
}

/// Two paths that must begin at one value.
fn meet<'m>(graph: &Graph<'m>, value: Value, around: Value) -> Result<(), Mismatch> {
    if graph.same(value, around) { Ok(()) } else { Err(graph.other_value(value, "the value that also goes around")) }
}
