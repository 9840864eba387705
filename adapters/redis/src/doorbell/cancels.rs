//! The channel of cancels, on a connection of its own: a connection that has subscribed can do nothing else.

use super::{backoff::Backoff, bell::RECONNECT, channel_of, link::Part};
use crate::Redis;
use domain::TaskId;
use futures_util::StreamExt;
use redis::{
    Msg,
    aio::{PubSubSink, PubSubStream},
};
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use uuid::Uuid;

/// A channel may be silent for days; whether the server is still there has to be asked.
const ASK: Duration = Duration::from_secs(5);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Tells `heard` of every cancel, until it is aborted.
pub(super) async fn follow(redis: Redis, part: Part, heard: mpsc::Sender<TaskId>) {
    let mut backoff = Backoff::new(RECONNECT.0, RECONNECT.1);
    loop {
        let failed = match subscribe(&redis).await {
            Ok((sink, messages)) => {
                part.up();
                relay(&redis, sink, messages, &heard, &mut backoff).await
            }
            Err(failed) => failed,
        };
        part.down(&failed);
        sleep(backoff.failed()).await;
    }
}

async fn subscribe(redis: &Redis) -> Result<(PubSubSink, PubSubStream), Failure> {
    let limit = redis.config().connect_timeout;
    let subscribing = async {
        let mut connection = redis.client().get_async_pubsub().await?;
        connection.subscribe(channel_of(redis.config())).await?;
        Ok(connection.split())
    };
    timeout(limit, subscribing).await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}").into()))
}

/// Until the connection fails: why.
async fn relay(
    redis: &Redis,
    mut sink: PubSubSink,
    mut messages: PubSubStream,
    heard: &mpsc::Sender<TaskId>,
    backoff: &mut Backoff,
) -> Failure {
    let mut asking = interval(ASK);
    asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => {
                    // One that finds no room is lost: who is so far behind hears of it with its next renewal.
                    task(&message).map(|task| heard.try_send(task));
                }
                None => return "the connection was closed".into(),
            },
            _ = asking.tick() => {
                match timeout(redis.config().connect_timeout, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => backoff.succeeded(),
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return "the server does not answer".into(),
                }
            }
        }
    }
}

/// `None` for what somebody else has published.
fn task(message: &Msg) -> Option<TaskId> {
    Uuid::try_parse_ascii(message.get_payload_bytes()).ok().map(TaskId)
}
