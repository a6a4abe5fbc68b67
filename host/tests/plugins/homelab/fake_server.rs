//! A fake local HTTP server that returns predefined responses and records requests.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// A request from a plugin.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The method, path and query, such as `GET /path?query`.
    pub line: String,
    pub authorization: String,
    pub body: String,
}

/// A status and a body, or `None` if the server never responds.
pub type FakeResponse = Option<(u16, String)>;

pub struct FakeServer {
    pub url: String,
    pub requests: Arc<Mutex<Vec<RecordedRequest>>>,
}

impl FakeServer {
    pub async fn start(answer: impl Fn(&RecordedRequest) -> FakeResponse + Clone + Send + Sync + 'static) -> Self {
        let requests = Arc::<Mutex<Vec<RecordedRequest>>>::default();
        let recorded = Arc::clone(&requests);
        let serve = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            let request = RecordedRequest {
                line: format!("{method} {uri}"),
                authorization: authorization.unwrap_or_default(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let answer = answer(&request);
            recorded.lock().unwrap().push(request);
            match answer {
                Some(answer) => response(answer),
                None => std::future::pending().await,
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        Self { url, requests }
    }

    /// Starts a server that always returns the same response.
    pub async fn responding(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| Some((status, body.clone()))).await
    }

    /// Returns the request lines, in order.
    pub fn lines(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| request.line.clone()).collect()
    }
}

fn response((status, body): (u16, String)) -> Response {
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// Returns a successful response.
pub fn good(body: &str) -> FakeResponse {
    Some((200, body.to_owned()))
}
