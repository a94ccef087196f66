//! Assigns tensors to buffers: greedy by size, after Pisarchyk and Lee 2020, "Efficient memory management for deep
//! neural net inference".
//!
//! The largest tensors come first. Each takes the first buffer that is free as long as it is alive, else a new one. So
//! no buffer grows beyond its first tensor, and small tensors occupy the buffers of large ones at other times.

use std::ops::RangeInclusive;

use super::{Buffer, Operation, TensorId, TensorShape, lcm};
use crate::ascending;

/// Side of the tile, in pixels, for which tensors are ranked by size. Only the ratios matter.
const NOMINAL_SIDE: usize = 256;

/// Channels are counted in multiples of this: the least that any backend pads to.
const PAD: usize = 4;

/// Assigns a buffer to each group of tensors; the tensors of a group are in it together. `kept` are the tensors that
/// are read after the last operation.
///
/// Returns the buffers, and the index of each group's buffer.
pub(super) fn place(
    tensors: &[TensorShape],
    operations: &[Operation],
    groups: &[Vec<TensorId>],
    kept: impl Iterator<Item = TensorId>,
) -> (Vec<Buffer>, Vec<usize>) {
    let lives = lives(tensors.len(), operations, groups, kept);
    let multiple = tensors.iter().fold(1, |multiple, shape| lcm(multiple, shape.scale()));
    let side = NOMINAL_SIDE.next_multiple_of(multiple);
    let size = |group: usize| groups[group].iter().map(|id| tensors[id.0].len(side, side, PAD)).sum::<usize>();
    let shape = |group: usize| tensors[groups[group][0].0];

    // Of groups of one size the larger map comes first, since backends may pad channels further.
    // The groups are in the order of their first tensors.
    let by_scale = ascending((0..groups.len()).map(|group| shape(group).scale()));
    let by_size = ascending(by_scale.iter().map(|&group| usize::MAX - size(group)));
    let order = by_size.into_iter().map(|at| by_scale[at]);
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut buffer_of = vec![0; groups.len()];
    for group in order {
        let storage = shape(group).storage();
        let free = |buffer: &Buffer| {
            buffer.storage == storage && buffer.groups.iter().all(|&other| apart(&lives[other], &lives[group]))
        };
        let buffer = buffers.iter().position(free).unwrap_or(buffers.len());
        match buffers.get_mut(buffer) {
            Some(buffer) => buffer.groups.push(group),
            None => buffers.push(Buffer { storage, groups: vec![group] }),
        }
        buffer_of[group] = buffer;
    }
    (buffers, buffer_of)
}

/// The operations during which each group is alive: from the one that writes it to the last one that reads it.
/// Operations count from 1; group 0, the input, is written before them.
fn lives(
    tensors: usize,
    operations: &[Operation],
    groups: &[Vec<TensorId>],
    kept: impl Iterator<Item = TensorId>,
) -> Vec<RangeInclusive<usize>> {
    let mut group_of = vec![0; tensors];
    for (group, members) in groups.iter().enumerate() {
        members.iter().for_each(|id| group_of[id.0] = group);
    }
    let mut ends: Vec<usize> = (0..groups.len()).collect();
    for (at, operation) in (1..).zip(operations) {
        operation.sources().for_each(|id| ends[group_of[id.0]] = at);
    }
    kept.for_each(|id| ends[group_of[id.0]] = usize::MAX);
    ends.into_iter().enumerate().map(|(begin, end)| begin..=end).collect()
}

fn apart(a: &RangeInclusive<usize>, b: &RangeInclusive<usize>) -> bool {
    a.end() < b.start() || b.end() < a.start()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LinearId, LinearProduct};

    /// A chain of operations over tensors of every kind, each of which reads an earlier tensor. The rules of shapes do not
    /// matter here.
    fn random_plan(seed: u64) -> (Vec<TensorShape>, Vec<Operation>) {
        let mut state = seed;
        let mut below = move |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let mut tensors = vec![TensorShape::Map { channels: 2, scale: 1 }];
        let mut operations = Vec::new();
        for _ in 0..30 {
            let (source, channels) = (TensorId(below(tensors.len())), 1 + below(40));
            match below(4) {
                0 => {
                    let first = tensors.len();
                    let count = 1 + below(4);
                    tensors.extend((0..count).map(|more| TensorShape::Vector { channels: channels + more }));
                    let product = |at| LinearProduct { weights: LinearId::new(0), target: TensorId(first + at) };
                    operations.push(Operation::Linear { source, products: (0..count).map(product).collect() });
                }
                kind => {
                    tensors.push(match kind {
                        1 => TensorShape::Tokens { count: 1 + below(50), channels },
                        _ => TensorShape::Map { channels, scale: 1 << below(5) },
                    });
                    operations.push(Operation::MaxPool { source, target: TensorId(tensors.len() - 1) });
                }
            }
        }
        (tensors, operations)
    }

    /// Replays the plan: every read must find its own group in the buffer.
    #[test]
    fn no_operation_reads_what_a_later_one_has_overwritten() {
        for seed in 0..200 {
            let (tensors, operations) = random_plan(seed);
            let mut groups = vec![vec![TensorId(0)]];
            groups.extend(operations.iter().map(Operation::targets));
            let group_of = |id: TensorId| groups.iter().position(|members| members.contains(&id)).unwrap();
            let kept = TensorId(tensors.len() / 2);
            let (buffers, buffer_of) = place(&tensors, &operations, &groups, [kept].into_iter());
            let mut holds = vec![usize::MAX; buffers.len()];
            holds[buffer_of[0]] = 0;
            for (group, operation) in (1..).zip(&operations) {
                for source in operation.sources() {
                    let source = group_of(source);
                    assert_eq!(holds[buffer_of[source]], source, "seed {seed}: {operation:?}");
                    assert_ne!(buffer_of[source], buffer_of[group], "seed {seed}: {operation:?}");
                }
                holds[buffer_of[group]] = group;
                let storage = tensors[groups[group][0].0].storage();
                assert_eq!(buffers[buffer_of[group]].storage, storage, "seed {seed}: {operation:?}");
            }
            assert_eq!(holds[buffer_of[group_of(kept)]], group_of(kept), "seed {seed}");
            assert!(buffers.len() < groups.len(), "seed {seed}: buffers are shared");
        }
    }
}
