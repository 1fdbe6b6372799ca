//! What orchestrators and Prometheus ask: `/livez`, `/readyz` and `/metrics`.

use std::fmt::Write;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Connections that are served at once; more wait in the system's queue until one leaves.
pub const MAX_CONNECTIONS: usize = 64;
/// How long a connection may take for the head of a request, or be idle before one.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long a connection is closed once its request is answered, whatever it does.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_secs(120);
/// How long a connection that is closed so has for taking its last answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a request's head.
pub const MAX_HEADER_BYTES: usize = 16 << 10;
/// Headers of a request.
pub const MAX_HEADERS: usize = 64;

/// The text format that Prometheus has asked for since 2014.
const METRICS_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What `/readyz` tells. Set by the control thread, read by anyone.
#[derive(Debug)]
pub struct Status {
    driver: String,
    draining: AtomicBool,
    /// `None` without an upstream.
    upstream: Option<ArcSwap<Upstream>>,
}

/// What was last seen of the upstream.
#[derive(Debug)]
struct Upstream {
    /// `None` until it was asked.
    reachable: Option<Result<(), String>>,
    since: Instant,
}

impl Status {
    /// For a respool with its in-memory driver.
    pub fn memory() -> Self {
        Status { driver: "memory".into(), draining: AtomicBool::new(false), upstream: None }
    }

    /// For a respool in front of `address`, which is shown and must hold no secret. Not ready until
    /// [`Status::set_upstream`] says so.
    pub fn upstream(address: impl std::fmt::Display) -> Self {
        let unknown = Upstream { reachable: None, since: Instant::now() };
        Status {
            driver: format!("upstream {address}"),
            draining: AtomicBool::new(false),
            upstream: Some(ArcSwap::from_pointee(unknown)),
        }
    }

    /// respool stops: no new clients, please.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// True after [`Status::set_draining`].
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// What asking the upstream has shown; the reason is what an operator reads. One caller only.
    pub fn set_upstream(&self, reachable: Result<(), String>) {
        let Some(upstream) = &self.upstream else { return };
        let last = upstream.load();
        let changed = last.reachable.as_ref().map(Result::is_ok) != Some(reachable.is_ok());
        let since = if changed { Instant::now() } else { last.since };
        upstream.store(Arc::new(Upstream { reachable: Some(reachable), since }));
    }

    /// True if new clients can be served.
    pub fn is_ready(&self) -> bool {
        !self.is_draining()
            && self.upstream.as_ref().is_none_or(|upstream| matches!(upstream.load().reachable, Some(Ok(()))))
    }

    /// What `/readyz` answers: the checks that fail, or all of them.
    fn describe(&self, verbose: bool) -> String {
        let mut text = String::new();
        let mut check = |good: bool, name: &str, reason: &str| {
            if verbose || !good {
                let mark = if good { '+' } else { '-' };
                // A String takes everything.
                let _ = writeln!(text, "[{mark}] {name}: {reason}");
            }
        };
        check(true, "driver", &self.driver);
        let draining = self.is_draining();
        check(!draining, "draining", if draining { "yes, respool stops" } else { "no" });
        if let Some(upstream) = &self.upstream {
            let upstream = upstream.load();
            let seconds = upstream.since.elapsed().as_secs();
            match &upstream.reachable {
                None => check(false, "upstream", &format!("not asked yet, for {seconds} s")),
                Some(Ok(())) => check(true, "upstream", &format!("reachable for {seconds} s")),
                Some(Err(reason)) => check(false, "upstream", &format!("not reachable for {seconds} s: {reason}")),
            }
        }
        text.push_str(if self.is_ready() { "ready\n" } else { "not ready\n" });
        text
    }
}

/// Makes the text of `/metrics`.
pub type Render = dyn Fn() -> String + Send + Sync;

/// Answers HTTP until it is dropped; needs a tokio runtime, on whose thread `render` is called.
pub async fn serve(listener: TcpListener, status: Arc<Status>, render: Arc<Render>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                accept_failed(&error).await;
                continue;
            }
        };
        let (status, render) = (status.clone(), render.clone());
        tokio::spawn(async move {
            serve_connection(socket, &status, &render).await;
            drop(place);
        });
    }
}

/// The client's own fault is no reason to wait; the system's (no more files) would come again at once.
async fn accept_failed(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::warn!("can't accept an HTTP connection: {error}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn serve_connection(socket: TcpStream, status: &Status, render: &Arc<Render>) {
    let service = service_fn(|request| {
        let response = answer(&request, status, &**render);
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(socket), service)
    );
    // What goes wrong on a connection is the client's business; respool has nothing to do about it.
    if timeout(MAX_CONNECTION_AGE, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(CLOSE_TIMEOUT, connection).await;
    }
}

fn answer(request: &Request<Incoming>, status: &Status, render: &Render) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !matches!(path, "/livez" | "/readyz" | "/metrics") {
        return text(StatusCode::NOT_FOUND, "not found; there are /livez, /readyz and /metrics\n");
    }
    // hyper leaves the body of an answer to HEAD out.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/livez" => text(StatusCode::OK, "ok"),
        "/readyz" => {
            let code = if status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            text(code, status.describe(is_verbose(request.uri().query())))
        }
        _ => {
            let mut response = text(StatusCode::OK, render());
            response.headers_mut().insert(CONTENT_TYPE, METRICS_TYPE);
            response
        }
    }
}

/// True for `?verbose`, with or without a value, as Kubernetes has it.
fn is_verbose(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")))
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, TEXT_TYPE);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(status: Status) -> (SocketAddr, Arc<Status>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let status = Arc::new(status);
        tokio::spawn(serve(listener, status.clone(), Arc::new(|| "respool_clients 3\n".into())));
        (address, status)
    }

    /// Sends bytes, and reads until the server closes.
    async fn talk(address: SocketAddr, request: &str) -> String {
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        socket.write_all(request.as_bytes()).await.expect("a request is taken");
        let mut answer = Vec::new();
        // A server that closes before it has read everything may reset.
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("UTF-8")
    }

    /// Status code, head and body.
    async fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
        let answer = talk(address, &format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
        (code, head.to_ascii_lowercase(), body.to_owned())
    }

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let (code, _, body) = ask(address, "GET", path).await;
        (code, body)
    }

    #[tokio::test]
    async fn paths_and_methods() {
        let (address, _) = start(Status::memory()).await;
        assert_eq!(get(address, "/livez").await, (200, "ok".into()));
        assert_eq!(get(address, "/livez?verbose").await, (200, "ok".into()));
        assert_eq!(get(address, "/readyz").await, (200, "ready\n".into()));
        assert_eq!(get(address, "/readyz/").await.0, 404);
        assert_eq!(get(address, "/").await.0, 404);
        assert_eq!(ask(address, "POST", "/nothing").await.0, 404);

        let (code, head, body) = ask(address, "GET", "/metrics").await;
        assert_eq!((code, body.as_str()), (200, "respool_clients 3\n"));
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");

        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let (code, head, _) = ask(address, method, "/metrics").await;
            assert_eq!(code, 405, "{method}");
            assert!(head.contains("allow: get, head"), "{head}");
        }
        let (code, head, body) = ask(address, "HEAD", "/livez").await;
        assert_eq!((code, body.as_str()), (200, ""));
        assert!(head.contains("content-length: 2"), "{head}");
    }

    #[tokio::test]
    async fn a_memory_driver_is_ready_until_it_drains() {
        let (address, status) = start(Status::memory()).await;
        assert_eq!(
            get(address, "/readyz?verbose").await,
            (200, "[+] driver: memory\n[+] draining: no\nready\n".into())
        );
        status.set_upstream(Err("there is none".into()));
        assert!(status.is_ready(), "there is no upstream to depend on");

        status.set_draining();
        assert_eq!(get(address, "/readyz").await, (503, "[-] draining: yes, respool stops\nnot ready\n".into()));
        assert_eq!(
            get(address, "/readyz?verbose=1").await,
            (503, "[+] driver: memory\n[-] draining: yes, respool stops\nnot ready\n".into())
        );
        assert_eq!(get(address, "/livez").await.0, 200);
    }

    #[tokio::test]
    async fn an_upstream_decides() {
        let (address, status) = start(Status::upstream("redis://host:6379/0")).await;
        assert_eq!(get(address, "/readyz").await, (503, "[-] upstream: not asked yet, for 0 s\nnot ready\n".into()));
        status.set_upstream(Ok(()));
        assert_eq!(get(address, "/readyz").await, (200, "ready\n".into()));
        assert_eq!(
            get(address, "/readyz?x&verbose").await,
            (
                200,
                "[+] driver: upstream redis://host:6379/0\n[+] draining: no\n[+] upstream: reachable for 0 s\nready\n"
                    .into()
            )
        );
        status.set_upstream(Err("connection refused".into()));
        assert_eq!(
            get(address, "/readyz").await,
            (503, "[-] upstream: not reachable for 0 s: connection refused\nnot ready\n".into())
        );
        assert_eq!(get(address, "/livez").await, (200, "ok".into()));
        status.set_upstream(Ok(()));
        assert_eq!(get(address, "/readyz").await.0, 200);
    }

    #[test]
    fn since_when_counts_from_the_change() {
        let status = Status::upstream("x");
        let since = |status: &Status| status.upstream.as_ref().expect("an upstream").load().since;
        status.set_upstream(Err("a".into()));
        let failed = since(&status);
        std::thread::sleep(Duration::from_millis(2));
        status.set_upstream(Err("b".into()));
        assert_eq!(since(&status), failed, "another reason is no change");
        assert!(status.describe(false).contains(": b"));
        status.set_upstream(Ok(()));
        assert!(since(&status) > failed);
    }

    #[tokio::test]
    async fn a_connection_is_kept() {
        let (address, _) = start(Status::memory()).await;
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        for _ in 0..3 {
            socket.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request is taken");
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\nok") {
                assert_ne!(socket.read_buf(&mut answer).await.expect("an answer"), 0, "closed");
            }
        }
    }

    #[tokio::test]
    async fn bad_requests_are_refused() {
        let (address, _) = start(Status::memory()).await;
        let answer = talk(address, "PING\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let answer = talk(address, "*1\r\n$4\r\nPING\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

        let many: String = (0..=MAX_HEADERS).map(|number| format!("x-{number}: y\r\n")).collect();
        let answer = talk(address, &format!("GET /livez HTTP/1.1\r\n{many}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

        let long = "y".repeat(MAX_HEADER_BYTES);
        let answer = talk(address, &format!("GET /livez HTTP/1.1\r\nx: {long}\r\n\r\n")).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        let answer = talk(address, &format!("GET /{long} HTTP/1.1\r\n\r\n")).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        assert_eq!(get(address, "/livez").await.0, 200, "others are served on");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_and_idle_connections_are_closed() {
        let (address, _) = start(Status::memory()).await;
        for sent in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let begin = tokio::time::Instant::now();
            let answer = talk(address, sent).await;
            let waited = begin.elapsed();
            assert!(waited >= HEADER_TIMEOUT && waited < 2 * HEADER_TIMEOUT, "{sent:?}: {waited:?}, {answer:?}");
        }
    }

    #[tokio::test]
    async fn connections_are_bounded() {
        let (address, _) = start(Status::memory()).await;
        let mut held = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            let mut socket = TcpStream::connect(address).await.expect("a connection");
            socket.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request is taken");
            let mut answer = Vec::new();
            while !answer.ends_with(b"ok") {
                socket.read_buf(&mut answer).await.expect("an answer");
            }
            held.push(socket);
        }
        let mut waiting = Box::pin(get(address, "/livez"));
        assert!(timeout(Duration::from_millis(100), &mut waiting).await.is_err(), "one more waits");
        held.pop();
        let answer = timeout(Duration::from_secs(5), waiting).await.expect("served when another has left");
        assert_eq!(answer.0, 200);
    }
}
