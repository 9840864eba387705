//! One notation, two readers: `schema!` hands each table to Diesel's `table!`, and describes it as a [`Table`] that can be
//! compared with a database at run time.

/// A table as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// In the plural.
    pub(crate) name: &'static str,
    /// The columns of the primary key.
    pub(crate) key: &'static [&'static str],
    /// In the order of their declaration.
    pub(crate) columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// In snake case.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: ColumnType,
    /// Whether it may be null.
    pub(crate) nullable: bool,
}

/// The types that a column can have, by their names in `schema.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// An id: see `types.rs`.
    Guid,
    /// A point in time: see `types.rs`.
    Instant,
    /// Unicode text.
    Text,
    /// 32 bits.
    Integer,
    /// 64 bits.
    BigInt,
    /// Yes or no.
    Bool,
    /// A number of 64 bits with a fraction.
    Double,
    /// A JSON document, in each database's binary form.
    Jsonb,
    /// A JSON document as text: see `types.rs`.
    Document,
    /// Bytes.
    Binary,
}

impl ColumnType {
    /// In PostgreSQL's words, as `format_type` prints them.
    pub(crate) fn postgres(self) -> &'static str {
        match self {
            Self::Guid => "uuid",
            Self::Instant => "timestamp with time zone",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Bool => "boolean",
            Self::Double => "double precision",
            Self::Jsonb => "jsonb",
            Self::Document => "json",
            Self::Binary => "bytea",
        }
    }

    /// In the words of SQLite's STRICT tables, which know but five types.
    pub(crate) fn sqlite(self) -> &'static str {
        match self {
            Self::Guid | Self::Instant | Self::Text | Self::Document => "TEXT",
            Self::Integer | Self::BigInt | Self::Bool => "INTEGER",
            Self::Double => "REAL",
            Self::Jsonb | Self::Binary => "BLOB",
        }
    }
}

/// A type of Diesel's as a column has it.
pub(super) trait Describe {
    /// What it holds.
    const KIND: ColumnType;
    /// Whether it may be null.
    const NULLABLE: bool = false;
}

impl<T: Describe + diesel::sql_types::SqlType> Describe for diesel::sql_types::Nullable<T> {
    const KIND: ColumnType = T::KIND;
    const NULLABLE: bool = true;
}

macro_rules! describe {
    ($($type:ty => $kind:ident,)+) => {
        $(impl Describe for $type {
            const KIND: ColumnType = ColumnType::$kind;
        })+
    };
}

describe! {
    crate::types::sql::Guid => Guid,
    crate::types::sql::Instant => Instant,
    diesel::sql_types::Text => Text,
    diesel::sql_types::Integer => Integer,
    diesel::sql_types::BigInt => BigInt,
    diesel::sql_types::Bool => Bool,
    diesel::sql_types::Double => Double,
    diesel::sql_types::Jsonb => Jsonb,
    crate::types::sql::Document => Document,
    diesel::sql_types::Binary => Binary,
}

/// See the module.
macro_rules! schema {
    ($($table:ident ($($key:ident),+) { $($column:ident -> $type:ident $(<$inner:ident>)?,)+ })+) => {
        $(diesel::table! {
            use diesel::sql_types::*;
            use crate::types::sql::{Document, Guid, Instant};

            $table ($($key),+) { $($column -> $type $(<$inner>)?,)+ }
        })+

        /// Every table, as it should be.
        pub(crate) fn tables() -> Vec<Table> {
            use crate::types::sql::{Document, Guid, Instant};
            use description::Describe;
            use diesel::sql_types::*;

            vec![$(Table {
                name: stringify!($table),
                key: &[$(stringify!($key)),+],
                columns: vec![$(Column {
                    name: stringify!($column),
                    kind: <$type $(<$inner>)? as Describe>::KIND,
                    nullable: <$type $(<$inner>)? as Describe>::NULLABLE,
                },)+],
            },)+]
        }
    };
}
pub(super) use schema;
