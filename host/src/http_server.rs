//! A small HTTP/1 server for requests from this machine, such as those of a reverse proxy, and from other machines if
//! the operator allows them. It limits the number of connections, the size of request heads and the time that each
//! request may take; [`read_body`] limits the size of bodies. Everything else is up to its handler.

mod log_limiter;
mod request_error;

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_core::messages;
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Incoming},
    header::CONTENT_LENGTH,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

pub use log_limiter::LogLimiter;
pub use request_error::{RequestError, text_response};

/// The maximum number of headers in a request, far more than webhook senders use.
const HEADERS: usize = 64;

/// The maximum size of a request's head in bytes, far more than webhook senders use.
const HEAD_BYTES: usize = 16 << 10;

/// The timeout for receiving a request's head. Webhook senders are programs, which have the whole request ready before
/// they connect.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for receiving a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after a failed accept: the process may be out of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// The body of a response: the complete bytes, or a stream of them.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Converts a response whose body is complete.
#[must_use]
pub fn complete(response: Response<Full<Bytes>>) -> Response<Body> {
    response.map(BodyExt::boxed_unsync)
}

/// Answers requests. If the client disconnects, the server drops the future that computes the answer.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body>;
}

/// The limits on a server's connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// The maximum number of connections. Each may hold one body in memory; additional connections wait to be accepted.
    pub count: usize,
    /// The timeout for a connection, including the time that the handler takes.
    pub timeout: Duration,
}

/// Accepts connections until its task is aborted. Connections accepted before that continue.
pub async fn serve(listener: TcpListener, handler: Arc<dyn Handler>, limits: ConnectionLimits) -> Infallible {
    let room = Arc::new(Semaphore::new(limits.count));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(Arc::clone(&handler), stream, limits.timeout, permit))),
            Err(error) => {
                tracing::warn!(error = messages::system_error(error), "failed to accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(handler: Arc<dyn Handler>, stream: TcpStream, timeout: Duration, _permit: OwnedSemaphorePermit) {
    serve_connection(handler, stream, timeout).await;
}

/// Serves the single request of a connection.
pub async fn serve_connection(
    handler: Arc<dyn Handler>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    timeout: Duration,
) {
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    // Allow only one request per connection, so that idle connections don't occupy slots.
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
    http.max_headers(HEADERS).max_buf_size(HEAD_BYTES);
    let mut serving = http.serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(timeout, &mut serving).await {
        Ok(Ok(())) => {}
        // There is no complete request that hyper could respond to, so the response is written directly to the
        // connection.
        Ok(Err(error)) if error.is_timeout() => {
            request_error::write(&RequestError::HeadTooSlow, serving.into_parts().io.into_inner()).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a connection failed"),
        Err(_) => tracing::debug!("closing a connection after its time limit"),
    }
}

/// Reads the whole body, at most `limit` bytes. A request with a larger content length is rejected without reading its
/// body.
///
/// # Errors
/// The body is larger than the limit, incomplete, or arrives too slowly.
pub async fn read_body(body: Incoming, headers: &HeaderMap, limit: u64) -> Result<Bytes, RequestError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(RequestError::TooLarge(limit));
    }
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await.map_err(|_| RequestError::BodyTooSlow)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(RequestError::TooLarge(limit)),
        Err(_) => Err(RequestError::Incomplete),
    }
}
