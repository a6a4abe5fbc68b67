//! A fake server on this machine with given responses, which records its requests.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// A request of a plugin.
#[derive(Debug, Clone)]
pub struct Heard {
    /// `GET /path?query`.
    pub line: String,
    pub authorization: String,
    pub body: String,
}

/// A status and a body. `None` if the server never responds.
pub type Said = Option<(u16, String)>;

pub struct FakeServer {
    pub url: String,
    pub heard: Arc<Mutex<Vec<Heard>>>,
}

impl FakeServer {
    pub async fn start(answer: impl Fn(&Heard) -> Said + Clone + Send + Sync + 'static) -> Self {
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let kept = Arc::clone(&heard);
        let serve = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            let asked = Heard {
                line: format!("{method} {uri}"),
                authorization: authorization.unwrap_or_default(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let said = answer(&asked);
            kept.lock().unwrap().push(asked);
            match said {
                Some(said) => response(said),
                None => std::future::pending().await,
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        Self { url, heard }
    }

    /// A server that always gives the same response.
    pub async fn saying(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| Some((status, body.clone()))).await
    }

    /// Returns the requests in order.
    pub fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|heard| heard.line.clone()).collect()
    }
}

fn response((status, body): (u16, String)) -> Response {
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// A successful response.
pub fn good(body: &str) -> Said {
    Some((200, body.to_owned()))
}
