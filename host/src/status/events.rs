//! Streams the state to a page as server-sent events: immediately, and then whenever it changes. Sends a comment if
//! nothing changes for a while, so that connections to clients that have disappeared fail and end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use cordboard_core::types::SessionName;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Response,
    body::{Bytes, Frame},
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep},
};

use super::state::{PageState, StateReader};
use crate::http_server::Body;

/// The interval at which values without change notifications, such as memory usage and call counts, are read.
const REFRESH: Duration = Duration::from_secs(2);

/// The minimum interval between two events. A session that streams an answer changes many times a second.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

/// The time without an event after which a comment is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub struct EventStream {
    state: Arc<StateReader>,
    session: Option<SessionName>,
    sessions_changed: watch::Receiver<u64>,
    plugins_changed: watch::Receiver<u64>,
    closed: watch::Receiver<()>,
    /// The last state sent, and the time of the last event or comment.
    sent: Option<(PageState, Instant)>,
}

impl EventStream {
    pub fn new(state: Arc<StateReader>, session: Option<SessionName>, closed: watch::Receiver<()>) -> Self {
        let (sessions_changed, plugins_changed) = state.changes();
        Self { state, session, sessions_changed, plugins_changed, closed, sent: None }
    }

    /// Returns the response. The permit is held until the stream ends.
    pub fn response(self, permit: OwnedSemaphorePermit) -> Response<Body> {
        let events = stream::unfold((self, permit), |(mut events, permit)| async move {
            let event = events.next().await?;
            Some((Ok::<_, Infallible>(Frame::data(event)), (events, permit)))
        });
        let mut response = Response::new(StreamBody::new(events).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    }

    /// Returns the next event, or `None` when the listener is closed.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.sent.is_some() {
                tokio::select! {
                    biased;
                    _ = self.closed.changed() => return None,
                    () = sleep(REFRESH) => {}
                    Ok(()) = self.sessions_changed.changed() => sleep(MIN_INTERVAL).await,
                    Ok(()) = self.plugins_changed.changed() => sleep(MIN_INTERVAL).await,
                }
            }
            let previous = self.sent.as_ref().map(|(state, _)| state);
            let state = self.state.page(self.session.as_ref(), previous).await;
            let now = Instant::now();
            match &mut self.sent {
                Some((sent, at)) if *sent == state => {
                    if now >= *at + KEEP_ALIVE {
                        *at = now;
                        return Some(Bytes::from_static(b": still open\n\n"));
                    }
                }
                sent => {
                    let event = state.event(self.state.now());
                    *sent = Some((state, now));
                    return Some(event);
                }
            }
        }
    }
}
