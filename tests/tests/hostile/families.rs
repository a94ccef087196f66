//! Families of hostile files: a shared, nested or repeated part grows, and the cost must not grow faster than the file.
//!
//! Each family is made at three sizes, each twice the one before. A cost that grows with the square of the file either
//! shows between two sizes or ends at a limit.

use cytoshade_model::Format;
use onnx_protobuf::{AttributeProto, Message, ModelProto, NodeProto};

/// The reader for which a family is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reader {
    Model(Format),
    Seg,
    SizeModel,
}

/// Files of one kind, by the size of the growing part.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) reader: Reader,
    /// The smallest size; twice and four times it are tested as well.
    pub(crate) size: usize,
    pub(crate) make: fn(usize) -> Vec<u8>,
}

const ZIP: Reader = Reader::Model(Format::TorchZip);
const LEGACY: Reader = Reader::Model(Format::TorchLegacy);
const ONNX: Reader = Reader::Model(Format::Onnx);
const SAFETENSORS: Reader = Reader::Model(Format::Safetensors);

/// Every family.
///
/// The name states the growing part; its last word states whether that part is shared, nested or repeated.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family] = &[
    Family { name: "shape of many tensors, shared", reader: ZIP, size: 2_000, make: |n| torch(&shared_shape(n)) },
    Family { name: "name of many tensors, shared", reader: ZIP, size: 2_000, make: |n| torch(&shared_name(n)) },
    Family { name: "storage of many tensors, shared", reader: ZIP, size: 500, make: |n| torch_of(&shared_storage(n), 4 * n) },
    Family { name: "key of many storages, shared", reader: ZIP, size: 2_000, make: |n| torch(&shared_key(n)) },
    Family { name: "list of many sets, shared", reader: ZIP, size: 4_000, make: |n| torch(&shared_list(n)) },
    Family { name: "pairs of many dictionaries, shared", reader: ZIP, size: 4_000, make: |n| torch(&shared_pairs(n)) },
    Family { name: "dictionaries, nested", reader: ZIP, size: 10_000, make: |n| torch(&nested(b"}X\x05\0\0\0model", b"s", n)) },
    Family { name: "tuples, nested", reader: ZIP, size: 50_000, make: |n| torch(&[&b"N"[..], &b"\x85".repeat(n)].concat()) },
    Family { name: "marks, nested", reader: ZIP, size: 50_000, make: |n| torch(&b"(".repeat(n)) },
    Family { name: "opcodes, repeated", reader: ZIP, size: 100_000, make: |n| torch(&[&b"N0".repeat(n)[..], b"}"].concat()) },
    Family { name: "memo entries, repeated", reader: ZIP, size: 50_000, make: |n| torch(&[&b"}"[..], &b"\x94".repeat(n)].concat()) },
    Family { name: "entries, repeated", reader: ZIP, size: 30_000, make: |n| torch(&entries(n, int, b"N")) },
    Family { name: "names of classes, repeated", reader: ZIP, size: 10_000, make: |n| torch(&[&b"ctorch\nSize\n0".repeat(n)[..], b"}"].concat()) },
    Family { name: "storages of the list, repeated", reader: LEGACY, size: 20_000, make: storages_listed },
    Family { name: "shape of many legacy tensors, shared", reader: LEGACY, size: 2_000, make: |n| legacy(&shared_shape(n), b"\x80\x02].", b"") },
    Family { name: "legacy dictionaries, nested", reader: LEGACY, size: 10_000, make: |n| legacy(&nested(b"}X\x05\0\0\0model", b"s", n), b"\x80\x02].", b"") },
    Family { name: "records, repeated", reader: ZIP, size: 1_500, make: |n| archive(&(0..n).map(|at| (format!("m/{at}"), Vec::new())).collect::<Vec<_>>(), None) },
    Family { name: "record of many entries, shared", reader: ZIP, size: 1_500, make: |n| archive(&(0..n).map(|at| (format!("{at:08}"), Vec::new())).collect::<Vec<_>>(), Some(0)) },
    Family { name: "long names of records, repeated", reader: ZIP, size: 20, make: |n| archive(&(0..n).map(|at| (format!("{}{at}", "x".repeat(60_000)), Vec::new())).collect::<Vec<_>>(), None) },
    Family { name: "heads of a network, repeated", reader: ONNX, size: 500, make: |n| heads(n, 1) },
    Family { name: "axes of many heads, shared", reader: ONNX, size: 10_000, make: |n| heads(300, n) },
    Family { name: "long name of a value that many heads pass, shared", reader: ONNX, size: 50_000, make: long_name },
    Family { name: "attributes of a node that many heads pass, shared", reader: ONNX, size: 2_000, make: attributes },
    Family { name: "nodes that pass a value on, nested", reader: ONNX, size: 5_000, make: chain },
    Family { name: "graphs, nested", reader: ONNX, size: 500, make: graphs },
    Family { name: "empty nodes, repeated", reader: ONNX, size: 10_000, make: |n| message(7, &b"\x0a\0".repeat(n)) },
    Family { name: "metadata entries, repeated", reader: ONNX, size: 50_000, make: |n| [&b"\x08\x08"[..], &b"\x72\0".repeat(n)].concat() },
    Family { name: "dimensions, repeated", reader: ONNX, size: 50_000, make: |n| message(7, &field(5, &field(1, &vec![1; n]))) },
    Family { name: "names of a node, repeated", reader: ONNX, size: 50_000, make: |n| message(7, &field(1, &b"\x0a\0".repeat(n))) },
    Family { name: "tensors, repeated", reader: SAFETENSORS, size: 1_000, make: tensors },
    Family { name: "dimensions of a tensor, repeated", reader: SAFETENSORS, size: 100_000, make: |n| safetensors(&format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":[{}1],\"data_offsets\":[0,4]}}}}", "1,".repeat(n)), 4) },
    Family { name: "metadata, repeated", reader: SAFETENSORS, size: 50_000, make: metadata },
    Family { name: "brackets, nested", reader: SAFETENSORS, size: 100_000, make: |n| safetensors(&format!("{{\"a\":{}", "[".repeat(n)), 0) },
    Family { name: "scalar of many entries, shared", reader: Reader::Seg, size: 5_000, make: |n| seg(&shared_scalar(n, false)) },
    Family { name: "text of many keys, shared", reader: Reader::Seg, size: 5_000, make: |n| seg(&shared_scalar(n, true)) },
    Family { name: "encoded bytes of many entries, shared", reader: Reader::Seg, size: 5_000, make: |n| seg(&shared_text(n)) },
    Family { name: "shape of many arrays, shared", reader: Reader::Seg, size: 2_000, make: |n| seg(&shared_shape_of_arrays(n)) },
    Family { name: "name of many objects, shared", reader: Reader::Seg, size: 5_000, make: |n| seg(&shared_object(n)) },
    Family { name: "list of lists of one list, nested", reader: Reader::Seg, size: 10, make: |n| seg(&laughs(n)) },
    Family { name: "lists, nested", reader: Reader::Seg, size: 50_000, make: |n| seg(&nested(b"]", b"a", n)) },
    Family { name: "keys, repeated", reader: Reader::Seg, size: 10_000, make: |n| seg(&entries(n, int, b"N")) },
    Family { name: "objects, repeated", reader: Reader::Seg, size: 10_000, make: |n| seg(&[&b"]("[..], &b"cmy\nCell\n)\x81".repeat(n), b"e"].concat()) },
    Family { name: "shape of a size model's array, repeated", reader: Reader::SizeModel, size: 50_000, make: |n| size_model(&array(&[&b"("[..], &b"K\x01".repeat(n), b"t"].concat(), b"C\x01\0")) },
    Family { name: "entries of a size model, repeated", reader: Reader::SizeModel, size: 30_000, make: |n| npy(&entries(n, int, b"N")) },
    Family { name: "lists of a size model, nested", reader: Reader::SizeModel, size: 50_000, make: |n| npy(&nested(b"]", b"a", n)) },
];

// Pickles.

fn int(value: usize) -> Vec<u8> {
    [&b"J"[..], &(value as i32).to_le_bytes()].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text].concat()
}

/// `n` times `open`, then `n` times `close`.
fn nested(open: &[u8], close: &[u8], n: usize) -> Vec<u8> {
    [&open.repeat(n)[..], b"N", &close.repeat(n)].concat()
}

fn entries(n: usize, key: impl Fn(usize) -> Vec<u8>, value: &[u8]) -> Vec<u8> {
    let pairs: Vec<u8> = (0..n).flat_map(|at| [&key(at)[..], value].concat()).collect();
    [&b"}("[..], &pairs, b"u"].concat()
}

/// A value stored as memo entry 9 and popped off the stack.
fn kept(value: &[u8]) -> Vec<u8> {
    [value, b"q\x090"].concat()
}

/// A tensor of one storage; `key`, `name` and `shape` are opcodes.
fn tensor(key: &[u8], elements: usize, shape: &[u8]) -> Vec<u8> {
    [
        &b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"[..],
        key,
        &text(b"cpu"),
        &int(elements),
        b"tQK\0",
        shape,
        shape,
        b"\x89}tR",
    ]
    .concat()
}

fn shared_shape(n: usize) -> Vec<u8> {
    let shape = kept(&[&b"("[..], &b"K\x01".repeat(n), b"t"].concat());
    [shape, entries(n, |at| text(format!("{at}").as_bytes()), &tensor(&text(b"0"), 1, b"h\x09"))].concat()
}

fn shared_name(n: usize) -> Vec<u8> {
    // The maximum length of a name.
    let name = kept(&text("x".repeat(4096).as_bytes()));
    [name, entries(n, |_| b"h\x09".to_vec(), &tensor(&text(b"0"), 1, b"K\x01\x85"))].concat()
}

fn shared_storage(n: usize) -> Vec<u8> {
    let name = |at: usize| text(format!("output.{at}").as_bytes());
    entries(n, name, &tensor(&text(b"0"), n, &[&int(n)[..], b"\x85"].concat()))
}

fn shared_key(n: usize) -> Vec<u8> {
    let key = kept(&text("7".repeat(n).as_bytes()));
    [key, entries(n, |at| text(format!("{at}").as_bytes()), &tensor(b"h\x09", 1, b"K\x01\x85"))].concat()
}

fn shared_list(n: usize) -> Vec<u8> {
    let list = kept(&[&b"]("[..], &b"K\x01".repeat(n), b"e"].concat());
    [list, entries(n, int, b"cbuiltins\nset\nh\x09\x85R")].concat()
}

fn shared_pairs(n: usize) -> Vec<u8> {
    let pairs = kept(&[&b"]("[..], &b"K\x01K\x02\x86".repeat(n), b"e"].concat());
    [pairs, entries(n, int, b"ccollections\nOrderedDict\nh\x09\x85R")].concat()
}

/// A dictionary of scalars of 4 n bytes, all the same one; as the values, or as the keys.
fn shared_scalar(n: usize, is_key: bool) -> Vec<u8> {
    let dtype = [&b"cnumpy\ndtype\n"[..], &text(format!("U{n}").as_bytes()), b"K\0K\x01\x87R"].concat();
    let data = [&b"B"[..], &(4 * n as u32).to_le_bytes(), &b"a\0\0\0".repeat(n)].concat();
    let scalar = kept(&[&b"cnumpy.core.multiarray\nscalar\n"[..], &dtype, &data, b"\x86R"].concat());
    let pairs = if is_key { entries(n, |_| b"h\x09".to_vec(), b"N") } else { entries(n, int, b"h\x09") };
    [scalar, pairs].concat()
}

fn shared_text(n: usize) -> Vec<u8> {
    let encoded = [&b"c_codecs\nencode\n"[..], &text("x".repeat(n).as_bytes()), &text(b"latin1"), b"\x86R"].concat();
    [kept(&encoded), entries(n, int, b"h\x09")].concat()
}

/// The opcodes of an array of bytes.
fn array(shape: &[u8], data: &[u8]) -> Vec<u8> {
    let dtype = [&b"cnumpy\ndtype\n"[..], &text(b"u1"), b"K\0K\x01\x87R"].concat();
    let head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR(K\x01";
    [&head[..], shape, &dtype, b"\x89", data, b"tb"].concat()
}

fn shared_shape_of_arrays(n: usize) -> Vec<u8> {
    let shape = kept(&[&b"("[..], &b"K\x01".repeat(n), b"t"].concat());
    [shape, entries(n, int, &array(b"h\x09", b"C\x01\0"))].concat()
}

fn shared_object(n: usize) -> Vec<u8> {
    let class = [&b"cmy\n"[..], &b"x".repeat(n), b"\n"].concat();
    [kept(&class), entries(n, int, b"h\x09)\x81")].concat()
}

/// A list of ten references to a list of ten references, and so on: copies would exceed memory.
fn laughs(n: usize) -> Vec<u8> {
    let more = |at: u8| [&b"]("[..], &[b'h', at].repeat(10), &[b'e', b'q', at + 1, b'0']].concat();
    [&b"]q\x000"[..], &(0..n as u8).flat_map(more).collect::<Vec<_>>(), &[b'h', n as u8]].concat()
}

// Files around them.

fn archive(records: &[(String, Vec<u8>)], all_at: Option<u32>) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in records {
        let offset = all_at.unwrap_or(bytes.len() as u32);
        let size = (data.len() as u32).to_le_bytes();
        // Version, flags, method, time, checksum (none), sizes, lengths of name and extra fields.
        let fixed = [&[20, 0][..], &[0; 12], &size, &size, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04", &fixed[..], name.as_bytes(), data].concat());
        directory.extend([b"PK\x01\x02\x14\0", &fixed[..], &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let (count, at) = ((records.len() as u16).to_le_bytes(), bytes.len() as u32);
    bytes.extend(&directory);
    let length = (directory.len() as u32).to_le_bytes();
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &length, &at.to_le_bytes(), &[0, 0]].concat());
    bytes
}

/// A torch file of an object, and a storage `0` of one number.
fn torch(object: &[u8]) -> Vec<u8> {
    torch_of(object, 4)
}

fn torch_of(object: &[u8], storage: usize) -> Vec<u8> {
    let pickle = [&b"\x80\x02"[..], object, b"."].concat();
    archive(&[("m/data.pkl".into(), pickle), ("m/data/0".into(), vec![0; storage])], None)
}

fn legacy(object: &[u8], keys: &[u8], rest: &[u8]) -> Vec<u8> {
    let start = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
    [&start[..], b"\x80\x02", object, b".", keys, rest].concat()
}

/// A storage without elements, named repeatedly in the list of storages.
fn storages_listed(n: usize) -> Vec<u8> {
    let object = entries(1, int, &tensor(&text(b"0"), 0, b"K\0\x85"));
    let keys = [&b"\x80\x02"[..], &kept(&text(b"0")), b"](", &b"h\x09".repeat(n), b"e."].concat();
    legacy(&entries(1, |_| text(b"x"), &object), &keys, &vec![0; 8 * n])
}

/// A numpy file of one object.
fn npy(object: &[u8]) -> Vec<u8> {
    let head = format!("{:<117}\n", "{'descr': '|O', 'fortran_order': False, 'shape': (), }");
    let dtype = [&b"cnumpy\ndtype\n"[..], &text(b"O8"), b"K\0K\x01\x87R"].concat();
    let array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR(K\x01)";
    [b"\x93NUMPY\x01\0v\0", head.as_bytes(), b"\x80\x04", array, &dtype, b"\x89](", object, b"etb."].concat()
}

/// A `_seg.npy` with masks of four pixels, and `value` beside them.
fn seg(value: &[u8]) -> Vec<u8> {
    let masks = array(b"K\x02K\x02\x86", b"C\x04\0\x01\x01\0");
    npy(&[&b"}("[..], &text(b"masks"), &masks, &text(b"note"), value, b"u"].concat())
}

fn size_model(array: &[u8]) -> Vec<u8> {
    npy(&[&b"}("[..], &text(b"A"), array, &text(b"smean"), array, b"u"].concat())
}

fn safetensors(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

fn tensors(n: usize) -> Vec<u8> {
    let entry =
        |at| format!("\"t{at}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{},{}]}}", 4 * at, 4 * at + 4);
    safetensors(&format!("{{{}}}", (0..n).map(entry).collect::<Vec<_>>().join(",")), 4 * n)
}

fn metadata(n: usize) -> Vec<u8> {
    let entries: Vec<_> = (0..n).map(|at| format!("\"{at}\":\"\"")).collect();
    safetensors(&format!("{{\"__metadata__\":{{{}}}}}", entries.join(",")), 0)
}

// ONNX.

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn field(number: usize, payload: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2)[..], &varint(payload.len()), payload].concat()
}

fn message(number: usize, payload: &[u8]) -> Vec<u8> {
    [&b"\x08\x08"[..], &field(number, payload)].concat()
}

fn graphs(n: usize) -> Vec<u8> {
    let nested = (0..n).fold(Vec::new(), |inner, _| field(1, &field(5, &field(6, &inner))));
    message(7, &nested)
}

fn honest() -> ModelProto {
    let path = super::fixtures().join("script_17.onnx");
    ModelProto::parse_from_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// An export of the network with the average of another level, so that no head leads to a network, with `n` more heads.
fn no_network(n: usize) -> ModelProto {
    let mut model = honest();
    let graph = model.graph.as_mut().unwrap();
    let head = graph.node.iter().rfind(|node| node.op_type == "Conv").unwrap().clone();
    for at in 0..n {
        let mut other = head.clone();
        other.output[0] = format!("head_{at}");
        graph.node.push(other);
    }
    let first = graph.node[0].output[0].clone();
    graph.node.iter_mut().find(|node| node.op_type == "AveragePool").unwrap().input[0] = first;
    model
}

/// Heads that pass projections of the style, whose axes are sixteen concatenated lists of `n` numbers.
fn heads(heads: usize, axes: usize) -> Vec<u8> {
    let mut model = no_network(heads);
    if axes > 1 {
        let graph = model.graph.as_mut().unwrap();
        let numbers = AttributeProto { name: "value_ints".into(), ints: vec![2; axes], ..Default::default() };
        let node = |op_type: &str, input: Vec<String>, output: &str| NodeProto {
            op_type: op_type.into(),
            input,
            output: vec![output.into()],
            ..Default::default()
        };
        graph.node.push(NodeProto { attribute: vec![numbers], ..node("Constant", Vec::new(), "list") });
        let lists: Vec<String> = (0..16).map(|at| format!("list_{at}")).collect();
        let shaped = lists.iter().map(|list| node("Unsqueeze", vec!["list".into(), "list".into()], list));
        graph.node.extend(shaped.collect::<Vec<_>>());
        graph.node.push(node("Concat", lists, "axes"));
        for node in graph.node.iter_mut().filter(|node| node.op_type == "Unsqueeze" && node.input[1] != "list") {
            node.input[1] = "axes".into();
        }
    }
    model.write_to_bytes().unwrap()
}

fn long_name(n: usize) -> Vec<u8> {
    let mut model = no_network(300);
    let graph = model.graph.as_mut().unwrap();
    let head = graph.node.iter().rfind(|node| node.op_type == "Conv").unwrap();
    let (old, new) = (head.input[0].clone(), "x".repeat(n));
    // The value that every head takes has the long name; the file contains it once for the maker and once for a node
    // between, which passes it on to the heads.
    let between = NodeProto {
        op_type: "Identity".into(),
        input: vec![new.clone()],
        output: vec![old.clone()],
        ..Default::default()
    };
    for output in graph.node.iter_mut().flat_map(|node| &mut node.output).filter(|output| **output == old) {
        output.clone_from(&new);
    }
    graph.node.push(between);
    model.write_to_bytes().unwrap()
}

fn attributes(n: usize) -> Vec<u8> {
    let mut model = no_network(300);
    let graph = model.graph.as_mut().unwrap();
    let relu = graph.node.iter_mut().rfind(|node| node.op_type == "Conv" && node.attribute.len() > 2).unwrap();
    let many = (0..n).map(|at| AttributeProto { name: format!("a{at}"), ..Default::default() });
    // Before those that are read.
    relu.attribute.splice(0..0, many.collect::<Vec<_>>());
    model.write_to_bytes().unwrap()
}

fn chain(n: usize) -> Vec<u8> {
    let mut model = honest();
    let graph = model.graph.as_mut().unwrap();
    let head = graph.node.iter().rposition(|node| node.op_type == "Conv").unwrap();
    graph.node.extend((0..n).map(|at| NodeProto {
        op_type: "Identity".into(),
        input: vec![format!("i{at}")],
        output: vec![format!("i{}", at + 1)],
        ..Default::default()
    }));
    graph.node[head].input[0] = format!("i{n}");
    model.write_to_bytes().unwrap()
}
