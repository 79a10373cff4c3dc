//! `wasi:http` at 0.2.4 as a client knows it: fields, messages, bodies, options, and requests to a server on this machine, of which the
//! first argument is the authority. Its second argument is one at which nobody listens.

#[path = "../../check.rs"]
mod check;

use std::fmt::Debug;

use check::{check, check_value};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, RequestOptions, Scheme, http_error_code,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

fn done<T, E: Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{error:?}"),
    }
}

fn header<T>(result: Result<T, HeaderError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(HeaderError::InvalidSyntax) => "invalid-syntax",
        Err(HeaderError::Forbidden) => "forbidden",
        Err(HeaderError::Immutable) => "immutable",
    }
}

fn strings(values: Vec<Vec<u8>>) -> Vec<String> {
    values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

fn entries(fields: &Fields) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        fields.entries().into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())).collect();
    all.sort();
    all
}

fn main() {
    let mut args = std::env::args().skip(1);
    let authority = args.next().expect("authority");
    let nobody = args.next().expect("authority of nobody");
    fields();
    forbidden();
    requests();
    responses();
    options();
    talking(&authority);
    failing(&authority, &nobody);
}

fn fields() {
    let fields = Fields::new();
    check_value("fields, empty", entries(&fields));
    check("append", header(fields.append("X-One", b"1")));
    check("append, the same", header(fields.append("x-one", b"2")));
    check("set", header(fields.set("x-two", &[b"a".to_vec(), b"b".to_vec()])));
    check_value("get", strings(fields.get("x-one")));
    check_value("get, other case", strings(fields.get("X-TWO")));
    check_value("get, absent", strings(fields.get("x-three")));
    check_value("get, no name", strings(fields.get("x three")));
    check_value("has", fields.has("X-One"));
    check_value("has, absent", fields.has("x-three"));
    check_value("has, no name", fields.has(""));
    check_value("entries, names in lower case", entries(&fields).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect::<Vec<_>>());
    let copy = fields.clone();
    check("set, replaced", header(fields.set("x-one", &[b"3".to_vec()])));
    check_value("get, replaced", strings(fields.get("x-one")));
    check_value("clone is its own", strings(copy.get("x-one")));
    check("set to nothing", header(fields.set("x-one", &[])));
    check_value("has, set to nothing", fields.has("x-one"));
    check("delete", header(fields.delete("x-two")));
    check("delete, absent", header(fields.delete("x-two")));
    check("delete, no name", header(fields.delete("x two")));
    check_value("entries, deleted", entries(&fields));
    for (name, value) in [
        ("", "value"),
        ("a b", "value"),
        ("a:b", "value"),
        ("näme", "value"),
        ("name\r\n", "value"),
        ("name", "a\r\nb: c"),
        ("name", "a\nb"),
        ("name", "a\0b"),
        ("name", "tab\tinside"),
        ("name", ""),
        ("name", "naïve"),
        ("name", "\x7f"),
        ("!#$%&'*+-.^_`|~", "value"),
    ] {
        check(&format!("append {name:?} {value:?}"), header(Fields::new().append(name, value.as_bytes())));
        check(&format!("set {name:?} {value:?}"), header(Fields::new().set(name, &[value.as_bytes().to_vec()])));
        let list = [(name.to_string(), value.as_bytes().to_vec())];
        check(&format!("from-list {name:?} {value:?}"), header(Fields::from_list(&list)));
    }
    let list = [("a".to_string(), b"1".to_vec()), ("b".to_string(), b"2".to_vec()), ("a".to_string(), b"3".to_vec())];
    check_value("from-list", Fields::from_list(&list).map(|fields| (strings(fields.get("a")), strings(fields.get("b")))).ok());
    check("append bytes that are no text", header(Fields::new().append("name", &[0x80, 0xff])));
}

fn forbidden() {
    for name in [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host", "http2-settings", "te",
        "trailer", "proxy-authenticate", "proxy-authorization", "content-length", "expect", "authorization", "cookie",
    ] {
        check(&format!("append {name}"), header(Fields::new().append(name, b"1")));
        check(&format!("from-list {name}"), header(Fields::from_list(&[(name.to_string(), b"1".to_vec())])));
    }
}

fn requests() {
    let headers = Fields::from_list(&[("x-one".to_string(), b"1".to_vec())]).expect("fields");
    let request = OutgoingRequest::new(headers);
    check_value("request, method", request.method());
    check_value("request, path", request.path_with_query());
    check_value("request, scheme", request.scheme());
    check_value("request, authority", request.authority());
    check_value("request, headers", entries(&request.headers()));
    check("request, headers are immutable", header(request.headers().append("x-two", b"2")));
    check("request, headers are immutable, set", header(request.headers().set("x-two", &[b"2".to_vec()])));
    check("request, headers are immutable, delete", header(request.headers().delete("x-one")));
    check("request, clone of its headers", header(request.headers().clone().append("x-two", b"2")));
    for method in [
        Method::Head, Method::Post, Method::Put, Method::Delete, Method::Connect, Method::Options, Method::Trace,
        Method::Patch, Method::Other("PURGE".to_string()), Method::Other("a b".to_string()), Method::Other(String::new()),
    ] {
        let name = format!("{method:?}");
        check(&format!("set-method {name}"), done(request.set_method(&method)));
        check_value(&format!("method after {name}"), request.method());
    }
    for path in [Some("/"), Some("/path?query=1"), Some(""), Some("?query"), Some("/a b"), Some("/a\r\nb"), Some("/näme"), Some("*"), None] {
        check(&format!("set-path-with-query {path:?}"), done(request.set_path_with_query(path)));
    }
    check_value("path-with-query, none", request.path_with_query());
    for scheme in [Some(Scheme::Http), Some(Scheme::Https), Some(Scheme::Other("ftp".to_string())), Some(Scheme::Other("a b".to_string())), None] {
        let name = format!("{scheme:?}");
        check(&format!("set-scheme {name}"), done(request.set_scheme(scheme.as_ref())));
    }
    for authority in [Some("localhost"), Some("localhost:8080"), Some("user@localhost"), Some("a b"), Some("a/b"), Some("localhost\r\n"), Some(":"), None] {
        check(&format!("set-authority {authority:?}"), done(request.set_authority(authority)));
    }
    let body = request.body();
    check("request, body", done(body.as_ref().map(|_| ())));
    check("request, body again", done(request.body().map(|_| ())));
    let body = body.expect("body");
    let stream = body.write();
    check("body, write", done(stream.as_ref().map(|_| ())));
    check("body, write again", done(body.write().map(|_| ())));
}

fn responses() {
    let response = OutgoingResponse::new(Fields::new());
    check_value("response, status-code", response.status_code());
    for code in [100, 204, 299, 404, 599, 999, 99, 1000, 0] {
        check(&format!("set-status-code {code}"), done(response.set_status_code(code)));
    }
    check("response, headers are immutable", header(response.headers().append("a", b"b")));
    let body = response.body();
    check("response, body", done(body.as_ref().map(|_| ())));
    check("response, body again", done(response.body().map(|_| ())));
}

fn options() {
    let options = RequestOptions::new();
    check_value("connect-timeout", options.connect_timeout());
    check("set-connect-timeout", done(options.set_connect_timeout(Some(1_000_000_000))));
    check_value("connect-timeout, set", options.connect_timeout());
    check("set-connect-timeout, none", done(options.set_connect_timeout(None)));
    check_value("connect-timeout, none", options.connect_timeout());
    check("set-first-byte-timeout", done(options.set_first_byte_timeout(Some(2_000_000_000))));
    check_value("first-byte-timeout", options.first_byte_timeout());
    check("set-between-bytes-timeout", done(options.set_between_bytes_timeout(Some(3_000_000_000))));
    check_value("between-bytes-timeout", options.between_bytes_timeout());
}

fn request(method: Method, authority: &str, path: &str, headers: &[(&str, &str)]) -> OutgoingRequest {
    let list: Vec<(String, Vec<u8>)> = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let request = OutgoingRequest::new(Fields::from_list(&list).expect("fields"));
    request.set_method(&method).expect("method");
    request.set_scheme(Some(&Scheme::Http)).expect("scheme");
    request.set_authority(Some(authority)).expect("authority");
    request.set_path_with_query(Some(path)).expect("path");
    request
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    future.get().expect("ready").expect("first time")
}

fn send(request: OutgoingRequest, body: &[u8], options: Option<RequestOptions>) -> Result<IncomingResponse, ErrorCode> {
    let outgoing = request.body().expect("body");
    let future = handle(request, options)?;
    {
        let stream = outgoing.write().expect("write");
        write_all(&stream, body);
    }
    let finished = OutgoingBody::finish(outgoing, None);
    let response = wait(&future);
    if response.is_ok() { finished?; }
    response
}

fn write_all(stream: &OutputStream, body: &[u8]) {
    for piece in body.chunks(4096) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
}

fn read_all(stream: &InputStream) -> (Vec<u8>, String) {
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return (bytes, "closed".to_string()),
            Err(StreamError::LastOperationFailed(error)) => return (bytes, name(&http_error_code(&error))),
        }
    }
}

/// The name of the case, without what a host says beside it.
fn name(error: &Option<ErrorCode>) -> String {
    let text = error.as_ref().map_or("no code".to_string(), |error| format!("{error:?}"));
    text.trim_start_matches("ErrorCode::").split('(').next().unwrap_or_default().to_string()
}

fn problem<T>(result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(_) => "ok".to_string(),
        Err(error) => name(&Some(error)),
    }
}

fn show(name: &str, response: Result<IncomingResponse, ErrorCode>) {
    let response = match response {
        Ok(response) => response,
        Err(error) => return check(name, format!("{error:?}")),
    };
    let body = response.consume().expect("body");
    let (bytes, end) = {
        let stream = body.stream().expect("stream");
        read_all(&stream)
    };
    let shown = if bytes.len() > 200 { format!("{} bytes", bytes.len()) } else { format!("{:?}", String::from_utf8_lossy(&bytes)) };
    check(name, format!("{} {shown} {end}", response.status()));
}

fn talking(authority: &str) {
    show("GET", send(request(Method::Get, authority, "/hello", &[]), b"", None));
    show("GET with a query", send(request(Method::Get, authority, "/url?a=1&b=%20", &[]), b"", None));
    show("POST", send(request(Method::Post, authority, "/echo", &[]), b"a body", None));
    show("PUT of a megabyte", send(request(Method::Put, authority, "/echo", &[]), &vec![b'x'; 1 << 20], None));
    show("HEAD", send(request(Method::Head, authority, "/hello", &[]), b"", None));
    show("DELETE", send(request(Method::Delete, authority, "/method", &[]), b"", None));
    show("OPTIONS", send(request(Method::Options, authority, "/method", &[]), b"", None));
    show("PATCH", send(request(Method::Patch, authority, "/method", &[]), b"x", None));
    show("PURGE", send(request(Method::Other("PURGE".to_string()), authority, "/method", &[]), b"", None));
    show("status 404", send(request(Method::Get, authority, "/status/404", &[]), b"", None));
    show("status 204", send(request(Method::Get, authority, "/status/204", &[]), b"", None));
    show("status 304", send(request(Method::Get, authority, "/status/304", &[]), b"", None));
    show("redirects are not followed", send(request(Method::Get, authority, "/status/302", &[]), b"", None));
    show("request header", send(request(Method::Get, authority, "/header/x-one", &[("X-One", "one"), ("x-one", "two")]), b"", None));
    show("host", send(request(Method::Get, authority, "/host-is-right", &[]), b"", None));
    show("content-length", send(request(Method::Post, authority, "/header/content-length", &[("content-length", "5")]), b"12345", None));
    show("streamed", send(request(Method::Get, authority, "/stream", &[]), b"", None));

    let response = send(request(Method::Get, authority, "/headers", &[]), b"", None).expect("response");
    check_value("response header", strings(response.headers().get("X-One")));
    check_value("response header, twice", strings(response.headers().get("x-two")));
    check_value("response cookies", strings(response.headers().get("set-cookie")));
    check_value("response header, absent", response.headers().has("x-three"));
    check("response headers are immutable", header(response.headers().append("a", b"b")));
    let body = response.consume();
    check("consume", done(body.as_ref().map(|_| ())));
    check("consume again", done(response.consume().map(|_| ())));
    let body = body.expect("body");
    {
        let stream = body.stream();
        check("stream", done(stream.as_ref().map(|_| ())));
        check("stream again", done(body.stream().map(|_| ())));
        check_value("body", read_all(&stream.expect("stream")).0.len());
    }
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    check_value("no trailers", trailers.get().map(|result| result.map(|result| result.map(|trailers| trailers.is_some()).ok())));
    check_value("trailers, again", trailers.get().map(|result| result.is_err()));

    let response = send(request(Method::Get, authority, "/trailers", &[]), b"", None).expect("response");
    let body = response.consume().expect("body");
    check_value("body before trailers", {
        let stream = body.stream().expect("stream");
        read_all(&stream).0.len()
    });
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let got = trailers.get().expect("ready").expect("first").expect("trailers");
    check_value("trailers", got.map(|trailers| entries(&trailers)));

    {
        let request = request(Method::Post, authority, "/echo-trailers", &[]);
        let outgoing = request.body().expect("body");
        let future = handle(request, None).expect("handle");
        {
            let stream = outgoing.write().expect("write");
            write_all(&stream, b"body");
        }
        let trailers = Fields::from_list(&[("x-last".to_string(), b"words".to_vec())]).expect("fields");
        check("finish with trailers", problem(OutgoingBody::finish(outgoing, Some(trailers))));
        show("request trailers", wait(&future));
    }
    {
        let request = request(Method::Get, authority, "/hello", &[]);
        OutgoingBody::finish(request.body().expect("body"), None).expect("finish");
        let future = handle(request, None).expect("handle");
        future.subscribe().block();
        check_value("response, ready", future.subscribe().ready());
        check_value("response, got", future.get().map(|result| result.is_ok()));
        check_value("response, got again", future.get().map(|result| result.is_err()));
    }
    {
        // The request is answered while its body is being sent.
        let request = request(Method::Post, authority, "/echo", &[]);
        let outgoing = request.body().expect("body");
        let future = handle(request, None).expect("handle");
        let stream = outgoing.write().expect("write");
        write_all(&stream, b"ping");
        let response = wait(&future).expect("response");
        let body = response.consume().expect("body");
        let input = body.stream().expect("stream");
        check_value("duplex, first", String::from_utf8_lossy(&input.blocking_read(100).expect("read")).into_owned());
        write_all(&stream, b"pong");
        check_value("duplex, second", String::from_utf8_lossy(&input.blocking_read(100).expect("read")).into_owned());
        drop(stream);
        OutgoingBody::finish(outgoing, None).expect("finish");
        check_value("duplex, end", read_all(&input));
    }
}

fn failing(authority: &str, nobody: &str) {
    check("connection refused", problem(send(request(Method::Get, nobody, "/", &[]), b"", None)));
    check("connection closed", problem(send(request(Method::Get, authority, "/reset", &[]), b"", None)));
    show("connection closed in the body", send(request(Method::Get, authority, "/reset-late", &[]), b"", None));
    let soon = |set: &dyn Fn(&RequestOptions)| {
        let options = RequestOptions::new();
        set(&options);
        Some(options)
    };
    let first = soon(&|options| options.set_first_byte_timeout(Some(30_000_000)).expect("set"));
    check("first-byte-timeout, passed", problem(send(request(Method::Get, authority, "/silent", &[]), b"", first)));
    let between = soon(&|options| options.set_between_bytes_timeout(Some(30_000_000)).expect("set"));
    show("between-bytes-timeout, passed", send(request(Method::Get, authority, "/stall", &[]), b"", between));
    let short = request(Method::Post, authority, "/echo", &[("content-length", "10")]);
    let outgoing = short.body().expect("body");
    let future = handle(short, None).expect("handle");
    {
        let stream = outgoing.write().expect("write");
        write_all(&stream, b"12345");
    }
    check("body shorter than content-length", problem(OutgoingBody::finish(outgoing, None)));
    drop(future);
    let bare = OutgoingRequest::new(Fields::new());
    bare.set_scheme(Some(&Scheme::Http)).expect("scheme");
    check("no authority", problem(handle(bare, None).and_then(|future| wait(&future))));
    let other = OutgoingRequest::new(Fields::new());
    other.set_authority(Some(authority)).expect("authority");
    if other.set_scheme(Some(&Scheme::Other("ftp".to_string()))).is_ok() {
        check("another scheme", problem(handle(other, None).and_then(|future| wait(&future))));
    }
}
