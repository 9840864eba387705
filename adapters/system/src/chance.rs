//! Chance, for jitter.

use application::Chance;

/// From the operating system's generator.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn unit(&self) -> f64 {
        let mut bytes = [0; 8];
        #[expect(clippy::disallowed_methods, reason = "the one place that asks for chance")]
        let filled = getrandom::fill(&mut bytes);
        match filled {
            // As many bits as an f64 can hold exactly.
            Ok(()) => (u64::from_ne_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64,
            // Jitter is not worth an error: the middle will do.
            Err(_) => 0.5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_range_is_hit_and_nothing_beside_it() {
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let unit = SystemChance.unit();
            assert!((0.0..1.0).contains(&unit), "{unit}");
            tenths[(unit * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (800..1200).contains(count)), "{tenths:?}");
    }
}
