//! Whether a stated probability means what it says.
//!
//! In:  for each told position the stated P(inside), and whether it truly was.   Out: ten tenths, each with both means.

/// One position that the platform judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The stated probability of being inside.
    pub probability: f64,
    /// Whether it was.
    pub inside: bool,
}

/// The positions whose stated probability lies in one tenth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tenth {
    /// How many.
    pub count: usize,
    /// The mean of what was stated.
    pub stated: f64,
    /// The share that truly was inside.
    pub inside: f64,
}

/// By tenths: the first holds 0 up to 0.1, the last 0.9 up to and with 1.
pub fn calibration(judged: &[Judged]) -> [Tenth; 10] {
    let mut tenths = [Tenth::default(); 10];
    for Judged { probability, inside } in judged {
        let number = ((probability * 10.0) as usize).min(9);
        if let Some(tenth) = tenths.get_mut(number) {
            tenth.count += 1;
            tenth.stated += probability;
            tenth.inside += f64::from(u8::from(*inside));
        }
    }
    tenths.map(|tenth| {
        let count = tenth.count.max(1) as f64;
        Tenth { count: tenth.count, stated: tenth.stated / count, inside: tenth.inside / count }
    })
}
