//! `cytoshade devices`: lists the adapters and the CPU.

use cytoshade::{AdapterInfo, Segmenter};

use crate::failure::Failure;
use crate::report::print_line;

pub(crate) fn run() -> Result<(), Failure> {
    let adapters = cytoshade::adapters();
    for adapter in &adapters {
        print_adapter(adapter);
    }
    print_line(format_args!("{}", Segmenter::cpu_info()));
    let selected = match adapters.iter().find(|adapter| adapter.auto) {
        Some(adapter) => format!("{} ({})", adapter.name, adapter.backend),
        None => "the CPU: no GPU found; pass --device software to use a software adapter".into(),
    };
    print_line(format_args!("--device auto selects {selected}"));
    Ok(())
}

fn print_adapter(adapter: &AdapterInfo) {
    let AdapterInfo { name, kind, backend, driver, offers, limits, .. } = adapter;
    print_line(format_args!("{name}: {kind}, {backend}, driver {driver}"));
    print_line(format_args!(
        "  features: {}",
        if offers.is_empty() { "no optional features".into() } else { offers.join(", ") }
    ));
    print_line(format_args!(
        "  bindings up to {} MiB, {} storage buffers, {} KiB workgroup memory, {} invocations per workgroup",
        limits.storage_binding >> 20,
        limits.storage_buffers,
        limits.workgroup_memory >> 10,
        limits.invocations
    ));
}
