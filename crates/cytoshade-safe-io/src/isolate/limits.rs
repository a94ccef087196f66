//! Resource limits of an isolated process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Limits the process's resources. True if every limit holds.
pub(super) fn apply(memory_bytes: u64) -> bool {
    let wanted = [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // Only standard input, output and error, which are already open.
        (Resource::Nofile, 3),
        // Writable memory. The whole address space is no measure: allocators reserve much more than they use.
        (Resource::Data, memory_bytes),
    ];
    #[cfg(target_os = "linux")]
    let dies_with_parent = {
        let kill = Some(rustix::process::Signal::KILL);
        rustix::process::set_parent_process_death_signal(kill).is_ok()
    };
    #[cfg(not(target_os = "linux"))]
    let dies_with_parent = true;
    wanted.into_iter().fold(dies_with_parent, |all, (resource, most)| limit(resource, most) && all)
}

fn limit(resource: Resource, most: u64) -> bool {
    // An unprivileged process cannot raise the hard limit.
    let most = getrlimit(resource).maximum.map_or(most, |maximum| most.min(maximum));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).is_ok()
}
