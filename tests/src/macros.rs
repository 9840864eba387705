//! Make tests of functions that take a [`crate::Setup`]. A function that is not listed is dead code, which the compiler
//! reports.

/// Runs each function on SQLite, and on PostgreSQL with Redis beside it.
#[macro_export]
macro_rules! on_both_stacks {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            $crate::one_test!(sqlite, Sqlite, super::$name);
            $crate::postgres_test!(postgres, super::$name);
        }
    )* };
}

/// Runs each function on SQLite, and not on PostgreSQL.
#[macro_export]
macro_rules! on_sqlite {
    ($($name:ident),* $(,)?) => { $( mod $name { $crate::one_test!(sqlite, Sqlite, super::$name); } )* };
}

/// Runs each function on PostgreSQL, with Redis beside it, and not on SQLite.
#[macro_export]
macro_rules! on_postgres {
    ($($name:ident),* $(,)?) => { $( mod $name { $crate::postgres_test!(postgres, super::$name); } )* };
}

/// One test of one function; the binary is the one that cargo has built for these tests.
#[doc(hidden)]
#[macro_export]
macro_rules! one_test {
    ($(#[$attribute:meta])? $name:ident, $stack:ident, $run:path) => {
        $(#[$attribute])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $run($crate::Setup::new(env!("CARGO_BIN_EXE_plinth"), $crate::Stack::$stack)).await;
        }
    };
}

/// One test on PostgreSQL.
#[cfg(not(no_postgres))]
#[doc(hidden)]
#[macro_export]
macro_rules! postgres_test {
    ($name:ident, $run:path) => {
        $crate::one_test!($name, Postgres, $run);
    };
}

/// One test on PostgreSQL.
#[cfg(no_postgres)]
#[doc(hidden)]
#[macro_export]
macro_rules! postgres_test {
    ($name:ident, $run:path) => {
        $crate::one_test!(
            #[ignore = "PostgreSQL is not installed"]
            $name,
            Postgres,
            $run
        );
    };
}

/// Runs each function on SQLite where Redis can be had too.
#[macro_export]
macro_rules! on_redis {
    ($($name:ident),* $(,)?) => { $( mod $name { $crate::redis_test!(redis, super::$name); } )* };
}

/// One test with Redis.
#[cfg(not(no_redis))]
#[doc(hidden)]
#[macro_export]
macro_rules! redis_test {
    ($name:ident, $run:path) => {
        $crate::one_test!($name, Sqlite, $run);
    };
}

/// One test with Redis.
#[cfg(no_redis)]
#[doc(hidden)]
#[macro_export]
macro_rules! redis_test {
    ($name:ident, $run:path) => {
        $crate::one_test!(
            #[ignore = "Redis is not installed"]
            $name,
            Sqlite,
            $run
        );
    };
}

/// Tests that a defect of the product turns a test of this binary red: `name: "mutant", "test";`. The tests are those on
/// PostgreSQL, with Redis beside it.
#[cfg(not(any(no_postgres, no_redis)))]
#[macro_export]
macro_rules! mutants {
    ($($name:ident: $mutant:literal, $test:literal;)+) => { $(
        #[tokio::test]
        async fn $name() {
            $crate::must_notice($test, $mutant).await;
        }
    )+ };
}

/// Without the tests that would notice there are none.
#[cfg(any(no_postgres, no_redis))]
#[macro_export]
macro_rules! mutants {
    ($($name:ident: $mutant:literal, $test:literal;)+) => { $(
        #[test]
        #[ignore = "PostgreSQL or Redis is not installed"]
        fn $name() {}
    )+ };
}

/// Runs each function on SQLite where Chromium can be had too.
#[macro_export]
macro_rules! on_chromium {
    ($($name:ident),* $(,)?) => { $( mod $name { $crate::chromium_test!(chromium, super::$name); } )* };
}

/// One test with Chromium.
#[cfg(not(no_chromium))]
#[doc(hidden)]
#[macro_export]
macro_rules! chromium_test {
    ($name:ident, $run:path) => {
        $crate::one_test!($name, Sqlite, $run);
    };
}

/// One test with Chromium.
#[cfg(no_chromium)]
#[doc(hidden)]
#[macro_export]
macro_rules! chromium_test {
    ($name:ident, $run:path) => {
        $crate::one_test!(
            #[ignore = "Chromium is not installed"]
            $name,
            Sqlite,
            $run
        );
    };
}
