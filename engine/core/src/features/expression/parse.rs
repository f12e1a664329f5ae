//! Text becomes nodes. Everything that a formula may be is checked here, so that evaluating it cannot fail.
//!
//! formula = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]; sum = product { ("+" | "-") product };
//! product = factor { ("*" | "/") factor }; factor = "-" factor | number | "$" name | name "(" arguments ")" |
//! "(" formula ")".

use std::fmt;

use super::functions::{FIELDS, FUNCTIONS, Function, Signature, suggest};
use super::nodes::{Node, Program};
use crate::error::EngineError;
use crate::features::rolling;

/// Longest text of a formula, in letters.
pub const LETTERS_MAX: usize = 4000;
/// Deepest nesting of brackets and signs.
pub const DEPTH_MAX: usize = 60;
/// Most steps of one formula.
pub const NODES_MAX: usize = 1000;
/// Longest window, in bars.
pub const WINDOW_MAX: usize = 5000;

/// A text that is no formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// Where, in letters from 1.
    pub position: usize,
    /// What was wanted.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// What to do next.
    pub next: String,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, wanted, found, next } = self;
        write!(f, "letter {position}: wanted {wanted}; found {found}. {next}")
    }
}

impl std::error::Error for ExpressionError {}

impl From<ExpressionError> for EngineError {
    fn from(error: ExpressionError) -> Self {
        Self::Refused { what: "formula", detail: error.to_string() }
    }
}

/// Reads one formula into `program` and returns its node.
pub(super) fn parse(text: &str, program: &mut Program) -> Result<usize, ExpressionError> {
    let letters: Vec<char> = text.chars().take(LETTERS_MAX + 1).collect();
    let mut reader = Reader { letters, at: 0, depth: 0, nodes: 0, program };
    if LETTERS_MAX < reader.letters.len() {
        let wanted = format!("at most {LETTERS_MAX} letters");
        return Err(reader.fault(&wanted, "more", "Split the formula"));
    }
    let node = reader.formula()?;
    reader.spaces();
    if reader.at < reader.letters.len() {
        let next = "Remove what follows, or put a sign between";
        return Err(reader.unexpected("the end of the formula", next));
    }
    Ok(node)
}

struct Reader<'p> {
    letters: Vec<char>,
    at: usize,
    depth: usize,
    nodes: usize,
    program: &'p mut Program,
}

type Read<T> = Result<T, ExpressionError>;

impl Reader<'_> {
    fn formula(&mut self) -> Read<usize> {
        self.deeper()?;
        let left = self.sum()?;
        self.spaces();
        let signs = [
            ("<=", Function::AtMost),
            (">=", Function::AtLeast),
            ("==", Function::Equal),
            ("!=", Function::Unequal),
            ("<", Function::Below),
            (">", Function::Above),
        ];
        let found = signs.into_iter().find(|(sign, _)| self.accept(sign));
        let node = match found {
            Some((_, function)) => {
                let right = self.sum()?;
                self.node(function, [left, right, 0])?
            }
            None => left,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn sum(&mut self) -> Read<usize> {
        let mut left = self.product()?;
        loop {
            self.spaces();
            let function = if self.accept("+") {
                Function::Add
            } else if self.accept("-") {
                Function::Subtract
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.node(function, [left, right, 0])?;
        }
    }

    fn product(&mut self) -> Read<usize> {
        let mut left = self.factor()?;
        loop {
            self.spaces();
            let function = if self.accept("*") {
                Function::Multiply
            } else if self.accept("/") {
                Function::Divide
            } else {
                return Ok(left);
            };
            let right = self.factor()?;
            left = self.node(function, [left, right, 0])?;
        }
    }

    fn factor(&mut self) -> Read<usize> {
        self.deeper()?;
        self.spaces();
        let start = self.at;
        let node = match self.letters.get(self.at).copied() {
            Some('-') => {
                self.at += 1;
                let inner = self.factor()?;
                self.node(Function::Negate, [inner, 0, 0])?
            }
            Some('(') => {
                self.at += 1;
                let inner = self.formula()?;
                self.close()?;
                inner
            }
            Some('$') => {
                self.at += 1;
                self.field()?
            }
            Some(letter) if letter.is_ascii_digit() || letter == '.' => {
                let number = self.number()?;
                self.constant(number)?
            }
            Some(letter) if letter.is_ascii_alphabetic() => {
                let name = self.name();
                self.call(&name, start)?
            }
            Some(_) | None => {
                let next = "Write for example $close, Mean($close, 20) or 1.5";
                return Err(self.unexpected("a number, a column, a function or a bracket", next));
            }
        };
        self.depth -= 1;
        Ok(node)
    }

    fn field(&mut self) -> Read<usize> {
        let start = self.at;
        let name = self.name();
        if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) {
            return self.node(Function::Field(*field), [0; 3]);
        }
        let names = || FIELDS.iter().map(|(name, _)| *name);
        let next = match suggest(&name, names()) {
            Some(near) => format!("Did you mean ${near}?"),
            None => format!("Known: ${}", names().collect::<Vec<_>>().join(", $")),
        };
        self.at = start;
        Err(self.fault("a column of the bar", &format!("'${name}'"), &next))
    }

    fn call(&mut self, name: &str, start: usize) -> Read<usize> {
        let Some((_, function, signature)) = FUNCTIONS.iter().find(|(known, ..)| *known == name)
        else {
            let names = || FUNCTIONS.iter().map(|(name, ..)| *name);
            let column = FIELDS.iter().any(|(known, _)| *known == name);
            let next = match suggest(name, names()) {
                _ if column => format!("Columns begin with a dollar sign: ${name}"),
                Some(near) => format!("Did you mean {near}?"),
                None => format!("Known: {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.at = start;
            return Err(self.fault("a function", &format!("'{name}'"), &next));
        };
        self.spaces();
        if !self.accept("(") {
            return Err(self.unexpected("'(' after the name of a function", "Write its arguments"));
        }
        let mut inputs = [0; 3];
        for (index, input) in inputs.iter_mut().enumerate().take(signature.inputs) {
            if 0 < index {
                self.comma(name, signature)?;
            }
            *input = self.formula()?;
        }
        let mut node = Node { function: *function, inputs, window: 0, bits: 0 };
        if let Some(least) = signature.window_min {
            self.comma(name, signature)?;
            node.window = self.window(*function, least)?;
        }
        if signature.share {
            self.comma(name, signature)?;
            node.bits = self.share()?.to_bits();
        }
        self.close()?;
        self.counted()?;
        Ok(self.program.node(node))
    }

    /// A whole number of bars, of the past.
    fn window(&mut self, function: Function, least: usize) -> Read<usize> {
        self.spaces();
        let start = self.at;
        let negative = self.accept("-");
        let number = self.number()?;
        let found = format!("{}{number}", if negative { "-" } else { "" });
        if negative && 0.0 < number {
            self.at = start;
            let next = if matches!(function, Function::Ref | Function::Delta) {
                "A negative distance looks ahead: no decision can know it. Use a positive one"
            } else {
                "Use the number of bars up to this one"
            };
            return Err(self.fault("a number of bars of the past", &found, next));
        }
        let whole = (least..=WINDOW_MAX)
            .find(|bars| rolling::number(*bars).total_cmp(&number).is_eq() && !negative);
        whole.ok_or_else(|| {
            self.at = start;
            let wanted = format!("a whole number of bars from {least} to {WINDOW_MAX}");
            self.fault(&wanted, &found, "Windows are numbers, not formulas")
        })
    }

    fn share(&mut self) -> Read<f64> {
        self.spaces();
        let start = self.at;
        let number = self.number()?;
        if (0.0..=1.0).contains(&number) {
            return Ok(number);
        }
        self.at = start;
        Err(self.fault("a share from 0 to 1", &number.to_string(), "Write 0.8 for 80 per cent"))
    }

    fn number(&mut self) -> Read<f64> {
        self.spaces();
        let start = self.at;
        let digits = |reader: &mut Self| {
            while reader.letters.get(reader.at).is_some_and(char::is_ascii_digit) {
                reader.at += 1;
            }
        };
        digits(self);
        if self.accept(".") {
            digits(self);
        }
        let mantissa = self.at;
        if self.accept("e") || self.accept("E") {
            if !self.accept("-") {
                self.accept("+");
            }
            let exponent = self.at;
            digits(self);
            if exponent == self.at {
                self.at = mantissa;
            }
        }
        let text: String = self.letters[start..self.at].iter().collect();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) | Err(_) => {
                self.at = start;
                Err(self.unexpected("a finite number", "Write for example 20 or 1e-12"))
            }
        }
    }

    fn name(&mut self) -> String {
        let start = self.at;
        let inside = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
        while self.letters.get(self.at).is_some_and(inside) {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }

    fn comma(&mut self, name: &str, signature: &Signature) -> Read<()> {
        self.spaces();
        if self.accept(",") {
            return Ok(());
        }
        let mut wanted = vec!["formula"; signature.inputs];
        if signature.window_min.is_some() {
            wanted.push("bars");
        }
        if signature.share {
            wanted.push("share");
        }
        let form = format!("Write {name}({})", wanted.join(", "));
        Err(self.unexpected("','", &form))
    }

    fn close(&mut self) -> Read<()> {
        self.spaces();
        if self.accept(")") {
            return Ok(());
        }
        Err(self.unexpected("')'", "Close the bracket; too many arguments end here too"))
    }

    fn constant(&mut self, number: f64) -> Read<usize> {
        self.counted()?;
        let bits = number.to_bits();
        Ok(self.program.node(Node { function: Function::Number, inputs: [0; 3], window: 0, bits }))
    }

    fn node(&mut self, function: Function, inputs: [usize; 3]) -> Read<usize> {
        self.counted()?;
        Ok(self.program.node(Node { function, inputs, window: 0, bits: 0 }))
    }

    fn counted(&mut self) -> Read<()> {
        self.nodes += 1;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(self.fault(&format!("at most {NODES_MAX} steps"), "more", "Split the formula"))
    }

    fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let wanted = format!("brackets and signs at most {DEPTH_MAX} deep");
        Err(self.fault(&wanted, "deeper ones", "Split the formula"))
    }

    fn spaces(&mut self) {
        while self.letters.get(self.at).is_some_and(|letter| letter.is_whitespace()) {
            self.at += 1;
        }
    }

    fn accept(&mut self, wanted: &str) -> bool {
        let count = wanted.chars().count();
        let fits = self.letters.get(self.at..self.at + count);
        let fits = fits.is_some_and(|found| found.iter().copied().eq(wanted.chars()));
        if fits {
            self.at += count;
        }
        fits
    }

    fn unexpected(&self, wanted: &str, next: &str) -> ExpressionError {
        let found = match self.letters.get(self.at) {
            Some(letter) if letter.is_control() => "a control character".to_owned(),
            Some(letter) => format!("'{letter}'"),
            None => "the end".to_owned(),
        };
        self.fault(wanted, &found, next)
    }

    fn fault(&self, wanted: &str, found: &str, next: &str) -> ExpressionError {
        ExpressionError {
            position: self.at + 1,
            wanted: wanted.to_owned(),
            found: found.to_owned(),
            next: next.to_owned(),
        }
    }
}
