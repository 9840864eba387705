//! Numbers for people.

/// With commas between the thousands: `12,500`.
pub(crate) fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if left > 0 && left % 3 == 0 {
            text.push(',');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let texts = [0u32, 7, 100, 1_000, 12_500, 100_000, 1_234_567].map(count);
        assert_eq!(texts, ["0", "7", "100", "1,000", "12,500", "100,000", "1,234,567"]);
    }
}
