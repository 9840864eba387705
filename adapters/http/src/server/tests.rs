//! The server over real sockets, with clients that are slow, silent, greedy or gone.

mod events;
mod multiplexed;
mod unread;

use super::*;
use crate::{Services, testing::Ports};
use application::{MockBacklog, MockPersonRepository, PersonController, PersonRepository, Scheduler, Then};
use domain::{Page, Person, PersonId, PersonPosition, PersonQuery, Version};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, Semaphore as Gate},
    task::JoinHandle,
    time::timeout,
};

const PING: &str = "GET /mon/ping HTTP/1.1\r\nHost: a\r\n\r\n";
const LIST: &str = "GET /v1/persons HTTP/1.1\r\nHost: a\r\n\r\n";
/// For what must happen; nothing here waits so long unless it fails.
const SOON: Duration = Duration::from_secs(10);

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

impl Running {
    async fn with(persons: Arc<dyn PersonRepository>, change: impl FnOnce(&mut HttpConfig)) -> Self {
        let mut config = HttpConfig::default();
        change(&mut config);
        let mut services = Ports::default().services();
        services.persons = Arc::new(over(persons, &services));
        Self::serve(config, &services).await
    }

    async fn serve(config: HttpConfig, services: &Services) -> Self {
        let app = crate::public(&config, services);
        let server = Server::bind("127.0.0.1:0", app, &config).await.unwrap();
        let (address, stop) = (server.local_addr().unwrap(), CancellationToken::new());
        Self { address, done: tokio::spawn(server.run(stop.clone())), stop }
    }

    async fn start(change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::with(Arc::new(MockPersonRepository::new()), change).await
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn ended(self) {
        timeout(SOON, self.done).await.unwrap().unwrap();
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until `end`, or the end of the connection.
    async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&text).ends_with(end) || end.is_empty() {
            match timeout(SOON, self.0.read(&mut byte)).await.expect("the server neither answers nor closes")
            {
                Ok(1) => text.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8(text).unwrap()
    }

    /// Sends a request and reads as much of its answer as there is at once.
    async fn ask(&mut self, request: &str) -> String {
        self.send(request).await;
        let mut answer = vec![0; 4096];
        let length = timeout(SOON, self.0.read(&mut answer)).await.unwrap().unwrap();
        answer.truncate(length);
        String::from_utf8(answer).unwrap()
    }

    async fn is_closed(&mut self) {
        assert_eq!(self.until("").await, "");
    }
}

/// The use cases over a repository that is no mock.
fn over(persons: Arc<dyn PersonRepository>, services: &Services) -> PersonController {
    let (clock, ids) = (services.clock.clone(), services.ids.clone());
    let scheduler = Scheduler::new(clock.clone(), ids.clone(), Arc::new(MockBacklog::new()));
    PersonController::new(persons, services.tasks.clone(), Arc::new(scheduler), clock, ids)
}

/// Answers a list when it is told to.
struct Slow {
    asked: Notify,
    go: Gate,
    answered: AtomicBool,
}

impl Slow {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: Notify::new(), go: Gate::new(0), answered: AtomicBool::new(false) })
    }
}

#[async_trait::async_trait]
impl PersonRepository for Slow {
    async fn list(&self, _: &PersonQuery) -> Result<Page<Person, PersonPosition>, application::Error> {
        self.asked.notify_one();
        self.go.acquire().await.unwrap().forget();
        self.answered.store(true, Ordering::Relaxed);
        Ok(Page { items: vec![], next: None, prev: None })
    }

    async fn find(&self, _: PersonId) -> Result<Option<Person>, application::Error> {
        Ok(None)
    }

    async fn insert(&self, _: &Person, _: &Then) -> Result<(), application::Error> {
        Ok(())
    }

    async fn update(&self, _: &Person, _: Version, _: &Then) -> Result<(), application::Error> {
        Ok(())
    }

    async fn delete(&self, _: PersonId, _: Version, _: &Then) -> Result<(), application::Error> {
        Ok(())
    }
}

fn post(body_headers: &str) -> String {
    format!(
        "POST /v1/persons HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{body_headers}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_one_request_after_another() {
    let server = Running::start(|_| ()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(PING).await;
        assert!(client.until("pong").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    client.send([PING, PING].concat()).await;
    client.until("pong").await;
    assert!(client.until("pong").await.starts_with("HTTP/1.1 200 OK\r\n"), "pipelined");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = Running::start(|_| ()).await;
    let mut client = server.connect().await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await;
    let mut head = [0; 9];
    timeout(SOON, client.0.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_slow_headers_are_cut() {
    let server = Running::start(|config| config.timeouts.header = Duration::from_millis(100)).await;
    for start in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", "PRI * HTTP/2.0\r\n"] {
        let mut client = server.connect().await;
        client.send(start).await;
        client.until("").await;
    }
    let mut client = server.connect().await;
    client.send(PING).await;
    client.until("pong").await;
    client.send("GET / HT").await;
    client.until("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_longer_than_a_header_may_take_and_not_for_ever() {
    let server = Running::start(|config| {
        config.timeouts.header = Duration::from_millis(50);
        config.timeouts.idle = Duration::from_millis(400);
    })
    .await;
    let mut client = server.connect().await;
    client.send(PING).await;
    client.until("pong").await;
    assert!(timeout(Duration::from_millis(200), client.until("")).await.is_err(), "closed too early");
    client.send(PING).await;
    client.until("pong").await;
    client.is_closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_408() {
    let server = Running::start(|config| config.timeouts.body = Duration::from_millis(100)).await;
    let mut client = server.connect().await;
    client.send(post("Content-Length: 100")).await;
    client.send("{\"name\":").await;
    let answer = client.until("").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request-timeout"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_413_and_the_client_can_read_it() {
    let server = Running::start(|_| ()).await;
    let mut client = server.connect().await;
    client.send(post("Transfer-Encoding: chunked")).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    // Twice the limit, and a bit for what the kernel keeps: the answer must survive all of it.
    for _ in 0..40 {
        if client.0.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = client.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_declared_too_long_is_413_before_it_is_sent() {
    let server = Running::start(|_| ()).await;
    let mut client = server.connect().await;
    client.send(post("Content-Length: 1000000000\r\nExpect: 100-continue")).await;
    assert!(client.until("\r\n").await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hyper_cannot_read_gets_its_bare_400() {
    let server = Running::start(|_| ()).await;
    let mut client = server.connect().await;
    client.send("NONSENSE\r\n\r\n").await;
    assert!(client.until("").await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_no_more_connections_than_its_share() {
    let server = Running::start(|config| config.limits.connections_per_address = 1).await;
    let mut first = server.connect().await;
    first.send(PING).await;
    first.until("pong").await;
    server.connect().await.is_closed().await;
    let trusting = Running::start(|config| {
        config.limits.connections_per_address = 1;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut proxied = [trusting.connect().await, trusting.connect().await];
    for client in &mut proxied {
        client.send(PING).await;
        client.until("pong").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_stops_requests_under_way_are_answered_and_nothing_else_is_taken() {
    let slow = Slow::new();
    let server = Running::with(slow.clone(), |_| ()).await;
    let (mut resting, mut busy) = (server.connect().await, server.connect().await);
    resting.send(PING).await;
    resting.until("pong").await;
    busy.send(LIST).await;
    slow.asked.notified().await;
    server.stop.cancel();
    resting.is_closed().await;
    // The listener is closed by a task of its own, perhaps a moment later.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    slow.go.add_permits(1);
    assert!(busy.until("").await.ends_with("{\"objects\":[],\"next\":null,\"prev\":null}"));
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_whose_client_has_gone_is_waited_for() {
    let slow = Slow::new();
    let server = Running::with(slow.clone(), |_| ()).await;
    let mut client = server.connect().await;
    client.send(LIST).await;
    slow.asked.notified().await;
    drop(client);
    server.stop.cancel();
    slow.go.add_permits(1);
    server.ended().await;
    assert!(slow.answered.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_comes_at_the_deadline_whoever_is_not_done() {
    let slow = Slow::new();
    let server =
        Running::with(slow.clone(), |config| config.timeouts.shutdown = Duration::from_millis(100)).await;
    let mut client = server.connect().await;
    client.send(LIST).await;
    slow.asked.notified().await;
    server.stop.cancel();
    client.is_closed().await;
    server.ended().await;
}
