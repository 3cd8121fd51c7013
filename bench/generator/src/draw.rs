//! Repeatable choices: the same seed gives the same ones in every release.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Spreads a number's bits.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// One of many by its weight, in constant time (Walker's alias method).
#[derive(Debug)]
pub(crate) struct Weighted {
    /// For each column: the share that is its own, and whose the rest is.
    columns: Vec<(f64, usize)>,
}

impl Weighted {
    pub(crate) fn new(weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<(f64, usize)> = (0..shares.len()).map(|at| (1.0, at)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..shares.len()).partition(|at| shares[*at] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.last().copied()) {
            columns[poor] = (shares[poor], rich);
            shares[rich] -= 1.0 - shares[poor];
            if shares[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Self { columns }
    }

    /// The first is the most frequent, the n-th has 1/n^`exponent` of its weight.
    pub(crate) fn zipf(count: usize, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=count)
            .map(|rank| (rank as f64).powf(-exponent))
            .collect();
        Self::new(&weights)
    }

    pub(crate) fn pick(&self, draw: &mut Draw) -> usize {
        let at = draw.below(self.columns.len());
        let (own, other) = self.columns[at];
        if draw.unit() < own { at } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weighted_choice_has_the_shares_of_its_weights() {
        let weighted = Weighted::new(&[6.0, 3.0, 1.0]);
        let (mut draw, mut counts) = (Draw::new(1), [0; 3]);
        for _ in 0..100_000 {
            counts[weighted.pick(&mut draw)] += 1;
        }
        for (count, share) in counts.iter().zip([0.6, 0.3, 0.1]) {
            let found = f64::from(*count) / 100_000.0;
            assert!((found - share).abs() < 0.01, "{found} is not {share}");
        }
    }
}
