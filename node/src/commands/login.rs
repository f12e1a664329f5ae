//! `tm login`, `tm passwd`, `tm logout`, `tm whoami`.

use std::io::{self, BufRead, IsTerminal};

use serde_json::{Value, json};

use super::Context;
use crate::cli::LoginArgs;
use crate::error::CliError;
use crate::output::note;

/// Logs in; the password comes from a file, the environment, or standard input.
///
/// # Errors
/// No password, wrong credentials, or that nobody answers.
pub(crate) async fn login(args: LoginArgs, context: &Context) -> Result<(), CliError> {
    let password = match args.password_file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|source| CliError::Io { what: format!("read {}", path.display()), source })?,
        None => match crate::config::password() {
            Some(password) => password,
            None => ask(&format!("password of {}", args.user))?,
        },
    };
    let answer = context.client.login(&args.user, line(&password)).await?;
    if answer.pointer("/user/must_change_password") == Some(&Value::Bool(true)) {
        note("this password was generated and opens nothing yet: choose your own with `tm passwd`");
    }
    context.out.value(&answer["user"], |user| {
        format!(
            "logged in at {} as {} ({})",
            context.client.base(),
            text(user, "name"),
            text(user, "role")
        )
    })
}

/// Changes the password of whoever is logged in and logs in again with it, for every other login ends.
///
/// # Errors
/// Not logged in, a wrong or weak password, two new ones that differ.
pub(crate) async fn passwd(context: &Context) -> Result<(), CliError> {
    let me = context.client.get("/api/v1/me").await?;
    let user = me.get("user").map(|user| text(user, "name")).unwrap_or_default();
    let current = ask(&format!("present password of {user}"))?;
    let new = ask("new password (at least 12 characters)")?;
    // Nobody mistypes into a pipe.
    if io::stdin().is_terminal() && ask("new password again")? != new {
        return Err(CliError::Usage(
            "the two new passwords differ; nothing was changed".to_owned(),
        ));
    }
    let body = json!({"current": line(&current), "new": line(&new)});
    context.client.post("/api/v1/me/password", body).await?;
    context.client.login(user, line(&new)).await?;
    note(&format!("the password of {user} is changed; every other login has ended"));
    Ok(())
}

/// A line as typed or piped, without its end.
fn line(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

/// Ends the login.
///
/// # Errors
/// When the stored login cannot be removed.
pub(crate) async fn logout(context: &Context) -> Result<(), CliError> {
    context.client.logout().await?;
    note(&format!("logged out at {}", context.client.base()));
    Ok(())
}

/// Shows who is logged in.
///
/// # Errors
/// Not logged in, or that nobody answers.
pub(crate) async fn whoami(context: &Context) -> Result<(), CliError> {
    let me = context.client.get("/api/v1/me").await?;
    context.out.value(&me, |me| {
        let user = me.get("user").unwrap_or(me);
        format!("{} ({}) at {}", text(user, "name"), text(user, "role"), context.client.base())
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("?")
}

/// Reads one line; on a terminal the typed characters are not shown.
fn ask(what: &str) -> Result<String, CliError> {
    let failed = |source| CliError::Io { what: "read the password".to_owned(), source };
    let stdin = io::stdin();
    let hidden = if stdin.is_terminal() {
        note(&format!("{what}:"));
        Some(Hidden::new().map_err(failed)?)
    } else {
        None
    };
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(failed)?;
    drop(hidden);
    if line.trim().is_empty() {
        return Err(CliError::Usage(
            "no password given: type it, pipe it in, or use --password-file".to_owned(),
        ));
    }
    Ok(line)
}

/// Switches the terminal's echo off while it lives.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if tcsetattr(io::stdin(), OptionalActions::Now, &self.0).is_err() {
            note("typed characters may stay hidden; run `stty echo`");
        }
    }
}
