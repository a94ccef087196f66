//! The measurements as columns of a table.

use super::{Intensity, Physical, Region, Regions};

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
}

/// The values of a column, one for each cell. A number that does not apply to a cell is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers.
    Integers(Vec<u64>),
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// True or false.
    Booleans(Vec<bool>),
}

/// A column of measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name, with the index of an axis, a side or a channel after a hyphen: `centroid-0`.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// The names of all columns in the order of a table, without indices, and the type of each.
///
/// Names without a unit are those of scikit-image's `regionprops_table`, except for `intensity_sum`, `touches_border`,
/// `flow_error` and `cellprob_mean`, which it lacks.
pub const COLUMNS: [(&str, ColumnKind); 26] = {
    use ColumnKind::{Boolean, Integer, Number};
    [
        ("label", Integer),
        ("area", Integer),
        ("centroid", Number),
        ("bbox", Integer),
        ("perimeter", Number),
        ("equivalent_diameter_area", Number),
        ("axis_major_length", Number),
        ("axis_minor_length", Number),
        ("eccentricity", Number),
        ("orientation", Number),
        ("solidity", Number),
        ("extent", Number),
        ("intensity_mean", Number),
        ("intensity_min", Number),
        ("intensity_max", Number),
        ("intensity_sum", Number),
        ("intensity_std", Number),
        ("touches_border", Boolean),
        ("flow_error", Number),
        ("cellprob_mean", Number),
        ("area_um2", Number),
        ("volume_um3", Number),
        ("perimeter_um", Number),
        ("equivalent_diameter_area_um", Number),
        ("axis_major_length_um", Number),
        ("axis_minor_length_um", Number),
    ]
};

impl Regions {
    /// The measurements as columns in the order of [`COLUMNS`]; those that do not apply are left out.
    ///
    /// Axes are indexed as in scikit-image: Y and X of an image; Z, Y and X of a stack. Channels are indexed if there are
    /// several.
    pub fn columns(&self) -> Vec<Column> {
        let mut table = Table { regions: &self.regions, columns: Vec::new() };
        let (first_axis, is_plane) = if self.is_stack { (0, false) } else { (1, true) };
        table.integers("label", |region| region.label.into());
        table.integers("area", |region| region.area);
        for axis in first_axis..3 {
            table.numbers(&format!("centroid-{}", axis - first_axis), |region| Some(region.centroid[axis]));
        }
        let sides = (first_axis..3).map(|axis| (axis, true)).chain((first_axis..3).map(|axis| (axis, false)));
        for (index, (axis, is_start)) in sides.enumerate() {
            table.integers(&format!("bbox-{index}"), |region| {
                let side = &region.bbox[axis];
                (if is_start { side.start } else { side.end }) as u64
            });
        }
        if is_plane {
            table.numbers("perimeter", |region| region.perimeter);
        }
        table.numbers("equivalent_diameter_area", |region| Some(region.equivalent_diameter_area));
        table.numbers("axis_major_length", |region| Some(region.axis_major_length));
        table.numbers("axis_minor_length", |region| Some(region.axis_minor_length));
        if is_plane {
            table.numbers("eccentricity", |region| region.eccentricity);
            table.numbers("orientation", |region| region.orientation);
        }
        table.numbers("solidity", |region| region.solidity);
        table.numbers("extent", |region| Some(region.extent));
        self.add_intensities(&mut table);
        table.booleans("touches_border", |region| region.touches_border);
        if self.has_flow_errors {
            table.numbers("flow_error", |region| region.flow_error);
        }
        if self.has_cellprob {
            table.numbers("cellprob_mean", |region| region.cellprob_mean);
        }
        if self.has_pixel_size {
            let size = if is_plane { "area_um2" } else { "volume_um3" };
            table.physical(size, |physical| Some(physical.area));
            if is_plane {
                table.physical("perimeter_um", |physical| physical.perimeter);
            }
            table.physical("equivalent_diameter_area_um", |physical| Some(physical.equivalent_diameter_area));
            table.physical("axis_major_length_um", |physical| Some(physical.axis_major_length));
            table.physical("axis_minor_length_um", |physical| Some(physical.axis_minor_length));
        }
        table.columns
    }

    fn add_intensities(&self, table: &mut Table<'_>) {
        let kinds: [(&str, IntensityValue); 5] = [
            ("intensity_mean", |intensity| intensity.mean),
            ("intensity_min", |intensity| intensity.min),
            ("intensity_max", |intensity| intensity.max),
            ("intensity_sum", |intensity| intensity.sum),
            ("intensity_std", |intensity| intensity.std),
        ];
        for (name, value) in kinds {
            for channel in 0..self.channels {
                let name = if self.channels == 1 { name.to_owned() } else { format!("{name}-{channel}") };
                table.numbers(&name, |region| region.intensities.get(channel).map(value));
            }
        }
    }
}

/// One of the numbers of an [`Intensity`].
type IntensityValue = fn(&Intensity) -> f64;

/// The columns so far.
struct Table<'r> {
    regions: &'r [Region],
    columns: Vec<Column>,
}

impl Table<'_> {
    fn add(&mut self, name: &str, values: Values) {
        self.columns.push(Column { name: name.to_owned(), values });
    }

    fn integers(&mut self, name: &str, value: impl Fn(&Region) -> u64) {
        self.add(name, Values::Integers(self.regions.iter().map(value).collect()));
    }

    fn numbers(&mut self, name: &str, value: impl Fn(&Region) -> Option<f64>) {
        self.add(name, Values::Numbers(self.regions.iter().map(value).collect()));
    }

    fn booleans(&mut self, name: &str, value: impl Fn(&Region) -> bool) {
        self.add(name, Values::Booleans(self.regions.iter().map(value).collect()));
    }

    fn physical(&mut self, name: &str, value: impl Fn(&Physical) -> Option<f64>) {
        self.numbers(name, |region| region.physical.as_ref().and_then(&value));
    }
}
