//! The meter refuses a charge before it is spent.

use cytoshade_safe_io::{CostLimits, Meter, MeterError, reserve};

const FREE: u64 = 16 << 20;

fn limits() -> CostLimits {
    CostLimits { memory_bytes: 1000, memory_ratio: 8, structure_bytes: 500, steps: 10 }
}

fn meter() -> Meter {
    limits().meter(100)
}

#[test]
fn charges_add_up_to_the_limit_and_no_further() {
    let mut meter = meter();
    meter.charge_values::<u8>(600).unwrap();
    meter.charge::<u64>(50).unwrap();
    assert_eq!((meter.bytes(), meter.steps()), (1000, 0));
    let expected = MeterError::Limit { what: "memory in bytes", found: 1001, limit: 1000, field: "cost.memory_bytes" };
    assert_eq!(meter.charge::<u8>(1), Err(expected));
    assert_eq!(meter.bytes(), 1000, "a refused charge is not spent");
    meter.charge_steps(9).unwrap();
    meter.charge_scan(64).unwrap();
    assert!(matches!(meter.charge_steps(1), Err(MeterError::Limit { found: 11, field: "cost.steps", .. })));
    assert!(matches!(meter.charge_values::<u64>(usize::MAX), Err(MeterError::Limit { found: u64::MAX, .. })));
}

#[test]
fn lists_have_a_limit_of_their_own() {
    let mut meter = meter();
    meter.charge::<u8>(500).unwrap();
    assert!(matches!(meter.charge::<u8>(1), Err(MeterError::Limit { field: "cost.structure_bytes", .. })));
    meter.charge_values::<u8>(500).unwrap();
}

#[test]
fn a_file_may_cost_in_proportion_to_its_size() {
    let limits = CostLimits { memory_bytes: 1 << 30, ..CostLimits::default() };
    let limit = |meter: &mut Meter| match meter.charge_values::<u64>(usize::MAX) {
        Err(MeterError::Limit { limit, field, .. }) => (limit, field),
        other => panic!("{other:?}"),
    };
    for (file_bytes, expected) in [
        (0, (FREE, "cost.memory_ratio")),
        (1 << 20, (FREE + (8 << 20), "cost.memory_ratio")),
        (1 << 30, (1 << 30, "cost.memory_bytes")),
        (u64::MAX, (1 << 30, "cost.memory_bytes")),
    ] {
        assert_eq!(limit(&mut limits.meter(file_bytes)), expected);
    }
    // A part beside the file counts as the file does.
    let mut meter = limits.meter(0);
    meter.extend(1 << 20, &limits);
    assert_eq!(limit(&mut meter).0, FREE + (8 << 20));
    meter.extend(u64::MAX, &limits);
    assert_eq!(limit(&mut meter).0, 1 << 30);
}

#[test]
fn a_list_is_charged_and_memory_that_is_not_there_is_an_error() {
    let mut meter = meter();
    let list: Vec<u16> = meter.list(100).unwrap();
    assert_eq!((list.len(), list.capacity(), meter.bytes()), (0, 100, 200));
    assert!(meter.list::<u16>(200).is_err());
    let values: Vec<u16> = meter.values(200).unwrap();
    assert_eq!((values.capacity(), meter.bytes()), (200, 600));
    let bytes = 1 << 62;
    assert_eq!(reserve::<u8>(bytes), Err(MeterError::Memory { bytes: bytes as u64 }));
}
