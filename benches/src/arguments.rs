//! Command line of the programs that measure a GPU.

use cytoshade_gpu::{ConvKernel, Precision};

/// The parsed command line.
#[derive(Debug)]
pub struct Arguments {
    /// Whether a software adapter is measured.
    pub software: bool,
    /// Tiles of a batch.
    pub tiles: usize,
    /// Repetitions.
    pub rounds: usize,
    /// The kernels to measure.
    pub kernels: Vec<ConvKernel>,
    /// Storage types of the activations.
    pub precisions: Vec<Precision>,
    /// Whether each step is printed.
    pub steps: bool,
}

impl Arguments {
    /// Reads the command line.
    ///
    /// # Errors
    /// A message that names the wrong argument.
    pub fn read() -> Result<Self, String> {
        let mut arguments = Self {
            software: false,
            tiles: 16,
            rounds: 20,
            kernels: ConvKernel::ALL.to_vec(),
            precisions: vec![Precision::F32, Precision::F16],
            steps: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--software" => arguments.software = true,
                "--steps" => arguments.steps = true,
                "--tiles" => arguments.tiles = number(&value()?)?,
                "--rounds" => arguments.rounds = number(&value()?)?,
                "--kernel" => arguments.kernels = vec![value()?.parse().map_err(|e| format!("{e}"))?],
                "--precision" => {
                    let name = value()?;
                    arguments.precisions.retain(|precision| precision.name() == name);
                }
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        Ok(arguments)
    }
}

fn number(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|&number| number > 0).ok_or(format!("{word} is not a number above 0"))
}
