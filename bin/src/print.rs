//! What a command has to say to the person or program that called it. The only place that writes there; everything that
//! happens while the service runs is logged instead.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// A result, to standard output. A reader that has gone (`plinth routes | head -1`) is no error; a disk that is full is
/// one, for the file that was asked for is not whole.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A complaint, to standard error.
pub(crate) fn complaint(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "plinth: {text}");
}

/// A question, to standard error; `true` if the answer is yes.
pub(crate) fn confirm(question: impl Display) -> bool {
    let _ = write!(io::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
