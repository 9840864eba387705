//! A database that is reached past the application: to look into it, and to keep everybody from writing, so that a
//! request takes exactly as long as a test wants.

use super::{Stack, TestDatabase};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

/// Nobody can write until this is dropped; reads go on.
pub struct Hold {
    _held: Held,
}

enum Held {
    Sqlite { _transaction: SqliteConnection },
    Postgres { _transaction: tokio_postgres::Client },
}

impl TestDatabase {
    /// Takes the lock that every write needs.
    pub async fn hold_writes(&self) -> Hold {
        match self.stack() {
            Stack::Sqlite => {
                let mut transaction = sqlite(self.url());
                transaction.batch_execute("BEGIN IMMEDIATE").expect("nobody else writes");
                Hold { _held: Held::Sqlite { _transaction: transaction } }
            }
            Stack::Postgres => {
                let transaction = connect(self.url()).await;
                let lock = "BEGIN; LOCK TABLE persons IN EXCLUSIVE MODE";
                transaction.batch_execute(lock).await.expect("nobody else writes");
                Hold { _held: Held::Postgres { _transaction: transaction } }
            }
        }
    }
}

impl TestDatabase {
    /// Runs a statement, past the application, and tells whether the database takes it.
    pub async fn accepts(&self, sql: &str) -> bool {
        match self.stack() {
            Stack::Sqlite => sqlite(self.url()).batch_execute(sql).is_ok(),
            Stack::Postgres => connect(self.url()).await.batch_execute(sql).await.is_ok(),
        }
    }

    /// Runs a statement, past the application.
    pub async fn execute(&self, sql: &str) {
        match self.stack() {
            Stack::Sqlite => sqlite(self.url()).batch_execute(sql).expect("SQLite does it"),
            Stack::Postgres => {
                connect(self.url()).await.batch_execute(sql).await.expect("PostgreSQL does it")
            }
        }
    }
}

/// A connection to the PostgreSQL database at `url`.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    tokio::spawn(connection);
    client
}

/// A connection to the SQLite database at `url`.
pub fn sqlite(url: &str) -> SqliteConnection {
    let file = url.strip_prefix("sqlite://").expect("an address of SQLite");
    let mut connection = SqliteConnection::establish(file).unwrap_or_else(|error| panic!("{url}: {error:?}"));
    connection.batch_execute("PRAGMA busy_timeout = 10000").expect("SQLite has a busy time-out");
    connection
}
