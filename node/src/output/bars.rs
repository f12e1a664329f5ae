//! Progress on standard error: bars on a terminal, silence in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interactive;

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if !interactive() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// A bar over steps with a message of its own.
pub(crate) fn progress_bar(label: &str) -> ProgressBar {
    let bar = styled(ProgressBar::new(0), "{prefix} {bar:32} {percent:>3} %  {msg}");
    bar.set_prefix(label.to_owned());
    bar
}

/// A bar over bytes.
pub(crate) fn bytes_bar(label: &str, bytes: u64) -> ProgressBar {
    let bar =
        styled(ProgressBar::new(bytes), "{prefix} {bar:32} {bytes}/{total_bytes} {bytes_per_sec}");
    bar.set_prefix(label.to_owned());
    bar
}

/// A turning sign for work of unknown length.
pub(crate) fn spinner(label: &str) -> ProgressBar {
    let bar = styled(ProgressBar::new_spinner(), "{spinner} {msg}");
    bar.set_message(label.to_owned());
    if interactive() {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}
