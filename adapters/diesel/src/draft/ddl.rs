//! Differences as SQL, in both dialects.

use crate::{
    migrator::{Difference, Found},
    schema::{Column, ColumnType, Table},
};

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// Below `migrations/`.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }

    /// Makes the database like the schema.
    pub(super) fn up(self, differences: &[Difference]) -> String {
        self.script(differences.iter().map(|difference| match difference {
            Difference::MissingTable(table) => self.create(table),
            Difference::SurplusTable(table, _) => format!("DROP TABLE {table};\n"),
            Difference::MissingColumn(table, column) => self.add(table, column),
            Difference::SurplusColumn(found) => drop_column(&found.table_name, &found.column_name),
            Difference::OtherColumn { .. } => by_hand(difference),
        }))
    }

    /// Takes `up` back.
    pub(super) fn down(self, differences: &[Difference]) -> String {
        self.script(differences.iter().rev().map(|difference| match difference {
            Difference::MissingTable(table) => format!("DROP TABLE {};\n", table.name),
            Difference::SurplusTable(table, columns) => self.create_found(table, columns),
            Difference::MissingColumn(table, column) => drop_column(table, column.name),
            Difference::SurplusColumn(found) => {
                format!("ALTER TABLE {} ADD COLUMN {};\n", found.table_name, self.found(found))
            }
            Difference::OtherColumn { .. } => by_hand(difference),
        }))
    }

    fn script(self, statements: impl Iterator<Item = String>) -> String {
        let statements: Vec<String> = statements.collect();
        if statements.is_empty() {
            return "-- schema.rs and the migrations agree: write the change here, and in schema.rs if it is one of \
                    columns.\n"
                .to_owned();
        }
        format!("-- Drafted from schema.rs: complete and review it.\n\n{}", statements.join("\n"))
    }

    fn create(self, table: &Table) -> String {
        let columns = table.columns.iter().map(|column| {
            let key = if table.key == [column.name] {
                self.primary_key(table.name, column.name)
            } else {
                String::new()
            };
            format!("    {} {}{}{key}", column.name, self.name(column.kind), null(column.nullable))
        });
        self.table(table.name, columns.chain(self.composite_key(table)))
    }

    /// A key of several columns stands behind them.
    fn composite_key(self, table: &Table) -> Option<String> {
        let key = table.key.join("_");
        let constraint = match self {
            Self::Postgres => format!("    CONSTRAINT {}_{key}_key PRIMARY KEY", table.name),
            Self::Sqlite => "    PRIMARY KEY".to_owned(),
        };
        (table.key.len() > 1).then(|| format!("{constraint} ({})", table.key.join(", ")))
    }

    /// The primary key is not known any more; it is the first column by custom.
    fn create_found(self, table: &str, columns: &[Found]) -> String {
        let columns = columns.iter().enumerate().map(|(place, found)| {
            let key = if place == 0 { self.primary_key(table, &found.column_name) } else { String::new() };
            format!("    {}{key}", self.found(found))
        });
        self.table(table, columns)
    }

    fn table(self, name: &str, columns: impl Iterator<Item = String>) -> String {
        let columns = columns.collect::<Vec<_>>().join(",\n");
        let options = if self == Self::Sqlite { " STRICT, WITHOUT ROWID" } else { "" };
        format!("CREATE TABLE {name} (\n{columns}\n){options};\n")
    }

    fn primary_key(self, table: &str, column: &str) -> String {
        match self {
            Self::Postgres => format!(" CONSTRAINT {table}_{column}_key PRIMARY KEY"),
            Self::Sqlite => " PRIMARY KEY".to_owned(),
        }
    }

    fn add(self, table: &str, column: &Column) -> String {
        let kind = self.name(column.kind);
        if column.nullable {
            return format!("ALTER TABLE {table} ADD COLUMN {} {kind};\n", column.name);
        }
        format!(
            "-- What shall existing rows have?\nALTER TABLE {table} ADD COLUMN {} {kind} NOT NULL DEFAULT {};\n",
            column.name,
            self.default(column.kind)
        )
    }

    fn name(self, kind: ColumnType) -> &'static str {
        match self {
            Self::Postgres if kind == ColumnType::Instant => "timestamptz",
            Self::Postgres => kind.postgres(),
            Self::Sqlite => kind.sqlite(),
        }
    }

    fn default(self, kind: ColumnType) -> &'static str {
        match (kind, self) {
            (ColumnType::Text, _) => "''",
            (ColumnType::Integer | ColumnType::BigInt | ColumnType::Double, _)
            | (ColumnType::Bool, Self::Sqlite) => "0",
            (ColumnType::Bool, Self::Postgres) => "false",
            (ColumnType::Guid, _) => "'00000000-0000-0000-0000-000000000000'",
            (ColumnType::Instant, _) => "'1970-01-01T00:00:00.000000Z'",
            (ColumnType::Jsonb, Self::Postgres) | (ColumnType::Document, _) => "'{}'",
            (ColumnType::Binary, Self::Postgres) => "'\\x'",
            (ColumnType::Binary, Self::Sqlite) => "x''",
            // The empty object in SQLite's binary form: a function call is no constant default.
            (ColumnType::Jsonb, Self::Sqlite) => "x'0C'",
        }
    }

    /// The scratch database is SQLite, whose five types stand for more of PostgreSQL's.
    fn found(self, found: &Found) -> String {
        let kind = match (self, found.sql_type.as_str()) {
            (Self::Sqlite, kind) => kind,
            (Self::Postgres, "TEXT") => "text /* or uuid, timestamptz, json */",
            (Self::Postgres, "INTEGER") => "bigint /* or integer, boolean */",
            (Self::Postgres, "REAL") => "double precision",
            (Self::Postgres, "BLOB") => "jsonb /* or bytea */",
            (Self::Postgres, kind) => kind,
        };
        let default = if found.nullable { "" } else { " /* DEFAULT …, if there are rows */" };
        format!("{} {kind}{}{default}", found.column_name, null(found.nullable))
    }
}

fn drop_column(table: &str, column: &str) -> String {
    format!("ALTER TABLE {table} DROP COLUMN {column};\n")
}

fn by_hand(difference: &Difference) -> String {
    format!("-- By hand: {difference}.\n")
}

fn null(nullable: bool) -> &'static str {
    if nullable { "" } else { " NOT NULL" }
}
