//! The meter refuses a charge before it is spent.

use cytoshade_safe_io::{Meter, MeterError};

fn meter() -> Meter {
    Meter::new((1000, "memory_bytes"), (10, "steps"))
}

#[test]
fn charges_add_up_to_the_limit_and_no_further() {
    let mut meter = meter();
    meter.charge_bytes(600).unwrap();
    meter.charge::<u64>(50).unwrap();
    assert_eq!((meter.bytes(), meter.steps()), (1000, 0));
    let expected = MeterError::Limit { what: "memory in bytes", found: 1001, limit: 1000, field: "memory_bytes" };
    assert_eq!(meter.charge_bytes(1), Err(expected));
    assert_eq!(meter.bytes(), 1000, "a refused charge is not spent");
    meter.charge_steps(9).unwrap();
    meter.charge_scan(64).unwrap();
    assert!(matches!(meter.charge_steps(1), Err(MeterError::Limit { found: 11, field: "steps", .. })));
    assert!(matches!(meter.charge_bytes(u64::MAX), Err(MeterError::Limit { found: u64::MAX, .. })));
    assert!(matches!(meter.charge::<u64>(usize::MAX), Err(MeterError::Limit { found: u64::MAX, .. })));
}

#[test]
fn a_limit_grows_with_a_part_of_the_file() {
    let mut meter = meter();
    meter.extend(500, 1200);
    meter.charge_bytes(1200).unwrap();
    assert!(meter.charge_bytes(1).is_err());
}

#[test]
fn a_vector_is_charged_and_memory_that_is_not_there_is_an_error() {
    let mut meter = meter();
    let vec: Vec<u16> = meter.vec(100).unwrap();
    assert_eq!((vec.len(), vec.capacity(), meter.bytes()), (0, 100, 200));
    assert!(meter.vec::<u16>(500).is_err());
    let mut boundless = Meter::new((u64::MAX, "memory_bytes"), (u64::MAX, "steps"));
    let bytes = 1 << 62;
    assert_eq!(boundless.vec::<u8>(bytes), Err(MeterError::Memory { bytes: bytes as u64 }));
}

#[test]
fn a_file_may_cost_in_proportion_to_its_size() {
    let limit = |file_bytes| {
        let mut meter = Meter::for_file(file_bytes, 1 << 30, 8, 10);
        match meter.charge_bytes(u64::MAX) {
            Err(MeterError::Limit { limit, field, .. }) => (limit, field),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(limit(0), (16 << 20, "memory_ratio"));
    assert_eq!(limit(1 << 20), (24 << 20, "memory_ratio"));
    assert_eq!(limit(1 << 30), (1 << 30, "memory_bytes"));
    assert_eq!(limit(u64::MAX), (1 << 30, "memory_bytes"));
}
