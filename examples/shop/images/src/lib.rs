//! Images at `/images/NAME`: PUT keeps one, GET gives it, DELETE removes it. Neither way is one whole in memory.

wit_bindgen::generate!({ path: "../wit", world: "image-store", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::blobstore::blobstore::{self, Container};
use wasi::blobstore::types::{IncomingValue, OutgoingValue};
use wasi::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

const CONTAINER: &str = "images";
const PIECE: u64 = 65_536;

struct Images;

impl Guest for Images {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let name = path.strip_prefix("/images/").unwrap_or_default().to_string();
        if name.is_empty() {
            return text(out, 404, "no image is called nothing");
        }
        match request.method() {
            Method::Put => match keep(&name, request) {
                Ok(()) => text(out, 201, "kept"),
                Err(error) => text(out, 500, &error),
            },
            Method::Get => match find(&name) {
                Ok(stream) => send(out, &stream),
                Err(error) => text(out, 404, &error),
            },
            Method::Delete => match container().and_then(|images| images.delete_object(&name)) {
                Ok(()) => text(out, 200, "removed"),
                Err(error) => text(out, 404, &error),
            },
            _ => text(out, 405, "GET, PUT and DELETE are answered here"),
        }
    }
}

fn container() -> Result<Container, String> {
    let name = CONTAINER.to_string();
    if blobstore::container_exists(&name)? {
        return blobstore::get_container(&name);
    }
    // Another instance may be first.
    blobstore::create_container(&name).or_else(|_| blobstore::get_container(&name))
}

/// Nothing is kept of a body that breaks off.
fn keep(name: &str, request: IncomingRequest) -> Result<(), String> {
    let taken = |()| "the body was taken".to_string();
    let images = container()?;
    let incoming = request.consume().map_err(taken)?;
    let from = incoming.stream().map_err(taken)?;
    let value = OutgoingValue::new_outgoing_value();
    let to = value.outgoing_value_write_body().map_err(taken)?;
    images.write_data(&name.to_string(), &value)?;
    copy(&from, &to)?;
    drop(to);
    OutgoingValue::finish(value)
}

fn find(name: &str) -> Result<InputStream, String> {
    let value = container()?.get_data(&name.to_string(), 0, u64::MAX)?;
    IncomingValue::incoming_value_consume_async(value)
}

fn copy(from: &InputStream, to: &OutputStream) -> Result<(), String> {
    loop {
        match to.blocking_splice(from, PIECE) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

fn respond(out: ResponseOutparam, status: u16, kind: &str) -> OutgoingBody {
    let fields = Fields::from_list(&[("content-type".to_string(), kind.as_bytes().to_vec())]).expect("a valid header");
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    body
}

/// A client that goes away is no reason to trap.
fn send(out: ResponseOutparam, from: &InputStream) {
    let body = respond(out, 200, "application/octet-stream");
    let to = body.write().expect("a stream, once");
    let whole = copy(from, &to).is_ok() && to.blocking_flush().is_ok();
    drop(to);
    // A body that is dropped and not finished breaks off: the client sees that something is missing.
    if whole {
        let _ = OutgoingBody::finish(body, None);
    }
}

fn text(out: ResponseOutparam, status: u16, message: &str) {
    let body = respond(out, status, "text/plain; charset=utf-8");
    let to = body.write().expect("a stream, once");
    let _ = to.blocking_write_and_flush(format!("{message}\n").as_bytes());
    drop(to);
    let _ = OutgoingBody::finish(body, None);
}

export!(Images);
