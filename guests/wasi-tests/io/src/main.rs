//! Every function of `wasi:io` at 0.2.4, on standard input of 100,000 bytes, on files in the folder `/`, and on clocks.

#[path = "../../check.rs"]
mod check;

use std::fmt::Debug;

use check::{check, check_value};
use wasip2::cli::stdin::get_stdin;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags, filesystem_error_code};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

const FOREVER: u64 = 3_600_000_000_000;

fn show<T: Debug>(result: Result<T, StreamError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => problem(error),
    }
}

fn problem(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_string(),
        StreamError::LastOperationFailed(error) => {
            let said = !error.to_debug_string().is_empty();
            format!("failed: {:?}, said why: {said}", filesystem_error_code(&error).map(|code| code.name()))
        }
    }
}

fn open(root: &Descriptor, path: &str) -> Descriptor {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    root.open_at(PathFlags::empty(), path, flags, DescriptorFlags::READ | DescriptorFlags::WRITE).expect("open")
}

fn main() {
    let directories = get_directories();
    let root = directories.iter().find(|(_, name)| name == "/").map(|(root, _)| root).expect("root");
    standard_input();
    input(root);
    output(root);
    splicing(root);
    pollables(root);
}

fn standard_input() {
    let input = get_stdin();
    check("read(0)", show(input.read(0)));
    check("blocking-read(0)", show(input.blocking_read(0)));
    check("skip(0)", show(input.skip(0)));
    let ready = input.subscribe();
    ready.block();
    check_value("subscribe, ready", ready.ready());
    check("blocking-read", show(input.blocking_read(3)));
    let mut count = 3;
    while count < 50_000 {
        match input.blocking_read(50_000 - count) {
            Ok(bytes) => count += bytes.len() as u64,
            Err(error) => return check("reading", problem(error)),
        }
    }
    let end = loop {
        match input.blocking_skip(u64::MAX) {
            Ok(skipped) => count += skipped,
            Err(error) => break problem(error),
        }
    };
    check_value("read and skipped", count);
    check("blocking-skip at the end", end);
    check("read at the end", show(input.read(1)));
    check("skip at the end", show(input.skip(1)));
    check_value("subscribe at the end, ready", input.subscribe().ready());
}

fn input(root: &Descriptor) {
    let file = open(root, "input");
    file.write(b"0123456789", 0).expect("write");
    let stream = file.read_via_stream(0).expect("stream");
    let pollable = stream.subscribe();
    pollable.block();
    check("blocking-read, more than there is", show(stream.blocking_read(u64::MAX)));
    check("blocking-read, end", show(stream.blocking_read(1)));
    check("blocking-read, after the end", show(stream.blocking_read(1)));
    drop(pollable);
    let stream = file.read_via_stream(0).expect("stream");
    check("blocking-skip", show(stream.blocking_skip(4)));
    check("blocking-read after it", show(stream.blocking_read(2)));
    let writer = root
        .open_at(PathFlags::empty(), "input", OpenFlags::empty(), DescriptorFlags::READ)
        .expect("open");
    check_value("a stream outlives its file", {
        let stream = writer.read_via_stream(5).expect("stream");
        drop(writer);
        show(stream.blocking_read(10))
    });
}

fn output(root: &Descriptor) {
    let file = open(root, "output");
    let stream = file.write_via_stream(0).expect("stream");
    check_value("check-write, room", stream.check_write().is_ok_and(|room| room > 0));
    check("write", show(stream.write(b"hello ")));
    check("flush", show(stream.flush()));
    let pollable = stream.subscribe();
    pollable.block();
    check_value("subscribe, ready to write", pollable.ready());
    drop(pollable);
    check_value("check-write after flush", stream.check_write().is_ok_and(|room| room > 0));
    check("write-zeroes", show(stream.write_zeroes(3)));
    check("blocking-flush", show(stream.blocking_flush()));
    check("blocking-write-and-flush", show(stream.blocking_write_and_flush(b"world")));
    check("blocking-write-and-flush, nothing", show(stream.blocking_write_and_flush(b"")));
    check("blocking-write-zeroes-and-flush", show(stream.blocking_write_zeroes_and_flush(2)));
    check("blocking-write-and-flush, 4096 bytes", show(stream.blocking_write_and_flush(&[b'x'; 4096])));
    check("written", format!("{:?}", file.read(16, 0).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()).ok()));
    check("size", format!("{:?}", file.stat().map(|stat| stat.size).ok()));
}

fn splicing(root: &Descriptor) {
    let from = open(root, "from");
    from.write(b"0123456789", 0).expect("write");
    let to = open(root, "to");
    let pair = |at: u64| -> (InputStream, OutputStream) {
        (from.read_via_stream(at).expect("stream"), to.write_via_stream(at).expect("stream"))
    };
    {
        let (input, output) = pair(0);
        check("blocking-splice", show(output.blocking_splice(&input, 4)));
        check("blocking-splice, nothing", show(output.blocking_splice(&input, 0)));
        check("blocking-splice, the rest", show(output.blocking_splice(&input, 100)));
        check("blocking-flush after it", show(output.blocking_flush()));
        check("blocking-splice at the end", show(output.blocking_splice(&input, 1)));
        check("splice at the end", show(output.splice(&input, 1)));
    }
    {
        let (input, output) = pair(0);
        check("splice, nothing", show(output.splice(&input, 0)));
    }
    check("spliced", format!("{:?}", to.read(16, 0).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()).ok()));
}

fn pollables(root: &Descriptor) {
    let file = open(root, "poll");
    file.write(b"x", 0).expect("write");
    let input = file.read_via_stream(0).expect("stream");
    let output = file.append_via_stream().expect("stream");
    let (reads, writes) = (input.subscribe(), output.subscribe());
    reads.block();
    writes.block();
    let late = subscribe_duration(FOREVER);
    let now = subscribe_duration(0);
    now.block();
    check_value("ready, of a clock far away", late.ready());
    check_value("poll, the only one", poll(&[&reads]));
    check_value("poll, those that are ready", poll(&[&late, &reads, &writes, &now]));
    check_value("poll, one twice", poll(&[&now, &late, &now]));
    let many: Vec<Pollable> = (0..1000).map(|index| subscribe_duration(if index == 700 { 0 } else { FOREVER })).collect();
    many[700].block();
    check_value("poll, of a thousand", poll(&many.iter().collect::<Vec<_>>()));
    drop(many);
    let soon = subscribe_duration(2_000_000);
    check_value("poll, waiting", poll(&[&late, &soon]));
    drop(late);
    check("dropped while nobody waits", "yes");
}
