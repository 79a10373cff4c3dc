//! A service of WASI 0.3 with a route for each thing that a server must carry.
use futures::join;
use std::cell::Cell;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme, Trailers};
use wasip3::wit_bindgen::{StreamReader, spawn_local};
use wasip3::{wit_future, wit_stream};

wasip3::http::service::export!(Service);

struct Service;

thread_local! {
    static UNDER_WAY: Cell<u32> = const { Cell::new(0) };
    static MOST: Cell<u32> = const { Cell::new(0) };
    static SERVED: Cell<u32> = const { Cell::new(0) };
}

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let now = UNDER_WAY.get() + 1;
        UNDER_WAY.set(now);
        MOST.set(MOST.get().max(now));
        SERVED.set(SERVED.get() + 1);
        let response = route(request).await;
        UNDER_WAY.set(UNDER_WAY.get() - 1);
        response
    }
}

async fn route(request: Request) -> Result<Response, ErrorCode> {
    let target = request.get_path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_string(), query.to_string());
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments[..] {
        ["hello"] => Ok(text("hello from 0.3\n")),
        ["status", code] => {
            let response = text("");
            response.set_status_code(code.parse().unwrap()).map_err(|()| ErrorCode::InternalError(None))?;
            Ok(response)
        }
        ["head"] => Ok(text(&head(&request))),
        ["echo"] => Ok(echo(request)),
        ["count"] => count(request).await,
        ["ignore"] => Ok(text("ignored\n")),
        ["wait", milliseconds] => {
            monotonic_clock::wait_for(milliseconds.parse::<u64>().unwrap() * 1_000_000).await;
            Ok(text("waited\n"))
        }
        ["most"] => Ok(text(&format!("{} at a time, {} in all\n", MOST.get(), SERVED.get()))),
        ["bytes", count] => Ok(bytes(count.parse().unwrap())),
        ["endless"] => Ok(bytes(u64::MAX)),
        ["trailers"] => Ok(trailers()),
        ["broken"] => Ok(broken()),
        ["short"] => Ok(short()),
        ["error"] => Err(ErrorCode::HttpRequestDenied),
        ["panic"] => panic!("as asked"),
        ["spin"] => loop {
            std::hint::black_box(());
        },
        ["fetch"] => fetch(&query).await,
        ["proxy"] => proxy(request, &query).await,
        _ => {
            let response = text("not found\n");
            response.set_status_code(404).unwrap();
            Ok(response)
        }
    }
}

/** A response whose trailers are none. */
fn respond(headers: Fields, body: StreamReader<u8>) -> Response {
    let (trailers, end) = wit_future::new(|| Ok(None));
    drop(trailers);
    Response::new(headers, Some(body), end).0
}

fn text(text: &str) -> Response {
    let (mut writer, reader) = wit_stream::new();
    let text = text.as_bytes().to_vec();
    spawn_local(async move {
        writer.write_all(text).await;
    });
    let headers = Fields::from_list(&[("content-type".into(), b"text/plain".to_vec())]).unwrap();
    respond(headers, reader)
}

fn head(request: &Request) -> String {
    let mut lines = vec![format!(
        "{:?} {:?} {:?} {:?}",
        request.get_method(),
        request.get_scheme(),
        request.get_authority(),
        request.get_path_with_query()
    )];
    for (name, value) in request.get_headers().copy_all() {
        lines.push(format!("{name}: {}", String::from_utf8_lossy(&value)));
    }
    lines.join("\n") + "\n"
}

/** The body goes back as it comes, and its trailers after it. */
fn echo(request: Request) -> Response {
    let (result, end) = wit_future::new(|| Ok(()));
    drop(result);
    let (body, trailers) = Request::consume_body(request, end);
    Response::new(Fields::new(), Some(body), trailers).0
}

async fn count(request: Request) -> Result<Response, ErrorCode> {
    let (result, end) = wit_future::new(|| Ok(()));
    drop(result);
    let (mut body, trailers) = Request::consume_body(request, end);
    let mut count = 0;
    let mut buffer = Vec::with_capacity(65_536);
    loop {
        let (status, read) = body.read(buffer).await;
        count += read.len();
        buffer = read;
        buffer.clear();
        if matches!(status, wasip3::wit_bindgen::StreamResult::Dropped) {
            break;
        }
    }
    drop(body);
    let trailers = trailers.await?;
    let names = trailers.map(|fields| fields.copy_all().len()).unwrap_or(0);
    Ok(text(&format!("{count} bytes, {names} trailers\n")))
}

fn bytes(count: u64) -> Response {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        let mut left = count;
        while left > 0 {
            let part = left.min(65_536);
            if !writer.write_all(vec![b'x'; part as usize]).await.is_empty() {
                return;
            }
            left -= part;
        }
    });
    respond(Fields::new(), reader)
}

fn trailers() -> Response {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, end) = wit_future::new(|| Ok(None));
    spawn_local(async move {
        writer.write_all(b"a body\n".to_vec()).await;
        drop(writer);
        let fields = Fields::from_list(&[("x-checksum".into(), b"42".to_vec())]).unwrap();
        let _ = trailers.write(Ok(Some(fields))).await;
    });
    Response::new(Fields::new(), Some(reader), end).0
}

/** A body that its guest gives up. */
fn broken() -> Response {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, end) = wit_future::new::<Result<Option<Trailers>, ErrorCode>>(|| Ok(None));
    spawn_local(async move {
        writer.write_all(vec![b'x'; 100_000]).await;
        drop(writer);
        let _ = trailers.write(Err(ErrorCode::InternalError(Some("as asked".into())))).await;
    });
    Response::new(Fields::new(), Some(reader), end).0
}

/** A body that is shorter than its head says. */
fn short() -> Response {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        writer.write_all(b"short".to_vec()).await;
    });
    respond(Fields::from_list(&[("content-length".into(), b"10".to_vec())]).unwrap(), reader)
}

fn outgoing(authority: &str, path: &str, method: Method, body: Option<StreamReader<u8>>) -> Request {
    let (trailers, end) = wit_future::new(|| Ok(None));
    drop(trailers);
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(5_000_000_000)).unwrap();
    let (request, _) = Request::new(Fields::new(), body, end, Some(options));
    request.set_method(&method).unwrap();
    request.set_scheme(Some(&Scheme::Http)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(path)).unwrap();
    request
}

/** Tells what came of a request to `authority/path`. */
async fn fetch(query: &str) -> Result<Response, ErrorCode> {
    let (authority, path) = query.split_once('/').unwrap_or((query, ""));
    let request = outgoing(authority, &format!("/{path}"), Method::Get, None);
    match client::send(request).await {
        Err(error) => Ok(text(&format!("{error:?}\n"))),
        Ok(response) => {
            let status = response.get_status_code();
            let (result, end) = wit_future::new(|| Ok(()));
            drop(result);
            let (body, trailers) = Response::consume_body(response, end);
            let (bytes, trailers) = join!(body.collect(), async { trailers.await });
            let trailers = trailers.map(|fields| fields.map(|fields| fields.copy_all().len()));
            Ok(text(&format!("{status} {} {trailers:?}\n", String::from_utf8_lossy(&bytes))))
        }
    }
}

/** Streams the request there and the response back. */
async fn proxy(request: Request, authority: &str) -> Result<Response, ErrorCode> {
    let method = request.get_method();
    let (result, end) = wit_future::new(|| Ok(()));
    drop(result);
    let (body, trailers) = Request::consume_body(request, end);
    let (forward, _) = Request::new(Fields::new(), Some(body), trailers, None);
    forward.set_method(&method).unwrap();
    forward.set_scheme(Some(&Scheme::Http)).unwrap();
    forward.set_authority(Some(authority)).unwrap();
    forward.set_path_with_query(Some("/echo")).unwrap();
    client::send(forward).await
}
