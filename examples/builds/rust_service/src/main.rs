//! Greet over HTTP, on port 8000 or PORT.

use tiny_http::{Response, Server};

fn greeting(path: &str) -> String {
    format!("hello {}", path.trim_matches('/'))
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("hello {}", env!("CARGO_PKG_VERSION"));
        return;
    }
    let port = std::env::var("PORT").unwrap_or_else(|_| "8000".into());
    let server = Server::http(format!("0.0.0.0:{port}")).expect("cannot listen");
    for request in server.incoming_requests() {
        let answer = greeting(request.url());
        let _ = request.respond(Response::from_string(answer));
    }
}
