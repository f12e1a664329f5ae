//! One seed, many named streams of random numbers: counter-based, saveable, and independent of each other.
//!
//! Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11). The key is the seed, the
//! counter is (block, stream, member): adding a stream or a member moves no other. A stream's whole state is its
//! position, counted in 32-bit words, so that a checkpoint stores one number.

/// What the numbers are drawn for. The number of each stream is stored in checkpoints and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum StreamId {
    /// Initial weights of networks.
    Initialisation = 1,
    /// Where episodes begin.
    EnvironmentStart = 2,
    /// Random actions.
    Exploration = 3,
    /// Which transitions are learnt from.
    ReplaySampling = 4,
    /// Order of samples.
    Shuffle = 5,
    /// Synthetic markets.
    Synthesis = 6,
    /// Random baselines.
    Baseline = 7,
    /// Resampling for intervals.
    Bootstrap = 8,
    /// Where clustering begins.
    Clustering = 16,
    /// Portfolios: samples of the simplex, portfolios that trade at random.
    Portfolios = 41,
}

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUND_COUNT: usize = 10;
const WORDS_PER_BLOCK: u64 = 4;

/// Returns the four words of Philox4x32-10 at `counter` under `key`.
#[must_use]
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut words, mut key) = (counter, key);
    for round in 0..ROUND_COUNT {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let (high_0, low_0) = halves(u64::from(MULTIPLIER[0]) * u64::from(words[0]));
        let (high_1, low_1) = halves(u64::from(MULTIPLIER[1]) * u64::from(words[2]));
        words = [high_1 ^ words[1] ^ key[0], low_1, high_0 ^ words[3] ^ key[1], low_0];
    }
    words
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a word are wanted")]
const fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

/// One stream of random numbers at one position.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    stream: StreamId,
    member: u32,
    position: u64,
    words: [u32; 4],
    words_of_block: Option<u64>,
}

impl Stream {
    /// Returns a stream at its beginning. `member` counts agents, environments or draws that share seed and purpose.
    #[must_use]
    pub fn new(seed: u64, stream: StreamId, member: u32) -> Self {
        Self::at(seed, stream, member, 0)
    }

    /// Returns a stream as it stood when [`position`](Self::position) returned `position`.
    #[must_use]
    pub fn at(seed: u64, stream: StreamId, member: u32, position: u64) -> Self {
        let (high, low) = halves(seed);
        Self { key: [low, high], stream, member, position, words: [0; 4], words_of_block: None }
    }

    /// Returns how many 32-bit words were drawn: the whole state beside seed, stream and member.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Draws 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        let block = self.position / WORDS_PER_BLOCK;
        if self.words_of_block != Some(block) {
            let (high, low) = halves(block);
            self.words = philox4x32_10([low, high, self.stream as u32, self.member], self.key);
            self.words_of_block = Some(block);
        }
        let lane = usize::from((self.position % WORDS_PER_BLOCK).to_le_bytes()[0]);
        self.position = self.position.wrapping_add(1);
        self.words[lane]
    }

    /// Draws 64 bits: two words, the first one low.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        let high = u64::from(self.next_u32());
        (high << 32) | low
    }

    /// Draws a number of `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Draws a whole number below `n`, each equally likely; 0 where `n` is 0.
    ///
    /// Source: Lemire 2019 (arXiv 1805.10941): multiply, reject the part that would be drawn too often.
    pub fn below(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        let rejected = n.wrapping_neg() % n;
        loop {
            let (high, low) = halves(u64::from(self.next_u32()) * u64::from(n));
            if rejected <= low {
                return high;
            }
        }
    }

    /// Draws from the standard normal distribution: Box and Muller 1958, the cosine branch only, so that four words
    /// are used each time and nothing is kept between draws.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gives_the_known_answers_of_random123() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, wanted) in cases {
            assert_eq!(philox4x32_10(counter, key), wanted);
        }
    }

    #[test]
    fn streams_members_and_seeds_are_independent() {
        let first = |seed, stream, member| Stream::new(seed, stream, member).next_u64();
        let all = [
            first(1, StreamId::Exploration, 0),
            first(1, StreamId::Exploration, 1),
            first(1, StreamId::Shuffle, 0),
            first(2, StreamId::Exploration, 0),
            first(1 << 32, StreamId::Exploration, 0),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut stream = Stream::new(7, StreamId::Bootstrap, 0);
        let count = 200_000;
        let (mut sum, mut square, mut uniform_sum) = (0.0, 0.0, 0.0);
        for _ in 0..count {
            let draw = stream.normal();
            sum += draw;
            square += draw * draw;
            uniform_sum += stream.uniform();
        }
        let n = f64::from(count);
        assert!((sum / n).abs() < 0.01, "mean {}", sum / n);
        assert!((square / n - 1.0).abs() < 0.02, "variance {}", square / n);
        assert!((uniform_sum / n - 0.5).abs() < 0.005, "uniform mean {}", uniform_sum / n);
    }

    #[test]
    fn whole_numbers_are_equally_likely() {
        let mut stream = Stream::new(3, StreamId::ReplaySampling, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // 9 standard deviations of a binomial(70000, 1/7) count.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 850), "{counts:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
    }

    proptest! {
        #[test]
        fn a_stream_goes_on_from_its_position(seed: u64, member: u32, skip in 0_usize..50) {
            let mut whole = Stream::new(seed, StreamId::Synthesis, member);
            for _ in 0..skip {
                whole.next_u32();
            }
            let mut resumed = Stream::at(seed, StreamId::Synthesis, member, whole.position());
            for _ in 0..9 {
                prop_assert_eq!(whole.next_u32(), resumed.next_u32());
            }
        }

        #[test]
        fn draws_stay_within_their_bounds(seed: u64, n in 1_u32..) {
            let mut stream = Stream::new(seed, StreamId::Shuffle, 0);
            prop_assert!(stream.below(n) < n);
            let uniform = stream.uniform();
            prop_assert!((0.0..1.0).contains(&uniform));
            prop_assert!(stream.normal().is_finite());
        }
    }
}
