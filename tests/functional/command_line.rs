//! The binary as a tool: databases, configuration, and how it starts.

mod configuration;
mod database;
mod start;
mod tools;
