//! The network on candle, written with its own layers.
//!
//! candle's ONNX reader needs a compiler of protocol buffers.

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, VarBuilder, batch_norm, conv2d, linear};
use protocol::{Job, Outcome};

/// The layout of the published networks.
const NBASE: [usize; 5] = [2, 32, 64, 128, 256];

fn main() -> Outcome<()> {
    let job = Job::from_args()?;
    // Read by candle's own pool and by rayon's at their first use.
    let given = std::env::var("RAYON_NUM_THREADS").is_ok_and(|threads| threads == job.threads.to_string());
    if !given {
        return Err(format!("set RAYON_NUM_THREADS={}", job.threads).into());
    }
    let side = job.side;
    let weights = candle_core::safetensors::load(&job.model, &Device::Cpu)?;
    let network = Network::new(VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu))?;
    job.serve(
        |_| Ok(()),
        |(), tiles, n| {
            let input = Tensor::from_slice(tiles, (n, 2, side, side), &Device::Cpu)?;
            Ok(network.run(&input)?.flatten_all()?.to_vec1()?)
        },
    )
}

struct BatchConv {
    norm: BatchNorm,
    relu: bool,
    conv: Conv2d,
}

impl BatchConv {
    fn new(weights: VarBuilder, inputs: usize, outputs: usize, kernel: usize, relu: bool) -> candle_core::Result<Self> {
        let config = Conv2dConfig { padding: kernel / 2, ..Conv2dConfig::default() };
        let norm = batch_norm(inputs, 1e-5, weights.pp("0"))?;
        let at = if relu { "2" } else { "1" };
        Ok(Self { norm, relu, conv: conv2d(inputs, outputs, kernel, config, weights.pp(at))? })
    }

    fn run(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let x = self.norm.forward_t(x, false)?;
        self.conv.forward(&if self.relu { x.relu()? } else { x })
    }
}

struct Level {
    proj: BatchConv,
    convs: Vec<BatchConv>,
    fulls: Vec<Linear>,
}

impl Level {
    fn new(weights: VarBuilder, inputs: usize, outputs: usize, styled: bool) -> candle_core::Result<Self> {
        let proj = BatchConv::new(weights.pp("proj"), inputs, outputs, 1, false)?;
        let (mut convs, mut fulls) = (Vec::new(), Vec::new());
        for t in 0..4 {
            let at = weights.pp(format!("conv.conv_{t}"));
            let of_conv = if styled && t > 0 { at.pp("conv") } else { at.clone() };
            convs.push(BatchConv::new(of_conv, if t == 0 { inputs } else { outputs }, outputs, 3, true)?);
            if styled && t > 0 {
                fulls.push(linear(NBASE[4], outputs, at.pp("full"))?);
            }
        }
        Ok(Self { proj, convs, fulls })
    }

    fn down(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let x = (self.proj.run(x)? + self.convs[1].run(&self.convs[0].run(x)?)?)?;
        &x + self.convs[3].run(&self.convs[2].run(&x)?)?
    }

    fn up(&self, x: &Tensor, skip: &Tensor, style: &Tensor) -> candle_core::Result<Tensor> {
        let styled = |t: usize, x: Tensor| {
            let style = self.fulls[t - 1].forward(style)?.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?;
            self.convs[t].run(&x.broadcast_add(&style)?)
        };
        let x = (self.proj.run(x)? + styled(1, (self.convs[0].run(x)? + skip)?)?)?;
        &x + styled(3, styled(2, x.clone())?)?
    }
}

struct Network {
    downs: Vec<Level>,
    ups: Vec<Level>,
    output: BatchConv,
}

impl Network {
    fn new(weights: VarBuilder) -> candle_core::Result<Self> {
        let down =
            |n: usize| Level::new(weights.pp(format!("downsample.down.res_down_{n}")), NBASE[n], NBASE[n + 1], false);
        let up = |n: usize| {
            let inputs = NBASE[(n + 2).min(4)];
            Level::new(weights.pp(format!("upsample.up.res_up_{n}")), inputs, NBASE[n + 1], true)
        };
        Ok(Self {
            downs: (0..4).map(down).collect::<candle_core::Result<_>>()?,
            ups: (0..4).map(up).collect::<candle_core::Result<_>>()?,
            output: BatchConv::new(weights.pp("output"), NBASE[1], 3, 1, true)?,
        })
    }

    fn run(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let mut maps: Vec<Tensor> = Vec::new();
        for level in &self.downs {
            let x = match maps.last() {
                Some(above) => above.max_pool2d(2)?,
                None => x.clone(),
            };
            maps.push(level.down(&x)?);
        }
        let deepest = &maps[3];
        let style = deepest.mean((2, 3))?;
        let style = style.broadcast_div(&style.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        let mut x = deepest.clone();
        for n in (0..4).rev() {
            if n < 3 {
                let (_, _, height, width) = x.dims4()?;
                x = x.upsample_nearest2d(2 * height, 2 * width)?;
            }
            x = self.ups[n].up(&x, &maps[n], &style)?;
        }
        self.output.run(&x)
    }
}
