// Fills the holes of masks.
//
// A hole is not connected to the border of the mask's box by any path over four neighbours. The box is kept as rows of
// bits, which are flooded from the border until nothing changes.
//
// Grid: one workgroup of 64 per mask, from `first` on.

struct Box {
    /// The mask.
    label: u32,
    /// First row and column, height and width.
    top: u32,
    left: u32,
    height: u32,
    width: u32,
    /// The index of its bits, which take twice as many words as the box has.
    offset: u32,
}

struct Params {
    /// Width of the plane.
    width: u32,
    /// The first box of this dispatch.
    first: u32,
    /// 1 if holes may contain other masks, which are overwritten; boxes must then be processed one by one. Else 0.
    ordered: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
// [pixel].
@group(0) @binding(2) var<storage, read_write> labels: array<atomic<u32>>;
// For each box, [height][ceil(width / 32)]: the pixels outside the mask, then those of them reachable from the border.
@group(0) @binding(3) var<storage, read_write> bits: array<atomic<u32>>;
// [0]: set to 1 if a hole contains another mask.
@group(0) @binding(4) var<storage, read_write> table: array<atomic<u32>>;

var<workgroup> changed: atomic<u32>;
var<workgroup> again: u32;

// The bits of `open` connected to bits of `start` by runs of such bits.
fn spread(start: u32, open: u32) -> u32 {
    var found = start & open;
    var up = open;
    var down = open;
    for (var shift = 1u; shift < 32u; shift *= 2u) {
        found |= (up & (found << shift)) | (down & (found >> shift));
        up &= up << shift;
        down &= down >> shift;
    }
    return found;
}

@compute @workgroup_size(64)
fn fill_holes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let box = boxes[params.first + group.x];
    let words = (box.width + 31u) / 32u;
    let all = box.height * words;
    let reached = box.offset + all;
    let last = 0xffffffffu >> ((32u - box.width % 32u) % 32u);

    for (var i = lane; i < all; i += 64u) {
        let word = i % words;
        let pixel = (box.top + i / words) * params.width + box.left + 32u * word;
        var open = 0u;
        for (var bit = 0u; bit < min(box.width - 32u * word, 32u); bit++) {
            open |= u32(atomicLoad(&labels[pixel + bit]) != box.label) << bit;
        }
        var border = u32(word == 0u);
        if word == words - 1u {
            border |= last ^ (last >> 1u);
        }
        if i < words {
            border = 0xffffffffu;
        }
        if i >= all - words {
            border = 0xffffffffu;
        }
        atomicStore(&bits[box.offset + i], open);
        atomicStore(&bits[reached + i], spread(border, open));
    }

    loop {
        if lane == 0u {
            atomicStore(&changed, 0u);
        }
        storageBarrier();
        workgroupBarrier();
        for (var row = lane; row < box.height; row += 64u) {
            // To the end of the row and back.
            for (var i = 0u; i < 2u * words; i++) {
                let word = min(i, 2u * words - 1u - i);
                let at = row * words + word;
                let open = atomicLoad(&bits[box.offset + at]);
                let before = atomicLoad(&bits[reached + at]);
                var start = before;
                if row > 0u {
                    start |= atomicLoad(&bits[reached + at - words]);
                }
                if row + 1u < box.height {
                    start |= atomicLoad(&bits[reached + at + words]);
                }
                if word > 0u {
                    start |= atomicLoad(&bits[reached + at - 1u]) >> 31u;
                }
                if word + 1u < words {
                    start |= atomicLoad(&bits[reached + at + 1u]) << 31u;
                }
                let after = spread(start, open);
                if after != before {
                    atomicStore(&bits[reached + at], after);
                    atomicStore(&changed, 1u);
                }
            }
        }
        storageBarrier();
        workgroupBarrier();
        if lane == 0u {
            again = atomicLoad(&changed);
        }
        if workgroupUniformLoad(&again) == 0u {
            break;
        }
    }

    for (var i = lane; i < all; i += 64u) {
        let pixel = (box.top + i / words) * params.width + box.left + 32u * (i % words);
        var hole = atomicLoad(&bits[box.offset + i]) & ~atomicLoad(&bits[reached + i]);
        while hole != 0u {
            let at = pixel + firstTrailingBit(hole);
            hole &= hole - 1u;
            if params.ordered == 0u {
                if atomicLoad(&labels[at]) != 0u {
                    atomicStore(&table[0], 1u);
                    continue;
                }
            }
            atomicStore(&labels[at], box.label);
        }
    }
}
