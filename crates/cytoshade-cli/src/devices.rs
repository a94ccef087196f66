//! `cytoshade devices`.

use cytoshade::{AdapterInfo, Segmenter};

use crate::failure::Failure;
use crate::report::print_line;

pub(crate) fn run() -> Result<(), Failure> {
    let adapters = cytoshade::adapters();
    for adapter in &adapters {
        print_adapter(adapter);
    }
    print_line(format_args!("{}", Segmenter::cpu_info()));
    let taken = match adapters.iter().find(|adapter| adapter.auto) {
        Some(adapter) => format!("{} ({})", adapter.name, adapter.backend),
        None => "the CPU: no GPU was found, and software adapters are taken only with --device software".into(),
    };
    print_line(format_args!("--device auto takes {taken}"));
    Ok(())
}

fn print_adapter(adapter: &AdapterInfo) {
    let AdapterInfo { name, kind, backend, driver, offers, limits, .. } = adapter;
    print_line(format_args!("{name}: {kind}, {backend}, driver {driver}"));
    print_line(format_args!(
        "  offers {}",
        if offers.is_empty() { "nothing optional".into() } else { offers.join(", ") }
    ));
    print_line(format_args!(
        "  bindings up to {} MiB, {} storage buffers, {} KiB workgroup memory, {} invocations a workgroup",
        limits.storage_binding >> 20,
        limits.storage_buffers,
        limits.workgroup_memory >> 10,
        limits.invocations
    ));
}
