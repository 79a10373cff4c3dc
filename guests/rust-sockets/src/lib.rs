//! A web server that talks to other servers over TCP and UDP.

use std::io::Read;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::poll::Pollable;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::OutgoingDatagram;
use wasip2::sockets::udp_create_socket::create_udp_socket;

wasip2::http::proxy::export!(Sockets);

struct Sockets;

const HELP: &str = "/lookup/NAME     the addresses of a host
/tcp/HOST/PORT   sends the request body over TCP, answers what comes back
/udp/HOST/PORT   the same with one datagram each way
/keep/HOST/PORT  opens a TCP connection and keeps it; answers how many are open
/args            the arguments, one a line
";

impl Guest for Sockets {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let answer = match parts[..] {
            ["help"] => Ok(HELP.into()),
            ["args"] => Ok(std::env::args().map(|argument| argument + "\n").collect::<String>().into()),
            ["lookup", name] => lookup(name).map(|all| format!("{all:?}\n").into()),
            ["tcp", host, port] => tcp(host, number(port), &body(&request)),
            ["udp", host, port] => udp(host, number(port), &body(&request)),
            ["keep", host, port] => keep(host, number(port)),
            _ => return respond(out, 404, b"nothing here; see /help\n"),
        };
        match answer {
            Ok(content) => respond(out, 200, &content),
            Err(code) => respond(out, 502, format!("{}\n", code.name()).as_bytes()),
        }
    }
}

fn number(text: &str) -> u16 {
    text.parse().unwrap_or(0)
}

fn body(request: &IncomingRequest) -> Vec<u8> {
    let incoming = request.consume().expect("a body, once");
    let mut all = Vec::new();
    incoming.stream().expect("a stream, once").read_to_end(&mut all).expect("the whole body");
    all
}

fn respond(out: ResponseOutparam, status: u16, content: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("a body, once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a stream, once");
    for piece in content.chunks(4096) {
        if stream.blocking_write_and_flush(piece).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Asks again, once there is something, until the operation does not block any more.
fn finished<T>(pollable: &Pollable, mut operation: impl FnMut() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
    loop {
        match operation() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            outcome => return outcome,
        }
    }
}

fn lookup(name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let stream = resolve_addresses(&instance_network(), name)?;
    let pollable = stream.subscribe();
    let mut all = Vec::new();
    while let Some(address) = finished(&pollable, || stream.resolve_next_address())? {
        all.push(address);
    }
    Ok(all)
}

fn first(host: &str, port: u16) -> Result<(IpAddressFamily, IpSocketAddress), ErrorCode> {
    match lookup(host)?.first() {
        None => Err(ErrorCode::NameUnresolvable),
        Some(&IpAddress::Ipv4(address)) => {
            Ok((IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })))
        }
        Some(&IpAddress::Ipv6(address)) => Ok((
            IpAddressFamily::Ipv6,
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 }),
        )),
    }
}

fn tcp(host: &str, port: u16, sent: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let (family, remote) = first(host, port)?;
    let socket = create_tcp_socket(family)?;
    socket.start_connect(&instance_network(), remote)?;
    let (mut from, to) = finished(&socket.subscribe(), || socket.finish_connect())?;
    for piece in sent.chunks(4096) {
        to.blocking_write_and_flush(piece).map_err(|_| ErrorCode::ConnectionReset)?;
    }
    socket.shutdown(ShutdownType::Send)?;
    let mut received = Vec::new();
    from.read_to_end(&mut received).map_err(|_| ErrorCode::ConnectionReset)?;
    Ok(received)
}

fn udp(host: &str, port: u16, sent: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let (family, remote) = first(host, port)?;
    let socket = create_udp_socket(family)?;
    let any = match family {
        IpAddressFamily::Ipv4 => IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (0, 0, 0, 0) }),
        IpAddressFamily::Ipv6 => {
            let address = (0, 0, 0, 0, 0, 0, 0, 0);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port: 0, flow_info: 0, address, scope_id: 0 })
        }
    };
    socket.start_bind(&instance_network(), any)?;
    finished(&socket.subscribe(), || socket.finish_bind())?;
    let (from, to) = socket.stream(Some(remote))?;
    let pollable = to.subscribe();
    while to.check_send()? == 0 {
        pollable.block();
    }
    to.send(&[OutgoingDatagram { data: sent.to_vec(), remote_address: None }])?;
    let pollable = from.subscribe();
    loop {
        if let Some(datagram) = from.receive(1)?.into_iter().next() {
            return Ok(datagram.data);
        }
        pollable.block();
    }
}

fn keep(host: &str, port: u16) -> Result<Vec<u8>, ErrorCode> {
    static OPEN: std::sync::Mutex<Vec<TcpSocket>> = std::sync::Mutex::new(Vec::new());
    let (family, remote) = first(host, port)?;
    let socket = create_tcp_socket(family)?;
    socket.start_connect(&instance_network(), remote)?;
    // The socket keeps the connection; its streams are not needed.
    drop(finished(&socket.subscribe(), || socket.finish_connect())?);
    let mut open = OPEN.lock().expect("one thread");
    open.push(socket);
    Ok(format!("{}\n", open.len()).into())
}
