//! Finds the network's layers in a graph, and checks that each computes the U-Net's function.

use crate::onnx::{Graph, Mismatch, Node, Value};

/// The convolutions of the network.
const CONV_1X1: &str = "a convolution 1x1 that keeps the plane's size, of constant weights";
const CONV_3X3: &str = "a convolution 3x3 that keeps the plane's size, of constant weights";

/// Maximum number of nodes between the style's projection and its addition to the map.
const SHAPERS: usize = 4;

/// BatchNorm (unless the exporter folded it), ReLU (if `relu`) and convolution.
///
/// Exporters fold a BatchNorm into the convolution before it, and a projection's BatchNorm into the projection. The
/// layer then equals one with an identity BatchNorm, so a missing BatchNorm is accepted anywhere.
pub(super) struct FoundConv<'m> {
    pub(super) conv: &'m Node<'m>,
    pub(super) norm: Option<&'m Node<'m>>,
}

/// `bias + weight * style`, with constant values.
pub(super) struct FoundLinear<'m> {
    pub(super) node: &'m Node<'m>,
    pub(super) weight: Value,
    /// Whether the weight is [inputs, outputs] instead of [outputs, inputs].
    pub(super) turned: bool,
    pub(super) bias: Option<Value>,
}

impl<'m> Graph<'m> {
    /// The side of a convolution's kernel, from its weights.
    pub(super) fn kernel(&self, conv: &'m Node<'m>) -> Option<i64> {
        let (weight, false) = self.constant(conv.input(1))? else { return None };
        match weight.dims[..] {
            [_, _, height, width] if height == width => Some(height),
            _ => None,
        }
    }

    /// The convolution that computes a value, and the input of its BatchNorm, ReLU and convolution.
    pub(super) fn conv(&self, value: Value, kernel: i64, relu: bool) -> Result<(FoundConv<'m>, Value), Mismatch> {
        let conv = self.expect(value, &["Conv"])?;
        let same = matches!(conv.text("auto_pad", "NOTSET"), b"SAME_UPPER" | b"SAME_LOWER");
        let pad = kernel / 2;
        let padded = conv
            .attribute("pads")
            .map_or(pad == 0, |pads| pads.ints.len() <= 4 && pads.ints.iter().all(|&found| found == pad));
        let plain = conv.all("strides", 1) && conv.all("dilations", 1) && conv.int("group", 1) == 1;
        let fits = self.kernel(conv) == Some(kernel) && plain && (padded || same);
        conv.check(fits, if kernel == 1 { CONV_1X1 } else { CONV_3X3 })?;
        let mut input = conv.input(0);
        if relu {
            input = self.expect(input, &["Relu"])?.input(0);
        }
        let norm = self.maker(input).filter(|node| node.is(&["BatchNormalization"]));
        if let Some(norm) = norm {
            let fits =
                (f64::from(norm.float("epsilon", 1e-5)) - 1e-5).abs() < 1e-8 && norm.int("training_mode", 0) == 0;
            norm.check(fits, "BatchNormalization for inference with epsilon 1e-5")?;
            input = norm.input(0);
        }
        Ok((FoundConv { conv, norm }, input))
    }

    /// The operands of the addition that computes a value, the convolution's first.
    pub(super) fn add_conv(&self, value: Value) -> Result<(Value, Value), Mismatch> {
        let add = self.expect(value, &["Add"])?;
        let (a, b) = (add.input(0), add.input(1));
        let is_conv = |value| self.maker(value).is_some_and(|node| node.is(&["Conv"]));
        match (is_conv(a), is_conv(b)) {
            (true, false) => Ok((a, b)),
            (false, true) => Ok((b, a)),
            _ => Err(add.mismatch("another Add", "an Add of a convolution and its skip connection")),
        }
    }

    /// The operands of `proj(x) + ...`, the 1x1 convolution's first.
    pub(super) fn add_proj(&self, value: Value) -> Result<(Value, Value), Mismatch> {
        let add = self.expect(value, &["Add"])?;
        let (a, b) = (add.input(0), add.input(1));
        let kernel = |value| self.maker(value).filter(|node| node.is(&["Conv"])).and_then(|conv| self.kernel(conv));
        match (kernel(a), kernel(b)) {
            (Some(1), Some(3)) => Ok((a, b)),
            (Some(3), Some(1)) => Ok((b, a)),
            _ => Err(add.mismatch("another Add", "an Add of a convolution 1x1 and one 3x3")),
        }
    }

    /// The addition of a style projection: the projection, the style, the other operand.
    pub(super) fn add_style(&self, value: Value) -> Result<(FoundLinear<'m>, Value, Value), Mismatch> {
        let add = self.expect(value, &["Add"])?;
        let (a, b) = (add.input(0), add.input(1));
        match (self.projection(a), self.projection(b)) {
            (Some((linear, style)), None) => Ok((linear, style, b)),
            (None, Some((linear, style))) => Ok((linear, style, a)),
            _ => Err(add.mismatch("another Add", "an Add of a map and a projection of the style")),
        }
    }

    /// A projection of the style, shaped [N, C, 1, 1], and the style.
    fn projection(&self, value: Value) -> Option<(FoundLinear<'m>, Value)> {
        let mut node = self.maker(value)?;
        let mut axes = Vec::new();
        for _ in 0..SHAPERS {
            if node.is(&["Unsqueeze"]) {
                axes.push(self.axes(node)?);
            } else if node.is(&["Reshape"]) && axes.is_empty() {
                let [_, _, 1.0, 1.0] = self.numbers(node.input(1))?[..] else { return None };
                axes.push(vec![2, 3]);
            } else {
                break;
            }
            node = self.maker(node.input(0))?;
        }
        // After the projection, each new axis follows the channels.
        let mut rank = 2;
        for axes in axes.into_iter().rev() {
            rank += axes.len() as i64;
            axes.into_iter().all(|axis| (2..rank).contains(&if axis < 0 { axis + rank } else { axis })).then_some(())?;
        }
        if rank != 4 {
            return None;
        }
        if node.is(&["Gemm"]) {
            let plain = node.float("alpha", 1.0) == 1.0 && node.float("beta", 1.0) == 1.0 && node.int("transA", 0) == 0;
            let bias = node.input(2).given();
            let turned = node.int("transB", 0) == 0;
            return plain.then_some((FoundLinear { node, weight: node.input(1), turned, bias }, node.input(0)));
        }
        let (bias, product) = match node.op_type() {
            "Add" => {
                let (a, b) = (node.input(0), node.input(1));
                let (bias, product) = if self.constant(a).is_some() { (a, b) } else { (b, a) };
                (Some(bias), self.maker(product)?)
            }
            _ => (None, node),
        };
        let linear = FoundLinear { node: product, weight: product.input(1), turned: true, bias };
        product.is(&["MatMul"]).then_some((linear, product.input(0)))
    }

    /// The input of the 2x2 max-pool that computes a value.
    pub(super) fn max_pool(&self, value: Value) -> Result<Value, Mismatch> {
        let pool = self.expect(value, &["MaxPool"])?;
        let plain = pool.all("pads", 0)
            && pool.all("dilations", 1)
            && pool.int("ceil_mode", 0) == 0
            && pool.text("auto_pad", "NOTSET") != b"SAME_UPPER"
            && pool.text("auto_pad", "NOTSET") != b"SAME_LOWER";
        let fits = plain && pool.ints_are("kernel_shape", &[2, 2]) && pool.ints_are("strides", &[2, 2]);
        pool.check(fits, "MaxPool 2x2 with stride 2 and no padding")?;
        Ok(pool.input(0))
    }

    /// The input of the 2x nearest-neighbor upsampling that computes a value; `None` for other nodes.
    pub(super) fn doubling(&self, value: Value) -> Result<Option<Value>, Mismatch> {
        let Some(node) = self.maker(value).filter(|node| node.is(&["Resize", "Upsample"])) else { return Ok(None) };
        let scales = if node.is(&["Resize"]) && node.inputs() > 2 { node.input(2) } else { node.input(1) };
        let scales = match node.attribute("scales") {
            Some(scales) => Some(scales.floats.iter().take(5).map(|&scale| f64::from(scale)).collect()),
            None => self.numbers(scales),
        };
        // Without factors the node has a target size; the later addition of a map of twice the size determines it.
        let by_size = node.is(&["Resize"]) && node.input(3).given().is_some();
        let twice = scales.map_or(by_size, |scales| scales == [1.0, 1.0, 2.0, 2.0] || scales == [2.0, 2.0]);
        let nearest = match node.text("coordinate_transformation_mode", "half_pixel") {
            _ if node.is(&["Upsample"]) => true,
            b"asymmetric" => {
                matches!(node.text("nearest_mode", "round_prefer_floor"), b"floor" | b"round_prefer_floor")
            }
            b"half_pixel" | b"pytorch_half_pixel" => {
                node.text("nearest_mode", "round_prefer_floor").starts_with(b"round")
            }
            _ => false,
        };
        let fits = twice && nearest && node.text("mode", "nearest") == b"nearest";
        node.check(fits, "an upsampling by 2 to the nearest neighbor")?;
        Ok(Some(node.input(0)))
    }

    /// Checks that a value is the style of `map`: its average over the plane, divided by its norm.
    pub(super) fn style(&self, value: Value, map: Value) -> Result<(), Mismatch> {
        let divide = self.expect(value, &["Div", "LpNormalization"])?;
        let average = divide.input(0);
        if divide.is(&["LpNormalization"]) {
            let fits = divide.int("p", 2) == 2 && matches!(divide.int("axis", -1), 1 | -1);
            divide.check(fits, "LpNormalization with p = 2 over the channels")?;
        } else {
            let length = self.expect(divide.input(1), &["Pow", "Sqrt", "ReduceL2"])?;
            let of = if length.is(&["ReduceL2"]) {
                self.check_channels(length)?;
                length.input(0)
            } else {
                if length.is(&["Pow"]) {
                    let root = self.numbers(length.input(1)).is_some_and(|power| power == [0.5]);
                    length.check(root, "Pow by 0.5: the style's length")?;
                }
                self.sum_of_squares(length.input(0))?
            };
            divide.check(self.same(of, average), "a Div of the style by its own length")?;
        }
        let pooled = match self.maker(average) {
            Some(node) if node.is(&["Flatten", "Reshape", "Squeeze"]) => node.input(0),
            _ => average,
        };
        let pool = self.expect(pooled, &["GlobalAveragePool", "AveragePool", "ReduceMean"])?;
        if pool.is(&["AveragePool"]) {
            let whole = pool.all("pads", 0) && pool.all("dilations", 1) && pool.int("ceil_mode", 0) == 0;
            // A window smaller than the plane leaves several averages per channel, which match no projection.
            pool.check(whole, "an average over the whole plane")?;
        } else if pool.is(&["ReduceMean"]) {
            let axes = self.axes(pool).unwrap_or_default();
            let reduces = |axis: i64| axes.contains(&axis) || axes.contains(&(axis - 4));
            pool.check(axes.len() == 2 && reduces(2) && reduces(3), "a ReduceMean over the plane")?;
        }
        pool.check(self.same(pool.input(0), map), "the average of the deepest level")
    }

    /// The value whose squares are summed over the channels.
    fn sum_of_squares(&self, value: Value) -> Result<Value, Mismatch> {
        let sum = self.expect(value, &["ReduceSum", "ReduceSumSquare"])?;
        self.check_channels(sum)?;
        if sum.is(&["ReduceSumSquare"]) {
            return Ok(sum.input(0));
        }
        let square = self.expect(sum.input(0), &["Pow", "Mul"])?;
        let fits = if square.is(&["Pow"]) {
            self.numbers(square.input(1)).is_some_and(|power| power == [2.0])
        } else {
            self.same(square.input(0), square.input(1))
        };
        square.check(fits, "a square: the style's length")?;
        Ok(square.input(0))
    }

    fn check_channels(&self, reduce: &'m Node<'m>) -> Result<(), Mismatch> {
        let channels = matches!(self.axes(reduce).as_deref(), Some([1 | -1])) && reduce.int("keepdims", 1) == 1;
        reduce.check(channels, "a reduction over the channels")
    }
}
