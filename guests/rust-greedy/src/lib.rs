//! Makes the host hold much for it, or work for it without end.

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::poll::poll;
use wasip2::io::streams::{OutputStream, StreamError};

wasip2::http::proxy::export!(Greedy);

struct Greedy;

const HELP: &str = "/                  hello
/fields/N          keeps N fields of 100 KB
/list/N            makes fields of a list of N pairs
/bodies/N          keeps N bodies of 64 KiB without a response
/early/N           a body of N bytes, written before the response is set
/crumbs/N          the same, a byte at a time
/wait-early/N      the same, waiting for room by a pollable
/race-early/N      the same, waiting for room or 10 ms, whichever is first
/hold/MS           keeps 20 MB of fields for so long
/poll/MS           polls two clocks, of so long and twice as long
/zeroes            writes zeroes to its output without end
/zeroes-body       writes zeroes to its response without end
";

impl Guest for Greedy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let number = |text: &str| text.parse::<usize>().expect("a number");
        match parts[..] {
            [""] => say(out, b"hello\n"),
            ["help"] => say(out, HELP.as_bytes()),
            ["fields", count] => {
                let kept: Vec<Fields> = (0..number(count)).map(|_| fields(100_000)).collect();
                say(out, format!("{} fields\n", kept.len()).as_bytes());
            }
            ["list", count] => {
                let pairs = vec![("x".to_string(), Vec::new()); number(count)];
                let fields = Fields::from_list(&pairs).expect("fields");
                say(out, format!("{} pairs\n", fields.entries().len()).as_bytes());
            }
            ["bodies", count] => {
                let kept: Vec<_> = (0..number(count)).map(|_| unsent(64 * 1024)).collect();
                say(out, format!("{} bodies\n", kept.len()).as_bytes());
            }
            ["early", length] => early(out, |stream| put(stream, number(length), 4096)),
            ["crumbs", length] => early(out, |stream| put(stream, number(length), 1)),
            ["wait-early", length] => early(out, |stream| waiting(stream, number(length), 0)),
            ["race-early", length] => early(out, |stream| waiting(stream, number(length), 10_000_000)),
            ["hold", ms] => {
                let kept: Vec<Fields> = (0..100).map(|_| fields(100_000)).collect();
                monotonic_clock::subscribe_duration(number(ms) as u64 * 1_000_000).block();
                say(out, format!("{} fields\n", kept.len()).as_bytes());
            }
            ["poll", ms] => {
                let wait = |times: u64| monotonic_clock::subscribe_duration(number(ms) as u64 * times * 1_000_000);
                let ready = poll(&[&wait(1), &wait(2)]);
                say(out, format!("{ready:?}\n").as_bytes());
            }
            ["zeroes"] => {
                let result = wasip2::cli::stdout::get_stdout().blocking_write_zeroes_and_flush(1 << 62);
                say(out, format!("{result:?}\n").as_bytes());
            }
            ["zeroes-body"] => {
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().expect("a body, once");
                ResponseOutparam::set(out, Ok(response));
                let stream = body.write().expect("a stream, once");
                let _ = stream.blocking_write_zeroes_and_flush(1 << 62);
            }
            _ => say(out, b"nothing here; see /help\n"),
        }
    }
}

fn fields(bytes: usize) -> Fields {
    let fields = Fields::new();
    fields.append("x", &vec![b'x'; bytes]).expect("a field");
    fields
}

/// A response with so many bytes of a body, to be kept.
fn unsent(bytes: usize) -> (OutgoingResponse, OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a body, once");
    let stream = body.write().expect("a stream, once");
    put(&stream, bytes, 4096).expect("room");
    (response, body, stream)
}

/// Writes a body first, and sets the response then.
fn early(out: ResponseOutparam, write: impl FnOnce(&OutputStream) -> Result<(), StreamError>) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a body, once");
    let stream = body.write().expect("a stream, once");
    write(&stream).expect("room");
    drop(stream);
    OutgoingBody::finish(body, None).expect("the whole body");
    ResponseOutparam::set(out, Ok(response));
}

fn put(stream: &OutputStream, length: usize, piece: usize) -> Result<(), StreamError> {
    for from in (0..length).step_by(piece) {
        stream.blocking_write_and_flush(&vec![b'x'; piece.min(length - from)])?;
    }
    Ok(())
}

/// Writes what there is room for, and waits for room, or for so many nanoseconds where they are not 0.
fn waiting(stream: &OutputStream, length: usize, nanoseconds: u64) -> Result<(), StreamError> {
    let room = stream.subscribe();
    let mut left = length;
    while left > 0 {
        let part = left.min(stream.check_write()? as usize);
        stream.write(&vec![b'x'; part])?;
        left -= part;
        if left == 0 {
            break;
        }
        if nanoseconds == 0 {
            poll(&[&room]);
        } else {
            let late = monotonic_clock::subscribe_duration(nanoseconds);
            // As long as it can do something else it is no business of the host's.
            if poll(&[&room, &late]) == [1] {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn say(out: ResponseOutparam, content: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a stream, once");
    stream.blocking_write_and_flush(content).ok();
    drop(stream);
    OutgoingBody::finish(body, None).ok();
}
