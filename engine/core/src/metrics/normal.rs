//! The standard normal distribution: density, distribution function and quantile, to the last digits of `f64`.
//!
//! Distribution function: rational Chebyshev approximations of Cody 1969 ("Rational Chebyshev approximations for the
//! error function", Math. Comp. 23), with the argument of the exponential split so that the far tail keeps its
//! relative precision (Cody 1993, TOMS 715). Quantile: Wichura 1988, algorithm AS 241 (PPND16). Both about 1e-15
//! relative; no statistic is built here.

#![expect(clippy::excessive_precision, reason = "the published coefficients, digit for digit")]

/// 1/√(2π).
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_677_94;
/// Where the central approximation of the distribution function ends.
const CENTRE_MAX: f64 = 0.674_489_75;
/// √32: where the asymptotic form begins.
const FAR_MIN: f64 = 5.656_854_249_492_380_2;
/// Beyond this the smaller tail is 0 in `f64`.
const TAIL_MAX: f64 = 38.6;

const CENTRE_TOP: [f64; 5] = [
    0.065_682_337_918_207_449_113,
    2.235_252_035_460_683_928_7,
    161.028_231_068_555_878_81,
    1_067.689_485_460_370_958_2,
    18_154.981_253_343_561_249,
];
const CENTRE_BOTTOM: [f64; 5] = [
    1.0,
    47.202_581_904_688_241_87,
    976.098_551_737_776_693_22,
    10_260.932_208_618_978_205,
    45_507.789_335_026_729_956,
];
const MIDDLE_TOP: [f64; 9] = [
    1.076_557_677_372_019_231_7e-8,
    0.398_941_512_088_134_667_64,
    8.883_149_794_388_375_941_2,
    93.506_656_132_177_855_979,
    597.270_276_394_800_262_26,
    2_494.537_585_290_372_671_1,
    6_848.190_450_536_282_332_6,
    11_602.651_437_647_350_124,
    9_842.714_838_383_978_021_8,
];
const MIDDLE_BOTTOM: [f64; 9] = [
    1.0,
    22.266_688_044_328_115_691,
    235.387_901_782_624_998_61,
    1_519.377_599_407_554_805,
    6_485.558_298_266_760_755,
    18_615.571_640_885_098_091,
    34_900.952_721_145_977_266,
    38_912.003_286_093_271_411,
    19_685.429_676_859_990_727,
];
const FAR_TOP: [f64; 6] = [
    0.023_073_441_764_940_173_03,
    0.215_898_534_057_956_99,
    0.127_401_161_160_247_363_9,
    0.022_235_277_870_649_807,
    0.001_421_619_193_227_893_466,
    2.911_287_495_116_879_2e-5,
];
const FAR_BOTTOM: [f64; 6] = [
    1.0,
    1.284_260_096_144_911_21,
    0.468_238_212_480_865_118,
    0.065_988_137_868_928_551_5,
    0.003_782_396_332_027_582_44,
    7.297_515_550_839_662_05e-5,
];

const QUANTILE_CENTRE: ([f64; 8], [f64; 8]) = (
    [
        2.509_080_928_730_122_672_7e3,
        3.343_057_558_358_812_810_5e4,
        6.726_577_092_700_870_085_3e4,
        4.592_195_393_154_987_145_7e4,
        1.373_169_376_550_946_112_5e4,
        1.971_590_950_306_551_442_7e3,
        1.331_416_678_917_843_774_5e2,
        3.387_132_872_796_366_608_0,
    ],
    [
        5.226_495_278_852_854_561_0e3,
        2.872_908_573_572_194_267_4e4,
        3.930_789_580_009_271_061_0e4,
        2.121_379_430_158_659_586_7e4,
        5.394_196_021_424_751_107_7e3,
        6.871_870_074_920_579_083_0e2,
        4.231_333_070_160_091_125_2e1,
        1.0,
    ],
);
const QUANTILE_MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        7.745_450_142_783_414_076_40e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_70e-1,
        1.270_458_252_452_368_382_58,
        3.647_848_324_763_204_605_04,
        5.769_497_221_460_691_405_50,
        4.630_337_846_156_545_295_90,
        1.423_437_110_749_683_577_34,
    ],
    [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946_00e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_90e-1,
        6.897_673_349_851_000_045_50e-1,
        1.676_384_830_183_803_849_40,
        2.053_191_626_637_758_821_87,
        1.0,
    ],
);
const QUANTILE_FAR: ([f64; 8], [f64; 8]) = (
    [
        2.010_334_399_292_288_132_65e-7,
        2.711_555_568_743_487_578_15e-5,
        1.242_660_947_388_078_438_60e-3,
        2.653_218_952_657_612_309_30e-2,
        2.965_605_718_285_048_912_30e-1,
        1.784_826_539_917_291_335_80,
        5.463_784_911_164_114_369_90,
        6.657_904_643_501_103_777_20,
    ],
    [
        2.044_263_103_389_939_785_64e-15,
        1.421_511_758_316_445_888_70e-7,
        1.846_318_317_510_054_681_80e-5,
        7.868_691_311_456_132_591_00e-4,
        1.487_536_129_085_061_485_25e-2,
        1.369_298_809_227_358_053_10e-1,
        5.998_322_065_558_879_376_90e-1,
        1.0,
    ],
);

/// Returns the polynomial whose coefficients are given from the highest power down.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |value, coefficient| value * x + coefficient)
}

/// Returns the density at `x`.
#[must_use]
pub fn density(x: f64) -> f64 {
    DENSITY_AT_ZERO * (-0.5 * x * x).exp()
}

/// Returns the probability of a draw at or below `x`, 0 to 1; NaN for NaN.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    let distance = x.abs();
    if distance <= CENTRE_MAX {
        let square = if distance < 1e-17 { 0.0 } else { x * x };
        return 0.5 + x * polynomial(&CENTRE_TOP, square) / polynomial(&CENTRE_BOTTOM, square);
    }
    let tail = if distance <= FAR_MIN {
        bell(distance) * polynomial(&MIDDLE_TOP, distance) / polynomial(&MIDDLE_BOTTOM, distance)
    } else if distance <= TAIL_MAX {
        let inverse = 1.0 / (distance * distance);
        let correction = inverse * polynomial(&FAR_TOP, inverse) / polynomial(&FAR_BOTTOM, inverse);
        bell(distance) * (DENSITY_AT_ZERO - correction) / distance
    } else if distance > TAIL_MAX {
        0.0
    } else {
        return f64::NAN;
    };
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// Returns exp(−x²/2) without the rounding of x²: x is split into sixteenths and a remainder.
fn bell(x: f64) -> f64 {
    let coarse = (x * 16.0).trunc() / 16.0;
    let rest = (x - coarse) * (x + coarse);
    (-0.5 * coarse * coarse).exp() * (-0.5 * rest).exp()
}

/// Returns the value below which a draw falls with this probability; −∞ at 0, ∞ at 1, undefined outside `[0, 1]`.
#[must_use]
pub fn quantile(probability: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        let (top, bottom) = QUANTILE_CENTRE;
        return Some(centred * polynomial(&top, r) / polynomial(&bottom, r));
    }
    let smaller = if centred < 0.0 { probability } else { 1.0 - probability };
    if smaller <= 0.0 {
        return Some(f64::INFINITY.copysign(centred));
    }
    let r = (-smaller.ln()).sqrt();
    let value = if r <= 5.0 {
        let (top, bottom) = QUANTILE_MIDDLE;
        polynomial(&top, r - 1.6) / polynomial(&bottom, r - 1.6)
    } else {
        let (top, bottom) = QUANTILE_FAR;
        polynomial(&top, r - 5.0) / polynomial(&bottom, r - 5.0)
    };
    Some(value.copysign(centred))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_its_published_values() {
        assert!((cdf(0.0) - 0.5).abs() < 1e-17);
        assert!((cdf(1.96) - 0.975_002_104_851_779_5).abs() < 1e-15);
        assert!((cdf(-6.0) / 9.865_876_450_376_981e-10 - 1.0).abs() < 1e-14);
        assert!((quantile(0.975).unwrap() - 1.959_963_984_540_054).abs() < 1e-14);
        assert_eq!(quantile(0.0), Some(f64::NEG_INFINITY));
        assert_eq!(quantile(1.0), Some(f64::INFINITY));
        assert_eq!(quantile(1.000_1), None);
        assert_eq!(quantile(f64::NAN), None);
        assert!(cdf(f64::NAN).is_nan());
        assert!(cdf(f64::INFINITY) >= 1.0 && cdf(f64::NEG_INFINITY) <= 0.0);
    }

    proptest! {
        #[test]
        fn both_sides_make_one_and_it_never_falls(x in -9.0..9.0_f64, step in 0.0..1.0_f64) {
            prop_assert!((cdf(x) + cdf(-x) - 1.0).abs() < 3e-16);
            prop_assert!(cdf(x) <= cdf(x + step));
        }

        #[test]
        fn the_quantile_undoes_the_distribution(x in -8.0..0.0_f64) {
            // one unit in the last place of p moves x by about ε/|x|, of x itself by ε·|x|
            prop_assert!((quantile(cdf(x)).unwrap() - x).abs() < 1e-14 * (1.0 + x.abs()));
        }
    }
}
