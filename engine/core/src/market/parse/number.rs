//! Numbers as vendors write them: with a decimal point, or throughout with a decimal comma.

/// How the file marks the fraction. Settled by the first number that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Point,
    Comma,
}

/// Reads the numbers of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    comma_allowed: bool,
    mark: Option<Mark>,
}

impl Numbers {
    /// Returns a reader that takes decimal commas where `comma_allowed`: where cells are separated by something else.
    pub(super) fn new(comma_allowed: bool) -> Self {
        Self { comma_allowed, mark: None }
    }

    /// Returns the number in `text`; absent where it is none, or marks its fraction otherwise than the numbers before.
    pub(super) fn read(&mut self, text: &str) -> Option<f64> {
        let text = text.trim();
        let commas = text.bytes().filter(|byte| *byte == b',').count();
        let found = match (commas, text.contains('.')) {
            (0, false) => return text.parse().ok(),
            (0, true) => Mark::Point,
            (1, false) if self.comma_allowed => Mark::Comma,
            (_, _) => return None,
        };
        if *self.mark.get_or_insert(found) != found {
            return None;
        }
        match found {
            Mark::Point => text.parse().ok(),
            Mark::Comma => text.replace(',', ".").parse().ok(),
        }
    }

    /// Whether `text` is a number with one comma in it.
    pub(super) fn is_decimal_comma(text: &str) -> bool {
        let text = text.trim();
        text.bytes().filter(|byte| *byte == b',').count() == 1
            && text.replace(',', ".").parse::<f64>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_to_one_mark() {
        let mut numbers = Numbers::new(true);
        assert_eq!(numbers.read("12"), Some(12.0));
        assert_eq!(numbers.read(" 1,5 "), Some(1.5));
        assert_eq!(numbers.read("1.5"), None, "a point after a comma");
        assert_eq!(numbers.read("1.234,5"), None);
        assert_eq!(numbers.read("1,234,5"), None);
        let mut points = Numbers::new(true);
        assert_eq!(points.read("1e-3"), Some(0.001));
        assert_eq!(points.read("1.5"), Some(1.5));
        assert_eq!(points.read("1,5"), None, "a comma after a point");
        assert_eq!(Numbers::default().read("1,5"), None);
        assert!(Numbers::is_decimal_comma("134,25") && !Numbers::is_decimal_comma("1,2,3"));
    }
}
