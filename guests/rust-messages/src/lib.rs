//! A `wasi:http/proxy` that gives just the messages that the query describes, well-formed or not:
//!
//! `/answer?status=N&h=NAME:VALUE&body=TEXT&t=NAME:VALUE` answers so. `nobody` never asks for the body, `drop` drops it unfinished, `return`
//! returns before it is finished, `pause=MS` waits before the end, `trap` traps there.
//! `/error?text=TEXT` answers with an error, `/error` with another one.
//! `/send?to=AUTHORITY&method=M&path=P&h=NAME:VALUE&body=TEXT&t=NAME:VALUE` sends such a request and tells what came; `nobody`, `drop` and
//! `pause` are as above, `clone` sends the fields that it received, `later=MS` waits before it reads the response.
//! `/receive` tells what it received; `/refuse` answers 413 and reads nothing, `/forget` takes the body, drops it unread and answers 413.

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    http_error_code, ErrorCode, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::StreamError;

wasip2::http::proxy::export!(Messages);

struct Messages;

impl Guest for Messages {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Query::parse(query);
        match path {
            "/answer" => answer(&query, out),
            "/error" => ResponseOutparam::set(
                out,
                Err(match query.one("text") {
                    Some(text) => ErrorCode::InternalError(Some(text.into())),
                    None => ErrorCode::HttpRequestDenied,
                }),
            ),
            "/send" => text(out, 200, &send(&query, &request)),
            "/receive" => text(out, 200, &receive(request)),
            "/refuse" => text(out, 413, "too much\n"),
            "/forget" => {
                drop(request.consume().expect("a body, once"));
                text(out, 413, "too much\n");
            }
            _ => text(out, 404, "unknown\n"),
        }
    }
}

struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Query {
        let part = |part: &str| decode(part).unwrap_or_default();
        Query(
            text.split('&')
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (part(name), part(value)))
                .collect(),
        )
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.one(name).and_then(|text| text.parse().ok())
    }

    fn fields(&self, name: &str) -> Result<Fields, String> {
        let fields = Fields::new();
        for (_, text) in self.0.iter().filter(|pair| pair.0 == name) {
            let (name, value) = text.split_once(':').unwrap_or((text, ""));
            fields.append(name, value.as_bytes()).map_err(|error| format!("field {name}: {error:?}\n"))?;
        }
        Ok(fields)
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(16 * digit(bytes.next()?)? + digit(bytes.next()?)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn pause(query: &Query, name: &str) {
    if let Some(ms) = query.number(name) {
        monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    }
}

fn text(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    let _ = write(&body, text).and_then(|()| finish(body, None));
}

fn answer(query: &Query, out: ResponseOutparam) {
    let fields = match query.fields("h") {
        Ok(fields) => fields,
        Err(why) => return text(out, 400, &why),
    };
    let response = OutgoingResponse::new(fields);
    if let Some(status) = query.number("status") {
        if response.set_status_code(status as u16).is_err() {
            return text(out, 400, "status\n");
        }
    }
    if query.has("nobody") {
        return ResponseOutparam::set(out, Ok(response));
    }
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    if let Err(why) = give(query, body) {
        eprint!("{why}");
    }
}

/** Writes and ends a body as it is asked to. */
fn give(query: &Query, body: OutgoingBody) -> Result<(), String> {
    if let Some(text) = query.one("body") {
        write(&body, text)?;
    }
    pause(query, "pause");
    if query.has("trap") {
        panic!("trapped as asked");
    }
    if query.has("return") {
        std::mem::forget(body);
        return Ok(());
    }
    if query.has("drop") {
        drop(body);
        return Ok(());
    }
    let trailers = if query.has("t") { Some(query.fields("t")?) } else { None };
    finish(body, trailers)
}

fn write(body: &OutgoingBody, text: &str) -> Result<(), String> {
    let stream = body.write().expect("a stream, once");
    for part in text.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(part).map_err(|error| format!("write: {}\n", failure(&error)))?;
    }
    Ok(())
}

fn finish(body: OutgoingBody, trailers: Option<Fields>) -> Result<(), String> {
    OutgoingBody::finish(body, trailers).map_err(|error| format!("finish: {error:?}\n"))
}

fn failure(error: &StreamError) -> String {
    match error {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(error) => format!("{:?}", http_error_code(error)),
    }
}

fn send(query: &Query, received: &IncomingRequest) -> String {
    match exchange(query, received) {
        Ok(told) => told,
        Err(why) => why,
    }
}

fn exchange(query: &Query, received: &IncomingRequest) -> Result<String, String> {
    let fields = if query.has("clone") { received.headers().clone() } else { query.fields("h")? };
    let request = OutgoingRequest::new(fields);
    let method = match query.one("method").unwrap_or("GET") {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        other => Method::Other(other.into()),
    };
    request.set_method(&method).map_err(|()| "method\n")?;
    request.set_scheme(Some(&Scheme::Http)).map_err(|()| "scheme\n")?;
    request.set_authority(query.one("to")).map_err(|()| "authority\n")?;
    request.set_path_with_query(query.one("path")).map_err(|()| "path\n")?;
    let body = if query.has("nobody") { None } else { Some(request.body().expect("a body, once")) };
    let future = outgoing_handler::handle(request, None).map_err(|error| format!("handle: {error:?}\n"))?;
    let mut told = String::new();
    if let Some(body) = body {
        told += &give(query, body).err().unwrap_or_default();
    }
    future.subscribe().block();
    let response = match future.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(error))) => return Err(format!("{told}response: {error:?}\n")),
        _ => return Err(format!("{told}no response\n")),
    };
    told += &format!("status {}\nfields {}\n", response.status(), response.headers().entries().len());
    pause(query, "later");
    told += &read(response.consume().expect("a body, once"));
    Ok(told)
}

fn receive(request: IncomingRequest) -> String {
    let method = match request.method() {
        Method::Other(name) => name,
        known => format!("{known:?}").to_uppercase(),
    };
    let method = method.trim_start_matches("METHOD::").to_string();
    let authority = request.authority().unwrap_or_default();
    let target = request.path_with_query().unwrap_or_default();
    format!("{method} {target} at {authority}\n{}", read(request.consume().expect("a body, once")))
}

fn read(body: IncomingBody) -> String {
    let stream = body.stream().expect("a stream, once");
    let mut bytes = Vec::new();
    let end = loop {
        match stream.blocking_read(64 * 1024) {
            Ok(part) => bytes.extend(part),
            Err(error) => break failure(&error),
        }
    };
    drop(stream);
    let mut told = format!("body {} {end}\n", String::from_utf8_lossy(&bytes));
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    if let Some(Ok(Ok(Some(fields)))) = trailers.get() {
        for (name, value) in fields.entries() {
            told += &format!("trailer {name}: {}\n", String::from_utf8_lossy(&value));
        }
    }
    told
}
