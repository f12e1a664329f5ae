//! Formulas by hand, then what is refused, then arbitrary text.

use proptest::prelude::*;

use super::*;
use crate::features::Block;
use crate::market::{Bar, synthetic};
use crate::testkit::bars_from_closes;

fn last(formula: &str, closes: &[f64]) -> Option<f64> {
    let mut formulas = Formulas::new(&[(String::new(), formula.to_owned())]).unwrap();
    let mut row = Vec::new();
    for bar in bars_from_closes(closes).bars() {
        row.clear();
        formulas.update(&bar, &mut row);
    }
    row[0]
}

#[test]
fn formulas_that_are_done_by_hand() {
    let closes = [1.0, 2.0, 4.0, 3.0];
    for (formula, wanted) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("-$close + 1", -2.0),
        ("--2", 2.0),
        ("1e-1 + .5 + 2.", 2.6),
        ("Ref($close, 1)", 4.0),
        ("Ref($close, 1) / $close - 1", 1.0 / 3.0),
        ("Delta($close, 2)", 1.0),
        ("Mean($close, 4)", 2.5),
        ("Sum($close, 2)", 7.0),
        ("Var($close, 2)", 0.5),
        ("Max($close, 3)", 4.0),
        ("Min($close, 3)", 2.0),
        ("IdxMax($close, 3)", 2.0),
        ("IdxMin($close, 3)", 1.0),
        ("Med($close, 4)", 2.5),
        ("Quantile($close, 4, 0.5)", 2.5),
        ("Rank($close, 4)", 0.75),
        ("Slope($close, 2)", -1.0),
        ("Resi($close, 2)", 0.0),
        ("Rsquare($close, 2)", 1.0),
        ("WMA($close, 2)", 10.0 / 3.0),
        ("EMA($close, 1)", 3.0),
        ("Corr($close, -$close, 3)", -1.0),
        ("Cov($close, $close, 2)", 0.5),
        ("Abs(2 - $close)", 1.0),
        ("Sign(2 - $close) + Sign(0)", -1.0),
        ("Log(Exp(2))", 2.0),
        ("Power(Sqrt(9), 2)", 9.0),
        ("Greater(1, $close)", 3.0),
        ("Less(1, $close)", 1.0),
        ("$close > 2", 1.0),
        ("$close >= 4", 0.0),
        ("3 == $close", 1.0),
        ("3 != $close", 0.0),
        ("And($close < 4, Not($close <= 2))", 1.0),
        ("Or(0, 0)", 0.0),
        ("If($close > 2, 5, 1 / 0)", 5.0),
    ] {
        let found = last(formula, &closes).unwrap_or(f64::NAN);
        assert!((found - wanted).abs() < 1e-12, "{formula} is {found}, not {wanted}");
    }
}

#[test]
fn what_is_not_defined_has_no_value_and_windows_that_held_it_fill_anew() {
    for formula in ["1 / 0", "Log(-1)", "Sqrt(0 - 1)", "Ref($close, 4)", "$volume", "Corr(1, 2, 2)"]
    {
        assert_eq!(last(formula, &[1.0, 2.0, 4.0, 3.0]), None, "{formula}");
    }
    // 1 / (close − 2) is not defined at the second bar.
    let formula = "Mean(1 / ($close - 2), 2)";
    assert_eq!(last(formula, &[1.0, 2.0, 4.0]), None);
    assert_eq!(last(formula, &[1.0, 2.0, 4.0, 3.0]), Some(0.75));
}

fn refused(text: &str) -> ExpressionError {
    Program::new([text]).unwrap_err()
}

#[test]
fn a_formula_that_looks_ahead_is_refused() {
    for text in ["Ref($close, -1)", "$close / Ref( $close , -20 )", "Delta($close, -1)"] {
        let error = refused(text);
        assert!(error.next.contains("looks ahead"), "{error}");
    }
    assert_eq!(refused("Ref($close, -1)").position, 13);
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_probably_meant() {
    for (text, position, part) in [
        ("", 1, "found the end"),
        ("Mean($close, 20", 16, "wanted ')'"),
        ("Maen($close, 20)", 1, "Did you mean Mean?"),
        ("$clsoe + 1", 2, "Did you mean $close?"),
        ("close + 1", 1, "Columns begin with a dollar sign: $close"),
        ("Mean($close)", 12, "Write Mean(formula, bars)"),
        ("Mean($close, 20, 3)", 16, "wanted ')'"),
        ("Mean($close, $open)", 14, "a finite number"),
        ("Mean($close, 2.5)", 14, "a whole number of bars from 1 to 5000"),
        ("Std($close, 1)", 13, "from 2 to 5000"),
        ("Mean($close, 0)", 14, "from 1 to 5000"),
        ("Mean($close, 5001)", 14, "from 1 to 5000"),
        ("Quantile($close, 5, 1.5)", 21, "a share from 0 to 1"),
        ("1 2", 3, "the end of the formula"),
        ("1 + * 2", 5, "found '*'"),
        ("1 < 2 < 3", 7, "the end of the formula"),
        ("1e999", 1, "a finite number"),
        ("Mean", 5, "'(' after the name"),
        ("$close ; 1", 8, "found ';'"),
    ] {
        let error = refused(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!(error.position, position, "{text}: {error}");
    }
}

#[test]
fn depth_and_size_have_limits() {
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(Program::new([deep(20).as_str()]).is_ok());
    assert!(refused(&deep(100)).wanted.contains("deep"));
    assert!(refused(&"-".repeat(3000)).wanted.contains("deep"));
    let long = |count: usize| vec!["1"; count].join("+");
    assert!(Program::new([long(400).as_str()]).is_ok());
    assert!(refused(&long(1500)).wanted.contains("steps"));
    assert!(refused(&" ".repeat(LETTERS_MAX + 1)).wanted.contains("letters"));
}

#[test]
fn what_formulas_share_is_computed_once() {
    let program =
        Program::new(["Mean($close, 5) + $open", "$open + Mean($close, 5)", "Mean($close, 5) * 2"])
            .unwrap();
    // $close, its mean, $open, the sum, 2, the product.
    assert_eq!(program.steps(), (12, 6));
    // What does not commute is kept apart.
    assert_eq!(Program::new(["$open - $close", "$close - $open"]).unwrap().steps(), (6, 4));
}

#[test]
fn refuses_to_compare_instruments_where_there_is_one() {
    let error = Formulas::new(&[(String::new(), "CSRank($close)".to_owned())]).map(|_| ());
    assert!(error.unwrap_err().to_string().contains("Use it on a panel"));
}

#[test]
fn instruments_are_compared_with_each_other_at_each_time() {
    let program =
        Program::new(["CSRank($close)", "CSZScore($close)", "Mean(CSRank($close), 2)"]).unwrap();
    let mut panel = PanelFormulas::new(program, 3);
    let bar = |close: f64| bars_from_closes(&[close]).bar(0);
    panel.update(&[bar(1.0), bar(3.0), bar(2.0)]);
    let row = |panel: &PanelFormulas, formula| [0, 1, 2].map(|lane| panel.value(lane, formula));
    assert_eq!(row(&panel, 0), [Some(1.0 / 3.0), Some(1.0), Some(2.0 / 3.0)]);
    assert_eq!(row(&panel, 1), [Some(-1.0), Some(1.0), Some(0.0)]);
    panel.update(&[bar(1.0), None, bar(1.0)]);
    assert_eq!(row(&panel, 0), [Some(0.75), None, Some(0.75)]);
    assert_eq!(row(&panel, 1), [None, None, None], "equal values have no deviation");
    assert_eq!(row(&panel, 2)[1], None);
    panel.update(&[None, bar(5.0), None]);
    assert_eq!(row(&panel, 2), [None, Some(1.0), None], "windows count bars, not times");
    assert_eq!(panel.value(3, 0), None);
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "$close",
        "$volume",
        "$",
        "Mean",
        "Ref",
        "Corr",
        "If",
        "CSRank",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "<",
        ">=",
        "1",
        "20",
        "-3",
        "0.5",
        "1e3",
        " ",
        "é",
        "\u{0}",
        "$high",
        "Std",
        "Quantile(",
        "$open, 5)",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_formula_or_is_refused_with_a_place_inside_it(text in prop_oneof![words(), any::<String>()]) {
        match Program::new([text.as_str()]) {
            Ok(program) => {
                let mut panel = PanelFormulas::new(program, 2);
                for bar in synthetic::generate(1, 30).bars() {
                    panel.update(&[Some(bar), None]);
                    prop_assert!(panel.value(0, 0).is_none_or(f64::is_finite));
                    prop_assert_eq!(panel.value(1, 0), None);
                }
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position), "{} {}", text, error),
        }
    }

    #[test]
    fn what_is_computed_together_is_what_is_computed_apart(chosen in prop::collection::vec(0_usize..8, 1..6), seed: u64) {
        let texts = [
            "Mean($close, 5) - $open", "$open - Mean($close, 5)", "Std($close, 5) / Mean($close, 5)", "Max($high, 4) + $open",
            "$open + Max($high, 4)", "Corr($close, $volume, 6)", "Corr($volume, $close, 6)", "Ref(Mean($close, 5), 2)",
        ];
        let chosen: Vec<&str> = chosen.into_iter().map(|place| texts[place]).collect();
        let mut together = PanelFormulas::new(Program::new(chosen.iter().copied()).unwrap(), 1);
        let mut apart: Vec<PanelFormulas> =
            chosen.iter().map(|text| PanelFormulas::new(Program::new([*text]).unwrap(), 1)).collect();
        for bar in synthetic::generate(seed, 20).bars() {
            together.update(&[Some(bar)]);
            for (formula, alone) in apart.iter_mut().enumerate() {
                alone.update(&[Some(bar)]);
                prop_assert_eq!(together.value(0, formula).map(f64::to_bits), alone.value(0, 0).map(f64::to_bits));
            }
        }
    }

    #[test]
    fn garbage_bars_give_no_garbage(values in prop::collection::vec(any::<[f64; 5]>(), 1..40)) {
        let program = Program::new(["Corr($close, Log($volume + 1), 3)", "Quantile($high - $low, 3, 0.2)", "Resi($close / $open, 3)"]).unwrap();
        let mut panel = PanelFormulas::new(program, 1);
        for [open, high, low, close, volume] in values {
            panel.update(&[Some(Bar { time_ms: 0, open, high, low, close, adjusted_close: close, volume: Some(volume) })]);
            for formula in 0..3 {
                prop_assert!(panel.value(0, formula).is_none_or(f64::is_finite));
            }
        }
    }
}
