//! A `wasi:http/proxy` with one route for each thing that a server must carry.

use std::collections::HashMap;

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam,
    Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

wasip2::http::proxy::export!(Proxy);

struct Proxy;

const PIECE: u64 = 64 * 1024;

const HELP: &str = "/                        hello
/echo                    the request body, as it arrives
/upload                  the number of bytes in the request body
/stream?chunks=N&size=M  N chunks of M bytes
/proxy?url=URL           what a GET of URL answers
/headers                 method, path and headers of the request
/status?code=N           a response with this status
/cookies                 a response with two headers of one name
/trailers                a response with a trailer
/sleep?ms=N              hello after N milliseconds
/contradiction           fields that cannot go together
/trap                    traps before it answers
/trap-late               traps in mid-body
/silent                  returns and answers nothing
/wait                    waits and never answers
/spin                    computes and never answers
";

impl Guest for Proxy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = parse_query(query);
        let number = |name: &str, default: u64| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);

        match path {
            "/" => text(out, 200, b"Hello from Rust!\n"),
            "/help" => text(out, 200, HELP.as_bytes()),
            "/echo" => echo(request, out),
            "/upload" => upload(request, out),
            "/stream" => stream(out, number("chunks", 10), number("size", 1024)),
            "/proxy" => match query.get("url") {
                Some(url) => proxy(url, out),
                None => text(out, 400, b"give ?url=\n"),
            },
            "/headers" => headers(request, out),
            "/status" => match u16::try_from(number("code", 200)) {
                Ok(code @ 200..=599) => text(out, code, format!("status {code}\n").as_bytes()),
                _ => text(out, 400, b"give ?code=200..599\n"),
            },
            "/cookies" => cookies(out),
            "/trailers" => trailers(out),
            "/contradiction" => contradiction(out),
            "/sleep" => {
                monotonic_clock::subscribe_duration(number("ms", 100) * 1_000_000).block();
                text(out, 200, b"Hello after a while\n");
            }
            "/trap" => panic!("trapped as asked"),
            "/trap-late" => trap_late(out),
            "/silent" => {}
            "/wait" => loop {
                monotonic_clock::subscribe_duration(3_600_000_000_000).block();
            },
            "/spin" => loop {
                std::hint::spin_loop();
            },
            _ => text(out, 404, b"nothing here; see /help\n"),
        }
    }
}

/// Sends the head of a response and gives the body to write to.
fn respond(out: ResponseOutparam, status: u16, headers: &[(&str, &[u8])]) -> OutgoingBody {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value).expect("a valid header");
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    body
}

fn text(out: ResponseOutparam, status: u16, content: &[u8]) {
    let length = content.len().to_string();
    let headers: [(&str, &[u8]); 2] = [("content-type", b"text/plain"), ("content-length", length.as_bytes())];
    let body = respond(out, status, &headers);
    let stream = body.write().expect("a stream, once");
    for piece in content.chunks(4096) {
        // A client that went away is no reason to trap.
        if stream.blocking_write_and_flush(piece).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Copies until the source ends; false when either side broke off.
fn copy(from: &InputStream, to: &OutputStream) -> bool {
    loop {
        match to.blocking_splice(from, PIECE) {
            Ok(_) => {}
            Err(StreamError::Closed) => return true,
            Err(StreamError::LastOperationFailed(_)) => return false,
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let kind = request.headers().get("content-type").into_iter().next();
    let kind = kind.unwrap_or_else(|| b"application/octet-stream".to_vec());
    let incoming = request.consume().expect("a body, once");
    let from = incoming.stream().expect("a stream, once");
    let body = respond(out, 200, &[("content-type", &kind)]);
    let to = body.write().expect("a stream, once");
    copy(&from, &to);
    let _ = to.blocking_flush();
    drop((from, to));
    let _ = OutgoingBody::finish(body, None);
}

fn upload(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("a body, once");
    let from = incoming.stream().expect("a stream, once");
    let mut total = 0;
    let mut sum: u32 = 0;
    let complete = loop {
        match from.blocking_read(PIECE) {
            Ok(bytes) => {
                total += bytes.len();
                sum = bytes.iter().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
            }
            Err(StreamError::Closed) => break true,
            Err(StreamError::LastOperationFailed(_)) => break false,
        }
    };
    drop(from);
    let status = if complete { 200 } else { 400 };
    text(out, status, format!("{total} bytes, sum {sum:08x}\n").as_bytes());
}

fn stream(out: ResponseOutparam, chunks: u64, size: u64) {
    let body = respond(out, 200, &[("content-type", b"application/octet-stream")]);
    let to = body.write().expect("a stream, once");
    let piece: Vec<u8> = (0..size).map(|index| b'a' + (index % 26) as u8).collect();
    'all: for _ in 0..chunks {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            to.subscribe().block();
            let Ok(ready) = to.check_write() else { break 'all };
            let (now, later) = rest.split_at(rest.len().min(ready as usize));
            if to.write(now).is_err() {
                break 'all;
            }
            rest = later;
        }
    }
    let _ = to.blocking_flush();
    drop(to);
    let _ = OutgoingBody::finish(body, None);
}

fn proxy(url: &str, out: ResponseOutparam) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return text(out, 400, b"the url has no scheme\n");
    };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_string()),
    };
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_method(&Method::Get).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some(path)).is_ok();
    if !set {
        return text(out, 400, b"the url is not valid\n");
    }
    let future = match outgoing_handler::handle(request, None) {
        Ok(future) => future,
        Err(error) => return text(out, 502, format!("refused: {error:?}\n").as_bytes()),
    };
    future.subscribe().block();
    let answer = match future.get() {
        Some(Ok(Ok(answer))) => answer,
        Some(Ok(Err(error))) => return text(out, 502, format!("failed: {error:?}\n").as_bytes()),
        Some(Err(())) | None => unreachable!("the answer is ready, and taken once"),
    };
    let kind = answer.headers().get("content-type").into_iter().next().unwrap_or_default();
    let incoming = answer.consume().expect("a body, once");
    let from = incoming.stream().expect("a stream, once");
    let body = respond(out, answer.status(), &[("content-type", &kind)]);
    let to = body.write().expect("a stream, once");
    copy(&from, &to);
    let _ = to.blocking_flush();
    drop((from, to));
    drop(IncomingBody::finish(incoming));
    let _ = OutgoingBody::finish(body, None);
}

fn headers(request: IncomingRequest, out: ResponseOutparam) {
    let method = match request.method() {
        Method::Get => "GET".to_string(),
        Method::Head => "HEAD".to_string(),
        Method::Post => "POST".to_string(),
        Method::Put => "PUT".to_string(),
        Method::Delete => "DELETE".to_string(),
        Method::Connect => "CONNECT".to_string(),
        Method::Options => "OPTIONS".to_string(),
        Method::Trace => "TRACE".to_string(),
        Method::Patch => "PATCH".to_string(),
        Method::Other(name) => name,
    };
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http",
        Some(Scheme::Https) => "https",
        Some(Scheme::Other(_)) => "other",
        None => "none",
    };
    let mut lines = vec![
        format!("{method} {}", request.path_with_query().unwrap_or_default()),
        format!("scheme {scheme}"),
        format!("authority {}", request.authority().unwrap_or_default()),
    ];
    let mut entries = request.headers().entries();
    entries.sort();
    lines.extend(entries.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))));
    lines.push(String::new());
    text(out, 200, lines.join("\n").as_bytes());
}

fn cookies(out: ResponseOutparam) {
    let body = respond(out, 204, &[("set-cookie", b"a=1"), ("set-cookie", b"b=2")]);
    let _ = OutgoingBody::finish(body, None);
}

fn trailers(out: ResponseOutparam) {
    let body = respond(out, 200, &[("content-type", b"text/plain"), ("trailer", b"x-sum")]);
    let to = body.write().expect("a stream, once");
    let _ = to.blocking_write_and_flush(b"with a trailer\n");
    drop(to);
    let fields = Fields::from_list(&[("x-sum".to_string(), b"15".to_vec())]).expect("a valid trailer");
    let _ = OutgoingBody::finish(body, Some(fields));
}

fn contradiction(out: ResponseOutparam) {
    // HTTP/1.1 has trailers in chunked bodies only, HTTP/2 has one entity tag.
    let fields: [(&str, &[u8]); 4] = [("trailer", b"x"), ("content-length", b"0"), ("etag", b"a"), ("etag", b"b")];
    let _ = OutgoingBody::finish(respond(out, 200, &fields), None);
}

fn trap_late(out: ResponseOutparam) {
    let body = respond(out, 200, &[("content-type", b"text/plain")]);
    let to = body.write().expect("a stream, once");
    let _ = to.blocking_write_and_flush(b"so far so good\n");
    panic!("trapped in mid-body as asked");
}

fn parse_query(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// Undoes percent encoding; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = if bytes[at] == b'%' { text.get(at + 1..at + 3) } else { None };
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
