//! What a formula can call: the closed list, with the arguments of each.

/// A column of the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Open,
    High,
    Low,
    Close,
    AdjustedClose,
    Volume,
}

/// Names of the columns, without the `$`.
pub(super) const FIELDS: [(&str, Field); 7] = [
    ("open", Field::Open),
    ("high", Field::High),
    ("low", Field::Low),
    ("close", Field::Close),
    ("adjusted_close", Field::AdjustedClose),
    ("adjcp", Field::AdjustedClose),
    ("volume", Field::Volume),
];

/// What a node computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Function {
    Number,
    Field(Field),
    Negate,
    Not,
    Abs,
    Sign,
    Log,
    Exp,
    Sqrt,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Greater,
    Less,
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    Unequal,
    And,
    Or,
    If,
    Ref,
    Delta,
    Mean,
    Sum,
    Std,
    Var,
    Max,
    Min,
    IndexOfMax,
    IndexOfMin,
    Median,
    Rank,
    Slope,
    RSquared,
    Residual,
    Exponential,
    Linear,
    Quantile,
    Correlation,
    Covariance,
    CrossRank,
    CrossZScore,
}

/// Arguments of a call: formulas first, then a window, then a share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    pub(super) inputs: usize,
    /// Shortest window; absent for functions without one.
    pub(super) window_min: Option<usize>,
    pub(super) share: bool,
}

const fn of(inputs: usize) -> Signature {
    Signature { inputs, window_min: None, share: false }
}

const fn over(inputs: usize, window_min: usize) -> Signature {
    Signature { inputs, window_min: Some(window_min), share: false }
}

/// Every name with what it calls.
pub(super) const FUNCTIONS: [(&str, Function, Signature); 44] = [
    ("Abs", Function::Abs, of(1)),
    ("Sign", Function::Sign, of(1)),
    ("Log", Function::Log, of(1)),
    ("Exp", Function::Exp, of(1)),
    ("Sqrt", Function::Sqrt, of(1)),
    ("Not", Function::Not, of(1)),
    ("Add", Function::Add, of(2)),
    ("Sub", Function::Subtract, of(2)),
    ("Mul", Function::Multiply, of(2)),
    ("Div", Function::Divide, of(2)),
    ("Power", Function::Power, of(2)),
    ("Greater", Function::Greater, of(2)),
    ("Less", Function::Less, of(2)),
    ("Gt", Function::Above, of(2)),
    ("Ge", Function::AtLeast, of(2)),
    ("Lt", Function::Below, of(2)),
    ("Le", Function::AtMost, of(2)),
    ("Eq", Function::Equal, of(2)),
    ("Ne", Function::Unequal, of(2)),
    ("And", Function::And, of(2)),
    ("Or", Function::Or, of(2)),
    ("If", Function::If, of(3)),
    ("Ref", Function::Ref, over(1, 1)),
    ("Delta", Function::Delta, over(1, 1)),
    ("Mean", Function::Mean, over(1, 1)),
    ("Sum", Function::Sum, over(1, 1)),
    ("Std", Function::Std, over(1, 2)),
    ("Var", Function::Var, over(1, 2)),
    ("Max", Function::Max, over(1, 1)),
    ("Min", Function::Min, over(1, 1)),
    ("IdxMax", Function::IndexOfMax, over(1, 1)),
    ("IdxMin", Function::IndexOfMin, over(1, 1)),
    ("Med", Function::Median, over(1, 1)),
    ("Rank", Function::Rank, over(1, 1)),
    ("Slope", Function::Slope, over(1, 2)),
    ("Rsquare", Function::RSquared, over(1, 2)),
    ("Resi", Function::Residual, over(1, 2)),
    ("EMA", Function::Exponential, over(1, 1)),
    ("WMA", Function::Linear, over(1, 1)),
    ("Quantile", Function::Quantile, Signature { inputs: 1, window_min: Some(1), share: true }),
    ("Corr", Function::Correlation, over(2, 2)),
    ("Cov", Function::Covariance, over(2, 2)),
    ("CSRank", Function::CrossRank, of(1)),
    ("CSZScore", Function::CrossZScore, of(1)),
];

impl Function {
    /// Whether the order of two inputs does not matter, to the last bit.
    pub(super) fn commutes(self) -> bool {
        use Function as F;
        matches!(
            self,
            F::Add | F::Multiply | F::Greater | F::Less | F::Equal | F::Unequal | F::And | F::Or
        )
    }

    /// Whether the value of one instrument depends on those of the others.
    pub(super) fn crosses(self) -> bool {
        matches!(self, Self::CrossRank | Self::CrossZScore)
    }
}

/// Returns the name among `known` that `wrong` was probably meant to be.
pub(super) fn suggest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// From this similarity on a name is suggested.
    const SIMILARITY_MIN: f64 = 0.75;
    let wrong: String = wrong.chars().take(40).flat_map(char::to_lowercase).collect();
    let best = known
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .max_by(|left, right| left.0.total_cmp(&right.0))?;
    (SIMILARITY_MIN <= best.0).then_some(best.1)
}
