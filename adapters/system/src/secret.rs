//! Secrets for configuration.

use base64::{Engine, engine::general_purpose::STANDARD};

/// `bytes` bytes from the operating system's generator in base64, as `openssl rand -base64` prints them. `None` if the
/// operating system has no randomness to give.
pub fn secret(bytes: usize) -> Option<String> {
    let mut buffer = vec![0; bytes];
    #[expect(clippy::disallowed_methods, reason = "the one place that asks for chance")]
    getrandom::fill(&mut buffer).ok()?;
    Some(STANDARD.encode(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_length_and_is_never_the_same() {
        let made = secret(32).unwrap();
        assert_eq!(STANDARD.decode(&made).unwrap().len(), 32);
        assert_ne!(made, secret(32).unwrap());
    }
}
