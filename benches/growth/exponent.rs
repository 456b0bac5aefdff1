//! How fast something grows, as one number.

/// The exponent of the power that goes through the middle and the largest of these points, which are in the order of
/// their size: 0 does not grow, 1 is linear, 2 is square.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let (Some(&(x, y)), Some(&(last_x, last_y))) = (points.get((points.len().max(1) - 1) / 2), points.last())
    else {
        return f64::NAN;
    };
    (last_y / y).ln() / (last_x / x).ln()
}
