//! Checks on single fields, used by every payload kind.
//!
//! In: a number or a word as it stood in the payload, and its field's name.   Out: the same, checked, or a
//! [`model::Reject`] that names the field, what it held and what it may hold. Never corrects a value silently.

use model::Reject;

/// How much of a device's own text an error message repeats: enough to recognise it, never a whole payload.
const QUOTED_CHARS_MAX: usize = 120;

/// The beginning of a text, for an error message.
pub(super) fn short(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}

/// A field that the kind cannot do without.
pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Reject> {
    value.ok_or(Reject::Missing { field })
}

/// A number from `low` to `high`, both included.
pub(super) fn within(field: &'static str, value: f64, low: f64, high: f64) -> Result<f64, Reject> {
    // Written so that NaN, should one ever come this far, is refused too.
    if value >= low && value <= high { Ok(value) } else { Err(Reject::OutOfRange { field, value, low, high }) }
}

/// The same for a field that may be left out.
pub(super) fn within_if_said(
    field: &'static str,
    value: Option<f64>,
    low: f64,
    high: f64,
) -> Result<Option<f64>, Reject> {
    value.map(|value| within(field, value, low, high)).transpose()
}

/// A whole number from `low` to `high`. It is read as a float first, so that `-3` is told as out of range and not as
/// broken JSON.
pub(super) fn whole(field: &'static str, value: f64, low: u32, high: u32) -> Result<u32, Reject> {
    let value = within(field, value, f64::from(low), f64::from(high))?;
    if value.fract() == 0.0 {
        Ok(value as u32) // in range and whole: exact
    } else {
        Err(Reject::Malformed(format!("field `{field}` is {value}; it must be a whole number")))
    }
}

/// A direction as degrees clockwise from true north, 0 to below 360; devices write -180..180 or 0..360.
pub(super) fn heading(field: &'static str, value: Option<f64>) -> Result<Option<f64>, Reject> {
    let turned = within_if_said(field, value, -360.0, 360.0)?.map(|degrees| degrees.rem_euclid(360.0));
    // A tiny negative angle rounds up to 360 itself.
    Ok(turned.map(|degrees| if degrees >= 360.0 { 0.0 } else { degrees }))
}

/// One of a fixed list of words; `parse` is the model's own reader of that list.
pub(super) fn word<T>(
    field: &'static str,
    said: &str,
    allowed: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Reject> {
    parse(said).ok_or_else(|| Reject::UnknownWord { field, value: short(said), allowed })
}

/// Every species of the contract, for the error message.
pub(super) const SPECIES: &str = "sheep, goat, cattle, horse, camel, donkey, mule, person, vehicle, dog, unknown";

/// The most animals one message may count. Larger herds are seen in several pictures; a larger number is a fault, and one
/// such number would swamp every sum it enters.
pub(super) const COUNT_MAX: u32 = 10_000;
