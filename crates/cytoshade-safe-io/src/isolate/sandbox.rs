//! Linux: Landlock and seccomp.

use std::collections::BTreeMap;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

/// Denies all access to files, and to TCP if the kernel supports it. True if the kernel enforces it.
pub(super) fn landlock() -> bool {
    let restrict = || {
        // Kernels ignore newer rights that they do not support.
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        rules.restrict_self()
    };
    restrict().is_ok_and(|status: landlock::RestrictionStatus| status.ruleset != RulesetStatus::NotEnforced)
}

/// Allows only the system calls that decoding needs. True if the kernel enforces it.
pub(super) fn seccomp() -> bool {
    // The second filter also forbids installing further filters.
    hide_unchecked_calls().and_then(|()| allow_only_decoding()).is_ok()
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn allow_only_decoding() -> Outcome {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(&HIDDEN).map(|&call| (call, Vec::new())).collect();
    // Threads, but no processes.
    let thread = libc::CLONE_THREAD as u64;
    let flags = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![flags])?]);
    let name = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)?;
    rules.insert(libc::SYS_prctl, vec![SeccompRule::new(vec![name])?]);
    install(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

/// Reports calls whose arguments a filter cannot check as unsupported.
///
/// The libraries then use older calls.
fn hide_unchecked_calls() -> Outcome {
    let rules = HIDDEN.map(|call| (call, Vec::new()));
    install(rules.into(), SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>, otherwise: SeccompAction, action: SeccompAction) -> Outcome {
    let filter = SeccompFilter::new(rules, otherwise, action, std::env::consts::ARCH.try_into()?)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}

const HIDDEN: [i64; 2] = [libc::SYS_clone3, libc::SYS_statx];

/// Reading, writing and seeking in open files, memory, threads, clocks, random numbers, and exit.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
