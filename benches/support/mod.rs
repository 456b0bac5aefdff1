//! What the benches with a server of their own share: servers to start, load for them, and what they cost.

pub mod load;
pub mod machine;
pub mod process;
pub mod question;
pub mod round;
pub mod servers;
pub mod upstream;

/// The middle of some values; of an even number of them, halfway between the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
