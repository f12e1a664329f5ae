//! Nodes become numbers, bar by bar, for one instrument or for several that are compared with each other.

use super::functions::{Field, Function};
use super::nodes::{Node, Program};
use crate::error::EngineError;
use crate::features::moving_average::LinearMean;
use crate::features::rolling::{
    Comoments, Extremum, Lag, Moments, Ordered, Regression, Seed, Smooth, Sum, number,
};
use crate::features::{Block, panel};
use crate::market::Bar;

/// What a node remembers of one instrument.
enum Memory {
    Nothing,
    Lag(Lag),
    Sum(Sum),
    Moments(Moments),
    Extremum(Extremum),
    Ordered(Ordered),
    Regression(Regression),
    Smooth(Smooth),
    Linear(LinearMean),
    Pairs(Comoments),
}

impl Memory {
    fn of(node: &Node) -> Self {
        use Function as F;
        let window = node.window;
        match node.function {
            F::Ref | F::Delta => Self::Lag(Lag::new(window)),
            F::Mean | F::Sum => Self::Sum(Sum::new(window)),
            F::Std | F::Var => Self::Moments(Moments::new(window)),
            F::Max | F::IndexOfMax => Self::Extremum(Extremum::maximum(window)),
            F::Min | F::IndexOfMin => Self::Extremum(Extremum::minimum(window)),
            F::Median | F::Rank | F::Quantile => Self::Ordered(Ordered::new(window)),
            F::Slope | F::RSquared | F::Residual => Self::Regression(Regression::new(window)),
            F::Exponential => Self::Smooth(Smooth::exponential(window, Seed::Mean)),
            F::Linear => Self::Linear(LinearMean::new(window)),
            F::Correlation | F::Covariance => Self::Pairs(Comoments::new(window)),
            F::Number
            | F::Field(_)
            | F::Negate
            | F::Not
            | F::Abs
            | F::Sign
            | F::Log
            | F::Exp
            | F::Sqrt
            | F::Add
            | F::Subtract
            | F::Multiply
            | F::Divide
            | F::Power
            | F::Greater
            | F::Less
            | F::Above
            | F::AtLeast
            | F::Below
            | F::AtMost
            | F::Equal
            | F::Unequal
            | F::And
            | F::Or
            | F::If
            | F::CrossRank
            | F::CrossZScore => Self::Nothing,
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Lag(kernel) => kernel.clear(),
            Self::Sum(kernel) => kernel.clear(),
            Self::Moments(kernel) => kernel.clear(),
            Self::Extremum(kernel) => kernel.clear(),
            Self::Ordered(kernel) => kernel.clear(),
            Self::Regression(kernel) => kernel.clear(),
            Self::Smooth(kernel) => kernel.clear(),
            Self::Linear(kernel) => kernel.clear(),
            Self::Pairs(kernel) => kernel.clear(),
        }
    }

    /// Takes the next inputs of a function with a window.
    fn update(&mut self, node: &Node, x: f64, y: f64) -> Option<f64> {
        use Function as F;
        match self {
            Self::Nothing => None,
            Self::Lag(kernel) => {
                let before = kernel.update(x)?;
                Some(if node.function == F::Delta { x - before } else { before })
            }
            Self::Sum(kernel) => {
                kernel.push(x);
                if node.function == F::Mean { kernel.mean() } else { kernel.sum() }
            }
            Self::Moments(kernel) => {
                kernel.push(x);
                if node.function == F::Std { kernel.deviation(1) } else { kernel.variance(1) }
            }
            Self::Extremum(kernel) => {
                let extreme = kernel.update(x)?;
                let place = matches!(node.function, F::IndexOfMax | F::IndexOfMin);
                Some(if place { number(extreme.place + 1) } else { extreme.value })
            }
            Self::Ordered(kernel) => {
                kernel.push(x);
                if node.function == F::Rank {
                    return kernel.rank().map(|rank| rank / number(node.window));
                }
                kernel.quantile(if node.function == F::Median { 0.5 } else { node.number() })
            }
            Self::Regression(kernel) => {
                let line = kernel.update(x)?;
                if node.function == F::RSquared {
                    return line.r_squared;
                }
                Some(if node.function == F::Slope { line.slope } else { line.residual })
            }
            Self::Smooth(kernel) => kernel.update(x),
            Self::Linear(kernel) => kernel.update(x),
            Self::Pairs(kernel) => {
                kernel.push(x, y);
                if node.function == F::Correlation {
                    kernel.correlation()
                } else {
                    kernel.covariance(1)
                }
            }
        }
    }
}

/// Value of a function without memory.
fn compute(node: &Node, bar: &Bar, [x, y, z]: [Option<f64>; 3]) -> Option<f64> {
    use Function as F;
    let flag = |set: bool| if set { 1.0 } else { 0.0 };
    let truth = |value: f64| 0.0 < value.abs();
    Some(match node.function {
        F::Number => node.number(),
        F::Field(field) => match field {
            Field::Open => bar.open,
            Field::High => bar.high,
            Field::Low => bar.low,
            Field::Close => bar.close,
            Field::AdjustedClose => bar.adjusted_close,
            Field::Volume => bar.volume?,
        },
        F::Negate => -x?,
        F::Not => flag(!truth(x?)),
        F::Abs => x?.abs(),
        F::Sign => x.map(|x| flag(0.0 < x) - flag(x < 0.0))?,
        F::Log => x?.ln(),
        F::Exp => x?.exp(),
        F::Sqrt => x?.sqrt(),
        F::Add => x? + y?,
        F::Subtract => x? - y?,
        F::Multiply => x? * y?,
        F::Divide => x? / y?,
        F::Power => x?.powf(y?),
        F::Greater => x?.max(y?),
        F::Less => x?.min(y?),
        F::Above => flag(y? < x?),
        F::AtLeast => flag(y? <= x?),
        F::Below => flag(x? < y?),
        F::AtMost => flag(x? <= y?),
        F::Equal => flag((x? - y?).abs() <= 0.0),
        F::Unequal => flag(0.0 < (x? - y?).abs()),
        F::And => flag(truth(x?) && truth(y?)),
        F::Or => flag(truth(x?) || truth(y?)),
        // Only the chosen side needs to be defined.
        F::If if truth(x?) => y?,
        F::If => z?,
        F::Ref
        | F::Delta
        | F::Mean
        | F::Sum
        | F::Std
        | F::Var
        | F::Max
        | F::Min
        | F::IndexOfMax
        | F::IndexOfMin
        | F::Median
        | F::Rank
        | F::Slope
        | F::RSquared
        | F::Residual
        | F::Exponential
        | F::Linear
        | F::Quantile
        | F::Correlation
        | F::Covariance
        | F::CrossRank
        | F::CrossZScore => return None,
    })
}

/// Formulas of several instruments, fed one time at a time.
pub struct PanelFormulas {
    program: Program,
    lanes: usize,
    /// `[node, lane]`.
    memory: Vec<Memory>,
    /// `[node, lane]`, at the last time.
    values: Vec<Option<f64>>,
}

impl PanelFormulas {
    /// Returns the formulas for `instruments` instruments, empty.
    #[must_use]
    pub fn new(program: Program, instruments: usize) -> Self {
        let memory = program
            .nodes
            .iter()
            .flat_map(|node| (0..instruments).map(|_| Memory::of(node)))
            .collect();
        let values = vec![None; program.nodes.len() * instruments];
        Self { program, lanes: instruments, memory, values }
    }

    /// Takes the bars of one time, one per instrument. An instrument without a bar has no value at that time, and its
    /// windows wait: they count bars, not times.
    pub fn update(&mut self, bars: &[Option<Bar>]) {
        for place in 0..self.program.nodes.len() {
            let node = self.program.nodes[place];
            if node.function.crosses() {
                self.compare(place, &node, bars);
                continue;
            }
            for (lane, bar) in bars.iter().enumerate().take(self.lanes) {
                let cell = place * self.lanes + lane;
                self.values[cell] = match bar {
                    Some(bar) => self.step(cell, &node, lane, bar),
                    None => None,
                };
            }
        }
    }

    fn step(&mut self, cell: usize, node: &Node, lane: usize, bar: &Bar) -> Option<f64> {
        let inputs = node.inputs.map(|input| self.values[input * self.lanes + lane]);
        if node.window == 0 {
            return compute(node, bar, inputs).filter(|value| value.is_finite());
        }
        let memory = &mut self.memory[cell];
        let two = matches!(memory, Memory::Pairs(_));
        let second = if two { inputs[1] } else { Some(0.0) };
        let Some((x, y)) = inputs[0].zip(second) else {
            memory.clear();
            return None;
        };
        memory.update(node, x, y).filter(|value| value.is_finite())
    }

    /// Ranks or standardises the defined values of one time.
    fn compare(&mut self, place: usize, node: &Node, bars: &[Option<Bar>]) {
        let from = node.inputs[0] * self.lanes;
        let inputs: Vec<Option<f64>> = self.values[from..from + self.lanes].to_vec();
        let defined = inputs.iter().copied().zip(bars);
        let row: Vec<Option<f64>> =
            defined.map(|(value, bar)| value.filter(|_| bar.is_some())).collect();
        let compared = if node.function == Function::CrossRank {
            panel::ranks(&row)
        } else {
            panel::z_scores(&row)
        };
        self.values[place * self.lanes..(place + 1) * self.lanes].copy_from_slice(&compared);
    }

    /// Returns the value of a formula for an instrument at the last time; absent where it is not defined.
    #[must_use]
    pub fn value(&self, instrument: usize, formula: usize) -> Option<f64> {
        let node = self.program.outputs.get(formula)?;
        if self.lanes <= instrument {
            return None;
        }
        self.values[node * self.lanes + instrument]
    }

    /// Returns the number of formulas.
    #[must_use]
    pub fn width(&self) -> usize {
        self.program.width()
    }
}

/// Formulas of one instrument, as columns of a pipeline.
pub struct Formulas {
    names: Vec<String>,
    lanes: PanelFormulas,
}

impl Formulas {
    /// Reads formulas: pairs of a column's name (empty for the text itself) and a text.
    ///
    /// # Errors
    /// Refuses a text that is no formula, with the place of the mistake, and formulas that compare instruments.
    pub fn new(formulas: &[(String, String)]) -> Result<Self, EngineError> {
        for (_, text) in formulas {
            let alone = Program::new([text.as_str()]).map_err(|error| EngineError::Refused {
                what: "formula",
                detail: format!("in '{text}', {error}"),
            })?;
            if alone.crosses() {
                return Err(EngineError::Refused {
                    what: "formula",
                    detail: format!(
                        "wanted a formula of one instrument; found '{text}', which compares instruments. Use it on a panel"
                    ),
                });
            }
        }
        let program = Program::new(formulas.iter().map(|(_, text)| text.as_str()))?;
        let name = |(column, text): &(String, String)| {
            let name = if column.trim().is_empty() { text } else { column };
            name.trim().to_owned()
        };
        Ok(Self {
            names: formulas.iter().map(name).collect(),
            lanes: PanelFormulas::new(program, 1),
        })
    }

    /// Returns the number of steps written in the formulas, and of those that are computed.
    #[must_use]
    pub fn steps(&self) -> (usize, usize) {
        self.lanes.program.steps()
    }
}

impl Block for Formulas {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        self.lanes.update(&[Some(*bar)]);
        row.extend((0..self.lanes.width()).map(|formula| self.lanes.value(0, formula)));
    }
}
