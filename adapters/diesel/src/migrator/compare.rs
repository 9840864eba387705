//! Where a database differs from `schema.rs`.

use crate::schema::{Column, ColumnType, Table};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text},
};
use std::{collections::BTreeMap, fmt};

/// A column as a database has it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct Found {
    #[diesel(sql_type = Text)]
    pub(crate) table_name: String,
    #[diesel(sql_type = Text)]
    pub(crate) column_name: String,
    /// In the words of the database.
    #[diesel(sql_type = Text)]
    pub(crate) sql_type: String,
    #[diesel(sql_type = Bool)]
    pub(crate) nullable: bool,
}

/// One thing that would have to change in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The database lacks it.
    MissingTable(Table),
    /// The database has it beyond the schema.
    SurplusTable(String, Vec<Found>),
    /// The database lacks it.
    MissingColumn(&'static str, Column),
    /// The database has it beyond the schema.
    SurplusColumn(Found),
    /// Both have it, with another type, or one allows nulls and the other does not.
    OtherColumn { found: Found, sql_type: &'static str, nullable: bool },
}

/// In the order of `schema`, then what only the database has.
pub(crate) fn compare(
    schema: Vec<Table>,
    found: Vec<Found>,
    dialect: fn(ColumnType) -> &'static str,
) -> Vec<Difference> {
    let mut tables: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for column in found {
        tables.entry(column.table_name.clone()).or_default().push(column);
    }
    let mut differences = Vec::new();
    for table in schema {
        match tables.remove(table.name) {
            Some(columns) => compare_columns(&table, columns, dialect, &mut differences),
            None => differences.push(Difference::MissingTable(table)),
        }
    }
    differences.extend(tables.into_iter().map(|(name, columns)| Difference::SurplusTable(name, columns)));
    differences
}

fn compare_columns(
    table: &Table,
    mut found: Vec<Found>,
    dialect: fn(ColumnType) -> &'static str,
    differences: &mut Vec<Difference>,
) {
    for column in &table.columns {
        let (sql_type, nullable) = (dialect(column.kind), column.nullable);
        match found.iter().position(|found| found.column_name == column.name) {
            Some(place) => {
                let found = found.remove(place);
                if found.sql_type != sql_type || found.nullable != nullable {
                    differences.push(Difference::OtherColumn { found, sql_type, nullable });
                }
            }
            None => differences.push(Difference::MissingColumn(table.name, column.clone())),
        }
    }
    differences.extend(found.into_iter().map(Difference::SurplusColumn));
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = |nullable: bool| if nullable { "NULL" } else { "NOT NULL" };
        match self {
            Self::MissingTable(table) => write!(f, "table {} is missing in the database", table.name),
            Self::SurplusTable(table, _) => write!(f, "table {table} is not in schema.rs"),
            Self::MissingColumn(table, column) => {
                write!(f, "column {table}.{} is missing in the database", column.name)
            }
            Self::SurplusColumn(found) => {
                write!(f, "column {}.{} is not in schema.rs", found.table_name, found.column_name)
            }
            Self::OtherColumn { found, sql_type, nullable } => write!(
                f,
                "column {}.{} is {} {} in the database and {sql_type} {} in schema.rs",
                found.table_name,
                found.column_name,
                found.sql_type,
                null(found.nullable),
                null(*nullable)
            ),
        }
    }
}
