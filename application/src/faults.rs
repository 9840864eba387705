//! Places where the fault tests let a process fail, and mutants: defects that they must notice. Nothing of it is in a
//! binary that is built without the feature `faults`.
//!
//! `FAILPOINTS="after_claim=3%return"` and the like say what happens where; see the crate `fail`.

/// The process ends here without a warning, if the failpoint `name` is set to `return`; other actions (`sleep`, `pause`)
/// are done in place.
#[cfg_attr(not(feature = "faults"), expect(unused_variables, reason = "there is nothing to switch on"))]
pub fn failpoint(name: &str) {
    #[cfg(feature = "faults")]
    fail::fail_point!(name, |_| std::process::abort());
}

/// Whether the mutant `name` is switched on.
#[cfg_attr(not(feature = "faults"), expect(unused_variables, reason = "there is nothing to switch on"))]
pub fn mutant(name: &str) -> bool {
    #[cfg(feature = "faults")]
    fail::fail_point!(name, |_| true);
    false
}

/// What the failpoint `name` is set to return, as `host_clock_offset_seconds=return(7200)`. `None` unless it is set.
#[cfg_attr(not(feature = "faults"), expect(unused_variables, reason = "there is nothing to switch on"))]
pub fn value(name: &str) -> Option<String> {
    #[cfg(feature = "faults")]
    fail::fail_point!(name, |value| value);
    None
}

/// Switches `failpoints` on in this process, written as in the variable: for tests that run parts of the product by
/// themselves. What they say wrongly, if anything.
#[cfg(feature = "faults")]
pub fn begin(failpoints: &str) -> Result<(), String> {
    let mut pairs = failpoints.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.try_for_each(|(name, actions)| fail::cfg(name, actions))
}
