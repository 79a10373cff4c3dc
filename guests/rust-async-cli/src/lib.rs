//! A command of WASI 0.3 with a subcommand for each interface. The standard library brings WASI 0.2 beside it.
use futures::join;
use std::io::Write;
use wasip3::cli::{environment, exit, stderr, stdin, stdout, terminal_stdout};
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::filesystem::preopens::get_directories;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasip3::random::{insecure, insecure_seed, random};
use wasip3::sockets::ip_name_lookup::resolve_addresses;
use wasip3::sockets::types::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket, UdpSocket};
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_stream;

wasip3::cli::command::export!(Command);

struct Command;

impl wasip3::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        let args = environment::get_arguments();
        let args: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
        match args[..] {
            ["echo"] => echo().await,
            ["first-byte"] => first_byte().await,
            ["environment"] => {
                print(&format!("{:?} {:?}\n", environment::get_environment(), environment::get_initial_cwd())).await
            }
            ["terminal"] => print(&format!("{}\n", terminal_stdout::get_terminal_stdout().is_some())).await,
            ["complain"] => complain().await,
            ["exit", code] => exit::exit_with_code(code.parse().unwrap()),
            ["exit-ok"] => exit::exit(Ok(())),
            ["exit-error"] => exit::exit(Err(())),
            ["fail"] => return Err(()),
            ["panic"] => panic!("as asked"),
            ["wait", milliseconds] => wait(milliseconds.parse().unwrap()).await,
            ["clocks"] => clocks().await,
            ["random"] => randomness().await,
            ["both", name] => both(name).await,
            ["list"] => list().await,
            ["copy", from, to] => copy(from, to).await,
            ["append", to, text] => append(to, text).await,
            ["tcp", connections] => tcp(connections.parse().unwrap()).await,
            ["udp"] => udp().await,
            ["resolve", name] => print(&format!("{:?}\n", resolve_addresses(name.to_string()).await)).await,
            _ => return Err(()),
        }
        Ok(())
    }
}

async fn print(text: &str) {
    let (mut writer, reader) = wit_stream::new();
    let result = stdout::write_via_stream(reader);
    let left = writer.write_all(text.as_bytes().to_vec()).await;
    assert!(left.is_empty());
    drop(writer);
    result.await.unwrap();
}

async fn complain() {
    let (mut writer, reader) = wit_stream::new();
    let result = stderr::write_via_stream(reader);
    writer.write_all(b"a complaint\n".to_vec()).await;
    drop(writer);
    result.await.unwrap();
}

/** The host copies: nothing of it passes through here. */
async fn echo() {
    let (input, read) = stdin::read_via_stream();
    stdout::write_via_stream(input).await.unwrap();
    read.await.unwrap();
}

/** Whoever drops its end stops the other side. */
async fn first_byte() {
    let (mut input, read) = stdin::read_via_stream();
    let (_, bytes) = input.read(Vec::with_capacity(1)).await;
    drop(input);
    read.await.unwrap();
    print(&String::from_utf8(bytes).unwrap()).await;
}

async fn wait(milliseconds: u64) {
    monotonic_clock::wait_for(milliseconds * 1_000_000).await;
}

async fn clocks() {
    let begin = monotonic_clock::now();
    join!(wait(20), wait(20), monotonic_clock::wait_until(begin + 20_000_000));
    let took = monotonic_clock::now() - begin;
    assert!(took >= 20_000_000, "waited {took} ns");
    let past = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = system_clock::now();
    assert!((now.seconds - past.as_secs() as i64).abs() <= 1, "the clocks of 0.2 and 0.3 are one");
    assert!(system_clock::get_resolution() > 0 && monotonic_clock::get_resolution() > 0);
    print("the clocks go\n").await;
}

async fn randomness() {
    let bytes = random::get_random_bytes(64);
    assert_eq!(bytes.len(), 64);
    assert_ne!(bytes, random::get_random_bytes(64));
    assert_ne!(random::get_random_u64(), random::get_random_u64());
    assert_eq!(insecure::get_insecure_random_bytes(7).len(), 7);
    let _ = insecure::get_insecure_random_u64();
    let _ = insecure_seed::get_insecure_seed();
    print("random enough\n").await;
}

/** Writes to the same file and output with both versions. */
async fn both(name: &str) {
    println!("by 0.2");
    std::io::stdout().flush().unwrap();
    print("by 0.3\n").await;
    std::fs::write(name, "begun by 0.2, ").unwrap();
    append(name, "ended by 0.3").await;
    println!("{}", std::fs::read_to_string(name).unwrap());
}

/** The granted directory, and the path in it. */
fn place(path: &str) -> (Descriptor, String) {
    let (directory, _) = get_directories().into_iter().next().expect("a directory is granted");
    (directory, path.trim_start_matches('/').to_string())
}

async fn list() {
    let (directory, _) = place("");
    let (entries, result) = directory.read_directory();
    let mut names: Vec<String> = entries.collect().await.into_iter().map(|entry| entry.name).collect();
    result.await.unwrap();
    names.sort();
    print(&format!("{}\n", names.join(" "))).await;
}

async fn open(path: &str, open: OpenFlags, flags: DescriptorFlags) -> Descriptor {
    let (directory, path) = place(path);
    directory.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags).await.unwrap()
}

async fn copy(from: &str, to: &str) {
    let from = open(from, OpenFlags::empty(), DescriptorFlags::READ).await;
    let to = open(to, OpenFlags::CREATE | OpenFlags::TRUNCATE, DescriptorFlags::WRITE).await;
    let (bytes, read) = from.read_via_stream(0);
    to.write_via_stream(bytes, 0).await.unwrap();
    read.await.unwrap();
    to.sync().await.unwrap();
    print(&format!("{} bytes\n", to.stat().await.unwrap().size)).await;
}

async fn append(to: &str, text: &str) {
    let file = open(to, OpenFlags::CREATE, DescriptorFlags::WRITE).await;
    let (mut writer, reader) = wit_stream::new();
    let result = file.append_via_stream(reader);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    result.await.unwrap();
}

const LOOPBACK: IpSocketAddress = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });

/** A server that echoes, and so many clients at the same time. */
async fn tcp(connections: usize) {
    let server = TcpSocket::create(IpAddressFamily::Ipv4).unwrap();
    server.bind(LOOPBACK).unwrap();
    let mut accepted = server.listen().unwrap();
    let address = server.get_local_address().unwrap();
    spawn_local(async move {
        while let Some(socket) = accepted.next().await {
            spawn_local(async move {
                let (bytes, received) = socket.receive();
                socket.send(bytes).await.unwrap();
                received.await.unwrap();
            });
        }
    });
    let clients = (0..connections).map(|number| async move {
        let socket = TcpSocket::create(IpAddressFamily::Ipv4).unwrap();
        socket.connect(address).await.unwrap();
        let (mut writer, reader) = wit_stream::new();
        let sent = socket.send(reader);
        let (bytes, received) = socket.receive();
        let text = format!("client {number}");
        writer.write_all(text.clone().into_bytes()).await;
        drop(writer);
        let answer = bytes.collect().await;
        sent.await.unwrap();
        received.await.unwrap();
        assert_eq!(answer, text.into_bytes());
    });
    futures::future::join_all(clients).await;
    print(&format!("{connections} connections\n")).await;
    exit::exit(Ok(()));
}

async fn udp() {
    let server = UdpSocket::create(IpAddressFamily::Ipv4).unwrap();
    server.bind(LOOPBACK).unwrap();
    let address = server.get_local_address().unwrap();
    let client = UdpSocket::create(IpAddressFamily::Ipv4).unwrap();
    client.connect(address).unwrap();
    client.send(b"a datagram".to_vec(), None).await.unwrap();
    let (bytes, from) = server.receive().await.unwrap();
    server.send(bytes, Some(from)).await.unwrap();
    let (bytes, _) = client.receive().await.unwrap();
    print(&format!("{}\n", String::from_utf8(bytes).unwrap())).await;
}
