//! `embed_migrations!` does not tell Cargo what it reads.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
