//! Advice on a machine, in sentences.

use super::report::{Report, Test};

/// Memory below which larger images may fail.
const LITTLE_MEMORY: u64 = 4 << 30;

/// The advice in sentences, the most important first.
pub(super) fn advice(report: &Report) -> Vec<String> {
    let mut advice: Vec<String> = report.tests.iter().flat_map(failures).collect();
    advice.extend(devices(report));
    advice.extend(models(report));
    if report.memory_bytes.is_some_and(|bytes| bytes < LITTLE_MEMORY) {
        advice.push("This machine has little memory; large images may need --limits, or a larger --diameter.".into());
    }
    if advice.is_empty() {
        advice.push("No problems found.".into());
    }
    advice
}

/// A sentence for each failed check of a device.
fn failures(test: &Test) -> impl Iterator<Item = String> {
    test.checks.iter().filter(|check| !check.is_passed()).map(|check| {
        let remedy = match check.name.split(' ').collect::<Vec<_>>()[..] {
            ["network", kernel, "f32" | "f16"] => {
                format!("pass another --kernel than {kernel}, or --device cpu")
            }
            ["network", isa] => format!("the processor or its virtual machine computes {isa} wrongly"),
            _ => "update its driver, or pass --device cpu".into(),
        };
        format!("On {}, {} {}: {remedy}, and report this output.", test.device, check.name, check.outcome)
    })
}

fn devices(report: &Report) -> Option<String> {
    let Some(adapter) = report.adapters.iter().find(|adapter| adapter.auto) else {
        let found = if report.adapters.is_empty() { "no adapter" } else { "only software adapters" };
        let set = report.instruction_sets.first().map_or("Portable", String::as_str);
        return Some(format!(
            "Found {found}, so the CPU ({set}) runs everything. If this machine has a GPU, install its Vulkan driver."
        ));
    };
    let has_f16 = adapter.features.contains(&"SHADER_F16");
    has_f16.then(|| {
        format!("{} stores f16: --precision auto halves its memory if a trial finds the same cells.", adapter.name)
    })
}

fn models(report: &Report) -> Vec<String> {
    let models = || report.model_folders.iter().flat_map(|folder| &folder.models);
    let mut advice: Vec<String> = models()
        .filter(|model| model.is_published == Some(false))
        .map(|model| {
            format!(
                "A file has the name of {0} but another hash: remove it and run `cytoshade model fetch {0}`, or rename \
                 it if it is a model of your own.",
                model.name
            )
        })
        .collect();
    if !models().any(|model| model.name == "cyto3") {
        advice.push(
            "No model folder has cyto3, so `segment` without --model uses the small bundled network; `cytoshade model \
             fetch cyto3` downloads it."
                .into(),
        );
    }
    advice
}

#[cfg(test)]
mod tests {
    use cytoshade::CheckOutcome;

    use super::*;

    #[test]
    fn advice_names_the_problem_and_the_remedy() {
        let agrees = CheckOutcome::Agrees { error: 0.0, allowed: 1.0 };
        let said = advice(&Report::example(None, agrees)).join("\n");
        for part in ["no adapter", "Vulkan driver", "cytoshade model fetch cyto3"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("report this output"), "{said}");
        let differs = CheckOutcome::Differs { error: 2.0, allowed: 1.0 };
        let said = advice(&Report::example(None, differs)).join("\n");
        assert!(said.starts_with("On a GPU, network gemm f32 differs: pass another --kernel than gemm"), "{said}");
    }
}
