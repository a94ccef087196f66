//! `segment --profile` and `--trace`: the times of stages and layers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cytoshade::{ConvKernel, Recorded, Recorder, Segmenter, Span, Timings};
use cytoshade_safe_io::{Existing, printable_path};
use serde::Serialize;

use crate::failure::Failure;
use crate::outputs::Outputs;
use crate::report::print_error;

/// Collects the times of a run.
#[derive(Debug)]
pub(crate) struct Profiler {
    print: bool,
    trace: Option<PathBuf>,
    /// Records the layers of the network.
    pub(crate) recorder: Recorder,
    start: Instant,
    startup: Vec<Span>,
    /// The device and its kernels; empty once printed.
    device: String,
    events: Vec<Event>,
    /// Tables that [`Profiler::print`] prints.
    text: String,
}

/// A row of the trace.
#[derive(Clone, Copy, Debug)]
enum Row {
    Program,
    Stages,
    /// The layers of the network; tiles that run concurrently have a row each.
    Layers(usize),
}

impl Row {
    fn number(self) -> usize {
        match self {
            Row::Program => 1,
            Row::Stages => 2,
            Row::Layers(lane) => 3 + lane,
        }
    }

    fn name(self) -> String {
        match self {
            Row::Program => "program".into(),
            Row::Stages => "stages".into(),
            Row::Layers(0) => "layers".into(),
            Row::Layers(lane) => format!("layers {}", lane + 1),
        }
    }
}

/// A complete event (`X`) or the name of a row (`M`) in Chrome's trace format.
#[derive(Debug, Serialize)]
struct Event {
    ph: &'static str,
    name: String,
    pid: u32,
    tid: usize,
    /// Microseconds since the start of the program.
    ts: f64,
    dur: f64,
    #[serde(skip_serializing_if = "Args::is_empty")]
    args: Args,
}

#[derive(Debug, Default, Serialize)]
struct Args {
    /// Name of a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl Args {
    fn is_empty(&self) -> bool {
        matches!(self, Args { name: None, file: None, operations: None, bytes: None })
    }
}

impl Profiler {
    /// A profiler of a program started at `start`; `None` if nothing is printed or written.
    pub(crate) fn new(print: bool, trace: Option<&Path>, start: Instant) -> Option<Self> {
        (print || trace.is_some()).then(|| Self {
            print,
            trace: trace.map(Path::to_path_buf),
            recorder: Recorder::new(),
            start,
            startup: Vec::new(),
            device: String::new(),
            events: Vec::new(),
            text: String::new(),
        })
    }

    /// Records the time before the first image.
    pub(crate) fn startup(&mut self, model: Span, segmenter: &Segmenter) {
        let kernels: Vec<&str> = segmenter.kernels().into_iter().map(ConvKernel::name).collect();
        self.device = format!("{}, {} {}\n", segmenter.device(), segmenter.precision().name(), kernels.join(" "));
        for span in [model].into_iter().chain(segmenter.startup()) {
            self.span(Row::Program, span, None);
            self.startup.push(span);
        }
    }

    /// Records reading or writing a file.
    pub(crate) fn file(&mut self, file: &Path, span: Span) {
        self.span(Row::Program, span, Some(file));
        if !self.startup.is_empty() {
            self.startup.push(span);
        }
    }

    /// Records the stages of a computation on a file.
    pub(crate) fn stages(&mut self, title: &str, file: &Path, timings: &Timings) {
        for span in timings.spans() {
            self.span(Row::Stages, span, Some(file));
        }
        let _ = writeln!(self.text, "{title} {}", printable_path(file));
        stages(&mut self.text, timings);
    }

    /// Records the segmentation of a file.
    pub(crate) fn computed(&mut self, file: &Path, timings: &Timings) {
        let recorded = self.recorder.take();
        for span in recorded.spans() {
            let args = Args { operations: Some(span.cost.operations), bytes: Some(span.cost.bytes), ..Args::default() };
            self.event(Row::Layers(span.lane), span.cost.name.clone(), span.start, span.time, args);
        }
        // Only the first image includes the startup.
        let startup = std::mem::take(&mut self.startup);
        if !startup.is_empty() {
            self.text += &std::mem::take(&mut self.device);
            first_mask(&mut self.text, &startup, timings, self.start.elapsed());
        }
        self.stages("segmentation of", file, timings);
        layers(&mut self.text, &recorded);
    }

    /// Prints the tables recorded since the last call.
    pub(crate) fn print(&mut self) {
        let text = std::mem::take(&mut self.text);
        if self.print {
            print_error(&text);
        }
    }

    /// Writes the trace.
    pub(crate) fn finish(self, outputs: &mut Outputs) -> Result<(), Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Trace<'a> {
            display_time_unit: &'static str,
            trace_events: &'a [Event],
        }
        let Some(path) = &self.trace else { return Ok(()) };
        let mut events = self.events;
        let lanes = events.iter().map(|event| event.tid).max().unwrap_or(0).saturating_sub(2);
        for row in [Row::Program, Row::Stages].into_iter().chain((0..lanes).map(Row::Layers)) {
            let args = Args { name: Some(row.name()), ..Args::default() };
            let name = "thread_name".into();
            events.push(Event { ph: "M", name, pid: 1, tid: row.number(), ts: 0.0, dur: 0.0, args });
        }
        let trace = Trace { display_time_unit: "ms", trace_events: &events };
        outputs.save(path, Existing::Replace, |out| {
            serde_json::to_writer(out, &trace).map_err(|error| cytoshade_formats::Error::Write(error.into()))
        })
    }

    fn span(&mut self, row: Row, span: Span, file: Option<&Path>) {
        let args = Args { file: file.map(|file| file.display().to_string()), ..Args::default() };
        self.event(row, span.name.into(), span.start, span.time, args);
    }

    fn event(&mut self, row: Row, name: String, start: Instant, time: Duration, args: Args) {
        if self.trace.is_some() {
            let ts = start.saturating_duration_since(self.start).as_secs_f64() * 1e6;
            let dur = time.as_secs_f64() * 1e6;
            self.events.push(Event { ph: "X", name, pid: 1, tid: row.number(), ts, dur, args });
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// Appends a table of the time from the start of the program to its first masks.
fn first_mask(text: &mut String, startup: &[Span], timings: &Timings, total: Duration) {
    let mut parts: Vec<(&str, Duration)> = startup.iter().map(|span| (span.name, span.time)).collect();
    let mut network = timings.spans().filter(|span| span.name == "network");
    let first = network.next().map_or(Duration::ZERO, |span| span.time);
    parts.push(("first batch of tiles", first));
    let others: Duration = network.map(|span| span.time).sum();
    let dynamics = timings.iter().filter(|(stage, _)| stage.name() == "follow_flows").map(|(_, time)| time).sum();
    parts.push(("dynamics", dynamics));
    parts.push(("other batches", others));
    parts.push(("other stages", timings.total().saturating_sub(first + others + dynamics)));
    let accounted = parts.iter().map(|(_, time)| *time).sum();
    parts.push(("rest", total.saturating_sub(accounted)));
    let _ = writeln!(text, "start of the program to first masks");
    table(text, &parts, total);
}

fn stages(text: &mut String, timings: &Timings) {
    let parts: Vec<(&str, Duration)> = timings.iter().map(|(stage, time)| (stage.name(), time)).collect();
    table(text, &parts, timings.total());
}

fn table(text: &mut String, parts: &[(&str, Duration)], total: Duration) {
    let _ = writeln!(text, "  {:<48}{:>12}{:>9}", "stage", "ms", "share");
    for (name, time) in parts.iter().chain([&("total", total)]) {
        let (time, total) = (milliseconds(*time), milliseconds(total));
        let _ = writeln!(text, "  {name:<48}{time:>12.3}{:>7.1} %", share(time, total));
    }
}

fn layers(text: &mut String, recorded: &Recorded) {
    if let Some(reason) = &recorded.missing {
        let _ = writeln!(text, "  no times of layers: {reason}");
    }
    let layers = recorded.layers();
    let total: f64 = layers.iter().map(|layer| layer.seconds).sum();
    if layers.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {:<48}{:>12}{:>9}{:>8}{:>10}{:>9}", "layer", "ms", "share", "runs", "GFLOP/s", "GB/s");
    let mut line = |name: &str, runs: usize, seconds: f64, operations: u64, bytes: u64| {
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds * 1e-9 } else { 0.0 };
        let _ = writeln!(
            text,
            "  {name:<48}{:>12.3}{:>7.1} %{runs:>8}{:>10.1}{:>9.2}",
            seconds * 1e3,
            share(seconds, total),
            rate(operations),
            rate(bytes)
        );
    };
    for layer in &layers {
        line(&layer.name, layer.runs, layer.seconds, layer.operations, layer.bytes);
    }
    let (operations, bytes) = (layers.iter().map(|l| l.operations).sum(), layers.iter().map(|l| l.bytes).sum());
    line("total", layers.iter().map(|layer| layer.runs).sum(), total, operations, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_rates_are_of_the_whole_and_by_time() {
        let layer = cytoshade::StepCost { name: "conv 32->32".into(), operations: 3_000_000, bytes: 500_000 };
        let recorder = Recorder::new();
        let nanoseconds = vec![[0, 1_000_000]];
        let steps = [layer].into();
        recorder.add(cytoshade::BatchTimes { tiles: 1, lane: 0, submitted: 0, steps, nanoseconds });
        let mut text = String::new();
        layers(&mut text, &recorder.take());
        let words: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(words, ["conv", "32->32", "1.000", "100.0", "%", "1", "3.0", "0.50"]);
    }

    #[test]
    fn a_missing_clock_is_reported() {
        let recorder = Recorder::new();
        recorder.cannot_time("there is no clock".into());
        let mut text = String::new();
        layers(&mut text, &recorder.take());
        assert_eq!(text, "  no times of layers: there is no clock\n");
    }
}
