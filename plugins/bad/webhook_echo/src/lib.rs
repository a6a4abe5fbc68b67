//! For tests: a webhook that responds with the request text. On some paths, it misbehaves, for example by trapping or
//! returning an invalid response.

use cordboard_plugin::{
    Webhook,
    webhook::{Request, Response},
};

struct WebhookEcho;

impl Webhook for WebhookEcho {
    fn receive(request: Request) -> Result<Response, String> {
        match request.path.as_str() {
            "/trap" => panic!("the handler panicked"),
            "/sorry" => Err("the key is at /home/ada".to_owned()),
            "/odd" => {
                let headers =
                    [("x-fine", "yes"), ("transfer-encoding", "chunked"), ("bad name", "x"), ("x-split", "a\r\nb: c")];
                let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
                Ok(Response { status: 42, headers, body: b"odd".to_vec() })
            }
            "/big" => Ok(Response { status: 200, headers: Vec::new(), body: vec![b'x'; 1 << 20] }),
            "/spin" => loop {
                std::hint::spin_loop();
            },
            "/sleep" => loop {
                std::thread::sleep(std::time::Duration::from_secs(1));
            },
            _ => Ok(Response::text(200, &request_text(&request))),
        }
    }
}

fn request_text(request: &Request) -> String {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {} ?{}\n{}\n{body}", request.method, request.path, request.query, headers.join("\n"))
}

cordboard_plugin::export!(WebhookEcho: webhook);
