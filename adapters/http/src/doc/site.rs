//! What the build script has rendered from `docs/`.

include!(concat!(env!("OUT_DIR"), "/site.rs"));
