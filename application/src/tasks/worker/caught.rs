//! Code of kinds, run so that its panics are answers: in decoding, at work, and in being dropped.

use futures_util::future::BoxFuture;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// What a panic said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panic(pub(super) String);

/// What `code` answers. Whatever it was working on when it panicked is not looked at again.
pub(super) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(code)).map_err(message)
}

/// A future that is dropped when it panics.
pub(super) struct Caught<T> {
    future: Option<BoxFuture<'static, T>>,
}

impl<T> Caught<T> {
    /// Around `future`.
    pub(super) fn new(future: BoxFuture<'static, T>) -> Self {
        Self { future: Some(future) }
    }

    /// Drops what is left of the future; what that said, if it panicked.
    pub(super) fn discard(&mut self) -> Option<Panic> {
        let future = self.future.take();
        caught(move || drop(future)).err()
    }
}

impl<T> Future for Caught<T> {
    type Output = Result<T, Panic>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.future.as_mut() else { return Poll::Pending };
        let answer = match caught(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(answer)) => Ok(answer),
            Err(panic) => Err(panic),
        };
        // The first panic is the cause, a second one its consequence.
        Poll::Ready(match (answer, self.discard()) {
            (Ok(_), Some(panic)) => Err(panic),
            (answer, _) => answer,
        })
    }
}

impl<T> Drop for Caught<T> {
    fn drop(&mut self) {
        let _ = self.discard();
    }
}

fn message(payload: Box<dyn Any + Send>) -> Panic {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // A payload whose drop panics has a payload of its own, and so on: the second one is left where it is.
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
    Panic(text.unwrap_or_else(|| "a panic without words".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::panic::panic_any;

    struct Grenade(&'static str);

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("{} goes off", self.0);
        }
    }

    /// What comes of `code` once it is polled.
    async fn panicking(code: impl FnOnce() + Send + 'static) -> Result<(), Panic> {
        Caught::new(async move { code() }.boxed()).await
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        assert_eq!(panicking(|| panic!("no {}", 7)).await, Err(Panic("no 7".to_owned())));
        assert_eq!(panicking(|| panic_any(7)).await, Err(Panic("a panic without words".to_owned())));
        assert_eq!(Caught::new(async { 7 }.boxed()).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_in_being_dropped_is_an_answer_too() {
        let grenade = Grenade("it");
        let mut pending = Caught::new(
            async move {
                std::future::pending::<()>().await;
                drop(grenade);
            }
            .boxed(),
        );
        assert_eq!((&mut pending).now_or_never(), None);
        assert_eq!(pending.discard(), Some(Panic("it goes off".to_owned())));
        assert_eq!(pending.discard(), None, "there is nothing left");
    }

    #[tokio::test]
    async fn a_payload_may_panic_as_well() {
        let panicked = panicking(|| panic_any(Grenade("the payload"))).await;
        assert_eq!(panicked, Err(Panic("a panic without words".to_owned())));
    }
}
