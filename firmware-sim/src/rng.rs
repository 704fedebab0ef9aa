//! Chance, from a seed.
//!
//! In:  a seed and a label.   Out: a stream of numbers that is the same on every machine and with every version of every crate.
//!
//! Why our own: "same seed, same world" is a promise to whoever reports a fault with a seed, and the generators of the usual
//! crate may change between its versions. SplitMix64 is ten lines, passes the usual test batteries, and nothing here is secret.

/// A stream of chance.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A stream of its own for `label`, so that a draw more in one part of the world does not move the others.
    pub fn new(seed: u64, label: &str) -> Self {
        const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
        let label_hash = label.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        let mut rng = Self(seed ^ label_hash);
        rng.next_u64();
        rng
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `low` (included) to `high` (excluded).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From `low` to `high`, both included; `low` when the range is empty.
    pub fn whole(&mut self, low: u64, high: u64) -> u64 {
        match high.checked_sub(low) {
            Some(span) => low + self.next_u64() % span.saturating_add(1).max(1),
            None => low,
        }
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From the normal distribution (Box-Muller).
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// One of `items`; `None` when there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let last = u64::try_from(items.len()).ok()?.checked_sub(1)?;
        items.get(usize::try_from(self.whole(0, last)).ok()?)
    }

    /// Puts `items` in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            let other = self.whole(0, index as u64) as usize;
            items.swap(index, other);
        }
    }

    /// A text in the shape of a version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next_u64(), self.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_label_give_the_same_stream_and_another_label_another() {
        let draw = |label| {
            let mut rng = Rng::new(7, label);
            [rng.next_u64(), rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(draw("herds"), draw("herds"));
        assert_ne!(draw("herds"), draw("zones"));
    }

    #[test]
    fn draws_stay_in_their_ranges() {
        let mut rng = Rng::new(1, "ranges");
        for _ in 0..1_000 {
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!((3..=5).contains(&rng.whole(3, 5)));
        }
        assert_eq!(rng.whole(5, 3), 5);
        let mean = (0..10_000).map(|_| rng.normal(10.0, 2.0)).sum::<f64>() / 10_000.0;
        assert!((mean - 10.0).abs() < 0.1);
    }
}
