//! The binary as a tool: databases, configuration, and how it starts.

mod configuration;
mod database;
mod roles;
mod start;
mod tasks;
mod tools;
