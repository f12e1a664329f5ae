//! Numbers as people read them. Undefined reads "not defined", never 0.

/// Returns a fraction as per cent with sign: `+13.63 %`.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(undefined, |number| format!("{:+.2} %", number * 100.0))
}

/// Returns a plain number with three decimals.
pub(crate) fn plain(value: Option<f64>) -> String {
    value.map_or_else(undefined, |number| {
        let text = format!("{number:.3}");
        // What rounds to nothing has no sign.
        if text == "-0.000" { "0.000".to_owned() } else { text }
    })
}

/// Returns an amount of money with thousands separated: `113 625.21`.
pub(crate) fn money(value: Option<f64>) -> String {
    let Some(number) = value else { return undefined() };
    let text = format!("{:.2}", number.abs());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{grouped}.{cents}")
}

fn undefined() -> String {
    "not defined".to_owned()
}

/// Returns a line of block characters for a series; undefined values leave a blank.
pub(crate) fn sparkline(values: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let defined = values.iter().flatten().copied();
    let (low, high) = defined.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    values
        .iter()
        .map(|value| {
            let Some(value) = value else { return ' ' };
            let share = if high > low { (value - low) / (high - low) } else { 0.5 };
            let level = BLOCKS.iter().zip(1_u8..).find(|(_, top)| share <= f64::from(*top) / 8.0);
            level.map_or('█', |(block, _)| *block)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_and_keeps_its_sign() {
        assert_eq!(money(Some(113_625.212)), "113 625.21");
        assert_eq!(money(Some(-999.0)), "-999.00");
        assert_eq!(money(Some(1_000_000.0)), "1 000 000.00");
        assert_eq!(money(None), "not defined");
    }

    #[test]
    fn a_sparkline_has_one_character_per_value() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(1.0)]), "▁ █");
        assert_eq!(sparkline(&[Some(3.0), Some(3.0)]), "▄▄");
        assert_eq!(sparkline(&[]), "");
    }
}
