//! Work for a host to carry, timed by the guest itself. `help` lists it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::OutgoingDatagram;
use wasip2::sockets::udp_create_socket::create_udp_socket;

const HELP: &str = "\
write PATH BYTES    a file in pieces of 64 KiB
read PATH           the same back
opens PATH COUNT    opens a small file, reads and closes it, again and again
grow PATH COUNT     so many files of 2 KiB in folders of 100
walk PATH           finds all files below a folder, looks at each and reads it
echo PORT BYTES     to an echo server on this machine and back, in pieces of 64 KiB
trips PORT COUNT    one byte there and back, again and again
poll SIZE COUNT     polls so many pollables of which one is ready, again and again
wakes SIZE COUNT    polls so many of which one becomes ready by a datagram to itself, again and again
";

const PIECE: usize = 64 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize| arguments.get(index).map_or("", String::as_str);
    let number = |index: usize| text(index).parse::<u64>().unwrap_or_else(|_| panic!("{:?} is no number", text(index)));
    let took = match text(0) {
        "write" => write(text(1), number(2)),
        "read" => read(text(1)),
        "opens" => opens(text(1), number(2)),
        "grow" => grow(text(1), number(2)),
        "walk" => walk(text(1)),
        "echo" => echo(number(1), number(2)),
        "trips" => trips(number(1), number(2)),
        "poll" => polls(number(1), number(2)),
        "wakes" => wakes(number(1), number(2)),
        _ => return print!("{HELP}"),
    };
    println!("{}", took.as_nanos());
}

fn write(path: &str, bytes: u64) -> Duration {
    let piece = vec![b'x'; PIECE];
    let since = Instant::now();
    let mut file = File::create(path).expect("a file");
    for _ in 0..bytes / PIECE as u64 {
        file.write_all(&piece).expect("room");
    }
    drop(file);
    since.elapsed()
}

fn read(path: &str) -> Duration {
    let mut piece = vec![0; PIECE];
    let since = Instant::now();
    let mut file = File::open(path).expect("a file");
    while file.read(&mut piece).expect("bytes") > 0 {}
    since.elapsed()
}

fn opens(path: &str, count: u64) -> Duration {
    fs::write(path, "small").expect("a file");
    let mut piece = [0; 16];
    let since = Instant::now();
    for _ in 0..count {
        let mut file = File::open(path).expect("a file");
        assert_eq!(file.read(&mut piece).expect("bytes"), 5);
    }
    since.elapsed()
}

fn grow(path: &str, count: u64) -> Duration {
    let since = Instant::now();
    for index in 0..count {
        let folder = format!("{path}/{}", index / 100);
        if index % 100 == 0 {
            fs::create_dir_all(&folder).expect("a folder");
        }
        fs::write(format!("{folder}/{index}"), [b'x'; 2048]).expect("a file");
    }
    since.elapsed()
}

fn walk(path: &str) -> Duration {
    let since = Instant::now();
    let mut folders = vec![std::path::PathBuf::from(path)];
    let mut content = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a kind").is_dir() {
                folders.push(entry.path());
                continue;
            }
            content.clear();
            let mut file = File::open(entry.path()).expect("a file");
            assert_eq!(file.metadata().expect("what is known of it").len(), 2048);
            assert_eq!(file.read_to_end(&mut content).expect("bytes"), 2048);
        }
    }
    since.elapsed()
}

fn connect(port: u64) -> (TcpSocket, InputStream, OutputStream) {
    let port = u16::try_from(port).expect("a port");
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).expect("a socket");
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    socket.start_connect(&instance_network(), address).expect("a connection");
    loop {
        match socket.finish_connect() {
            Ok((from, to)) => return (socket, from, to),
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(error) => panic!("no connection: {error:?}"),
        }
    }
}

fn echo(port: u64, bytes: u64) -> Duration {
    let piece = vec![b'x'; PIECE];
    let (_socket, from, to) = connect(port);
    let (writable, readable) = (to.subscribe(), from.subscribe());
    let (mut sent, mut received) = (0, 0);
    let since = Instant::now();
    while received < bytes {
        if sent < bytes {
            poll(&[&writable, &readable]);
            let room = to.check_write().expect("an open connection").min(PIECE as u64).min(bytes - sent);
            if room > 0 {
                to.write(&piece[..room as usize]).expect("an open connection");
                sent += room;
            }
        } else {
            readable.block();
        }
        received += from.read(PIECE as u64).expect("an open connection").len() as u64;
    }
    since.elapsed()
}

fn trips(port: u64, count: u64) -> Duration {
    let (_socket, from, to) = connect(port);
    let since = Instant::now();
    for _ in 0..count {
        to.blocking_write_and_flush(b"x").expect("an open connection");
        assert_eq!(from.blocking_read(1).expect("an open connection").len(), 1);
    }
    since.elapsed()
}

/// Pollables that are not ready while this program runs.
fn sleepers(count: u64) -> Vec<Pollable> {
    let hour = 3_600_000_000_000;
    (0..count).map(|_| subscribe_duration(hour)).collect()
}

fn polls(size: u64, count: u64) -> Duration {
    let sleeping = sleepers(size - 1);
    let since = Instant::now();
    for _ in 0..count {
        let soon = subscribe_duration(1);
        let all: Vec<&Pollable> = sleeping.iter().chain([&soon]).collect();
        assert_eq!(poll(&all), [size as u32 - 1]);
    }
    since.elapsed()
}

fn wakes(size: u64, count: u64) -> Duration {
    let sleeping = sleepers(size - 1);
    let socket = create_udp_socket(IpAddressFamily::Ipv4).expect("a socket");
    let any = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });
    socket.start_bind(&instance_network(), any).expect("a port");
    while let Err(error) = socket.finish_bind() {
        assert_eq!(error, ErrorCode::WouldBlock);
        socket.subscribe().block();
    }
    let (from, to) = socket.stream(None).expect("streams");
    let itself = [OutgoingDatagram { data: vec![b'x'], remote_address: Some(socket.local_address().expect("an address")) }];
    let readable = from.subscribe();
    let since = Instant::now();
    for _ in 0..count {
        while to.check_send().expect("a socket") == 0 || to.send(&itself).expect("a socket") == 0 {
            to.subscribe().block();
        }
        loop {
            let all: Vec<&Pollable> = sleeping.iter().chain([&readable]).collect();
            assert_eq!(poll(&all), [size as u32 - 1]);
            // A host may wake too early.
            if from.receive(1).expect("a socket").len() == 1 {
                break;
            }
        }
    }
    since.elapsed()
}
