//! Line pictures as SVG: a plot with labelled axes and a legend. Plain text, no library, nothing that runs.

/// Size of a picture in pixels.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 520.0;
/// Room around the plot: left, right, top, bottom.
const LEFT: f64 = 86.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 56.0;
/// Labels along each axis.
const TICKS: usize = 6;

/// A line through points of the plot.
pub(crate) struct Line {
    /// Colour as `#rrggbb`.
    pub(crate) colour: String,
    /// Row and value of each point, rows ascending.
    pub(crate) points: Vec<(usize, f64)>,
}

/// A plot of values over rows.
pub(crate) struct Plot<'a> {
    /// Heading.
    pub(crate) title: String,
    /// Name of the horizontal axis.
    pub(crate) x_name: String,
    /// Name of the vertical axis.
    pub(crate) y_name: String,
    /// Rows of the whole plot.
    pub(crate) row_count: usize,
    /// What a row is called on the horizontal axis.
    pub(crate) row_name: &'a dyn Fn(usize) -> String,
    /// What is drawn.
    pub(crate) lines: Vec<Line>,
    /// Colour and meaning of each kind of line.
    pub(crate) legend: Vec<(String, String)>,
}

impl Plot<'_> {
    /// Returns the picture.
    pub(crate) fn svg(&self) -> String {
        let values =
            || self.lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let scale = Scale::over(low, high);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"{LEFT}\" y=\"26\" font-size=\"17\" \
             fill=\"#1a1a1a\">{title}</text>\n",
            title = escaped(&self.title)
        );
        self.axes(&scale, &mut svg);
        for line in &self.lines {
            self.line(line, &scale, &mut svg);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn x(&self, row: usize) -> f64 {
        let last = self.row_count.saturating_sub(1).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * row as f64 / last
    }

    fn axes(&self, scale: &Scale, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for value in scale.ticks() {
            let y = scale.y(value);
            add(
                svg,
                format_args!(
                    "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#e2e2e2\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#333333\">{}</text>\n",
                    LEFT - 8.0,
                    y + 4.5,
                    scale.named(value)
                ),
            );
        }
        let last = self.row_count.saturating_sub(1);
        let count = TICKS.min(self.row_count);
        for place in 0..count {
            let row = place * last / count.saturating_sub(1).max(1);
            let (x, anchor) = (
                self.x(row),
                if place == 0 {
                    "start"
                } else if place + 1 == count {
                    "end"
                } else {
                    "middle"
                },
            );
            add(
                svg,
                format_args!(
                    "<line x1=\"{x:.1}\" y1=\"{bottom}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#333333\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#333333\">{}</text>\n",
                    bottom + 5.0,
                    bottom + 20.0,
                    escaped(&(self.row_name)(row))
                ),
            );
        }
        add(
            svg,
            format_args!(
                "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#333333\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333333\">{}</text>\n\
             <text x=\"18\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333333\" transform=\"rotate(-90 18 {:.1})\">{}</text>\n",
                f64::midpoint(LEFT, right),
                HEIGHT - 12.0,
                escaped(&self.x_name),
                f64::midpoint(TOP, bottom),
                f64::midpoint(TOP, bottom),
                escaped(&self.y_name)
            ),
        );
    }

    fn line(&self, line: &Line, scale: &Scale, svg: &mut String) {
        svg.push_str(
            "<polyline fill=\"none\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke=\"",
        );
        svg.push_str(&line.colour);
        svg.push_str("\" points=\"");
        for (row, value) in &line.points {
            add(svg, format_args!("{:.1},{:.1} ", self.x(*row), scale.y(*value)));
        }
        svg.push_str("\"/>\n");
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for (colour, text) in &self.legend {
            add(
                svg,
                format_args!(
                    "<rect x=\"{x:.1}\" y=\"42\" width=\"22\" height=\"10\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"52\" fill=\"#1a1a1a\">{}</text>\n",
                    x + 28.0,
                    escaped(text)
                ),
            );
            x += 52.0 + 7.4 * text.chars().count() as f64;
        }
    }
}

fn add(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.push_str(&text.to_string());
}

/// Returns text as it may stand in XML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

/// The vertical axis: values between round numbers.
struct Scale {
    low: f64,
    step: f64,
    steps: u32,
}

impl Scale {
    /// Returns an axis over `low` to `high`, widened to round numbers.
    fn over(low: f64, high: f64) -> Self {
        let (low, high) =
            if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        // A flat line needs room above and below.
        let span = (high - low).max(high.abs() * 1e-9).max(1e-12);
        let rough = span / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| rough <= *step)
            .unwrap_or(10.0 * power);
        let start = (low / step).floor();
        let mut steps = 1;
        while (start + f64::from(steps)) * step < high && steps < 20 {
            steps += 1;
        }
        Self { low: start * step, step, steps }
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.step * f64::from(self.steps));
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (low, step) = (self.low, self.step);
        (0..=self.steps).map(move |i| low + step * f64::from(i))
    }

    /// Returns a tick with as many decimals as the step has.
    fn named(&self, value: f64) -> String {
        let mut decimals = 0;
        let mut scaled = self.step;
        while decimals < 12 && (scaled - scaled.round()).abs() > 1e-6 * scaled {
            scaled *= 10.0;
            decimals += 1;
        }
        let text = format!("{value:.decimals$}");
        // What rounds to nothing has no sign.
        if text.trim_start_matches('-').chars().all(|letter| letter == '0' || letter == '.') {
            text.trim_start_matches('-').to_owned()
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        for (low, high, first, last) in [
            (3_200.0, 9_800.0, "2000", "10000"),
            (-0.31, 0.22, "-0.4", "0.4"),
            (1.0, 1.0, "1.0000000000", "1.0000000002"),
        ] {
            let scale = Scale::over(low, high);
            let ticks: Vec<String> = scale.ticks().map(|tick| scale.named(tick)).collect();
            assert_eq!(
                (ticks[0].as_str(), ticks.last().unwrap().as_str()),
                (first, last),
                "{ticks:?}"
            );
        }
        assert_eq!(Scale::over(f64::INFINITY, f64::NEG_INFINITY).steps, 5);
    }

    #[test]
    fn a_name_cannot_leave_its_place() {
        let plot = Plot {
            title: "<script>&\"\u{1b}".to_owned(),
            x_name: "x".to_owned(),
            y_name: "y".to_owned(),
            row_count: 2,
            row_name: &|row| format!("<{row}>"),
            lines: vec![Line { colour: "#000000".to_owned(), points: vec![(0, 1.0), (1, 2.0)] }],
            legend: vec![("#000000".to_owned(), "a".to_owned())],
        };
        let svg = plot.svg();
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
        assert!(svg.contains("&lt;1&gt;") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<polyline").count(), 1);
    }
}
