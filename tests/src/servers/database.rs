//! One database for each test, copied from a template that is migrated once.

use super::{Durability, Postgres, connect, given};
use crate::{Folder, Output, command};
use std::{
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::{Arc, Weak},
};
use tokio::sync::{Mutex, OnceCell};

/// What the application runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// The embedded database alone, as by default.
    Sqlite,
    /// PostgreSQL with Redis beside it, as in production.
    Postgres,
}

/// A migrated and empty database of one test's own; gone when dropped.
pub struct TestDatabase {
    url: String,
    stack: Stack,
    _kept: Kept,
}

enum Kept {
    File { _folder: Folder },
    Database { _itself: Created, _template: Arc<Template> },
}

impl TestDatabase {
    /// On `stack`, migrated by the binary at `plinth`.
    pub async fn new(stack: Stack, plinth: &str) -> Self {
        match stack {
            Stack::Sqlite => Self::file(plinth).await,
            Stack::Postgres => Self::database(plinth).await,
        }
    }

    /// What `DATABASE_URL` should be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it is.
    pub fn stack(&self) -> Stack {
        self.stack
    }

    async fn file(plinth: &str) -> Self {
        static TEMPLATE: OnceCell<(Folder, PathBuf)> = OnceCell::const_new();
        let migrated = || async {
            let folder = Folder::new();
            let file = folder.path().join("template.db");
            upgrade(plinth, &format!("sqlite://{}", file.display())).await;
            (folder, file)
        };
        let (_, template) = TEMPLATE.get_or_init(migrated).await;
        let folder = Folder::new();
        let file = folder.path().join("plinth.db");
        std::fs::copy(template, &file).expect("a file can be copied");
        let url = format!("sqlite://{}", file.display());
        Self { url, stack: Stack::Sqlite, _kept: Kept::File { _folder: folder } }
    }

    async fn database(plinth: &str) -> Self {
        let template = Template::shared(plinth).await;
        let itself = Created::new(&template.server, Some(&template.database.name)).await;
        let url = itself.url();
        Self { url, stack: Stack::Postgres, _kept: Kept::Database { _itself: itself, _template: template } }
    }
}

/// A migrated database on the server that all tests share.
struct Template {
    database: Created,
    server: String,
}

impl Template {
    async fn shared(plinth: &str) -> Arc<Self> {
        static OWN: OnceCell<(Postgres, Arc<Template>)> = OnceCell::const_new();
        // On a server that outlives us nothing may stay behind, and statics are never dropped.
        if let Some(server) = given("postgres") {
            static GIVEN: Mutex<Weak<Template>> = Mutex::const_new(Weak::new());
            let mut kept = GIVEN.lock().await;
            if let Some(template) = kept.upgrade() {
                return template;
            }
            let template = Arc::new(Self::migrated(server, plinth).await);
            *kept = Arc::downgrade(&template);
            return template;
        }
        let start = || async {
            let server = Postgres::start(Durability::None).await;
            let template = Self::migrated(server.url("postgres"), plinth).await;
            (server, Arc::new(template))
        };
        OWN.get_or_init(start).await.1.clone()
    }

    async fn migrated(server: String, plinth: &str) -> Self {
        let database = Created::new(&server, None).await;
        upgrade(plinth, &database.url()).await;
        Self { database, server }
    }
}

/// A database that this process has created, and drops.
struct Created {
    server: String,
    name: String,
}

impl Created {
    async fn new(server: &str, template: Option<&str>) -> Self {
        // By chance, for tests on other machines may use the same server.
        let name = format!("plinth_test_{:016x}", RandomState::new().hash_one(server));
        let template = template.map(|name| format!(" TEMPLATE {name}")).unwrap_or_default();
        execute(server, &format!("CREATE DATABASE {name}{template}")).await;
        Self { server: server.to_owned(), name }
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).expect("the address of a server");
        url.set_path(&self.name);
        url.into()
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // A runtime of its own: we may be inside of one, and nothing can be awaited in here.
        let drop = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(execute(&server, &sql));
        });
        drop.join().ok();
    }
}

async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn upgrade(plinth: &str, url: &str) {
    let Output { code, stderr, .. } =
        command(plinth, &["db", "upgrade"]).env("DATABASE_URL", url).run().await;
    assert_eq!(code, Some(0), "cannot migrate a template: {stderr}");
}
