//! One row per figure: what was published, what was found, how near it must be.

/// Relative tolerance of a printed figure.
const RELATIVE: f64 = 1e-6;

/// One figure.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) quantity: String,
    pub(crate) outcome: Outcome,
}

/// What became of it.
pub(crate) enum Outcome {
    /// It was computed.
    Figure {
        /// As printed.
        expected: String,
        got: f64,
        tolerance: f64,
    },
    /// It could not be computed, and that is no fault.
    Skipped(String),
    /// It could not be computed.
    Failed(String),
}

impl Row {
    /// Returns the printed figure as a number.
    pub(crate) fn printed(&self) -> f64 {
        match &self.outcome {
            Outcome::Figure { expected, .. } => expected.parse().unwrap_or(f64::NAN),
            Outcome::Skipped(_) | Outcome::Failed(_) => f64::NAN,
        }
    }

    /// Whether the figure is near enough. NaN is not.
    pub(crate) fn holds(&self) -> bool {
        match &self.outcome {
            Outcome::Figure { got, tolerance, .. } => (got - self.printed()).abs() <= *tolerance,
            Outcome::Skipped(_) | Outcome::Failed(_) => false,
        }
    }
}

/// Rows under one name at a time.
#[derive(Default)]
pub(crate) struct Rows {
    name: String,
    rows: Vec<Row>,
}

impl Rows {
    /// Names what follows.
    pub(crate) fn about(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Adds a figure that must equal every printed digit: 1e-6 relative or half a unit of the last digit, whichever is
    /// larger.
    pub(crate) fn figure(&mut self, quantity: &str, expected: &str, got: f64) {
        let value: f64 = expected.parse().unwrap_or(f64::NAN);
        let tolerance = (RELATIVE * value.abs()).max(half_unit(expected));
        self.push(quantity, Outcome::Figure { expected: expected.to_owned(), got, tolerance });
    }

    /// Adds a figure with a tolerance of its own.
    pub(crate) fn within(&mut self, quantity: &str, expected: &str, got: f64, tolerance: f64) {
        self.push(quantity, Outcome::Figure { expected: expected.to_owned(), got, tolerance });
    }

    /// Adds a number that must be equal.
    pub(crate) fn count(&mut self, quantity: &str, expected: usize, got: usize) {
        let expected = expected.to_string();
        let outcome = Outcome::Figure { expected, got: got as f64, tolerance: 0.0 };
        self.push(quantity, outcome);
    }

    /// Adds what cannot be computed here.
    pub(crate) fn skip(&mut self, quantity: &str, reason: &str) {
        self.push(quantity, Outcome::Skipped(reason.to_owned()));
    }

    /// Adds what should have been computed.
    pub(crate) fn fail(&mut self, quantity: &str, reason: &str) {
        self.push(quantity, Outcome::Failed(reason.to_owned()));
    }

    fn push(&mut self, quantity: &str, outcome: Outcome) {
        self.rows.push(Row { name: self.name.clone(), quantity: quantity.to_owned(), outcome });
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// Returns half a unit of the last printed digit.
fn half_unit(printed: &str) -> f64 {
    let (digits, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let decimals = i32::try_from(decimals).unwrap_or(0);
    0.5 * 10.0_f64.powi(exponent - decimals)
}
