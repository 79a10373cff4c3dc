//! Every function of `wasi:sockets` at 0.2.4, and the errors that a guest can cause on one machine. It may use loopback addresses.

#[path = "../../check.rs"]
mod check;

use std::fmt::Debug;

use check::{check, check_value};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{OutgoingDatagram, OutgoingDatagramStream, UdpSocket};
use wasip2::sockets::udp_create_socket::create_udp_socket;

const LOOPBACK: (u8, u8, u8, u8) = (127, 0, 0, 1);
const NOWHERE: (u8, u8, u8, u8) = (192, 0, 2, 1);
const MULTICAST: (u8, u8, u8, u8) = (224, 0, 0, 251);
const BROADCAST: (u8, u8, u8, u8) = (255, 255, 255, 255);
const ANY: (u8, u8, u8, u8) = (0, 0, 0, 0);

fn v4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

fn v6(address: (u16, u16, u16, u16, u16, u16, u16, u16), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
}

const LOOPBACK6: (u16, u16, u16, u16, u16, u16, u16, u16) = (0, 0, 0, 0, 0, 0, 0, 1);
const MAPPED: (u16, u16, u16, u16, u16, u16, u16, u16) = (0, 0, 0, 0, 0, 0xffff, 0x7f00, 1);

fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

/// Addresses without the port, which differs from run to run.
fn shown(result: Result<IpSocketAddress, ErrorCode>) -> String {
    match result {
        Ok(IpSocketAddress::Ipv4(address)) => format!("{:?}, port {}", address.address, address.port > 0),
        Ok(IpSocketAddress::Ipv6(address)) => format!("{:?}, port {}", address.address, address.port > 0),
        Err(error) => error.name().to_string(),
    }
}

fn code<T>(result: Result<T, ErrorCode>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.name(),
    }
}

fn value<T: Debug>(result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.name().to_string(),
    }
}

fn stream<T: Debug>(result: Result<T, StreamError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(StreamError::Closed) => "closed".to_string(),
        Err(StreamError::LastOperationFailed(_)) => "failed".to_string(),
    }
}

fn tcp() -> TcpSocket {
    create_tcp_socket(IpAddressFamily::Ipv4).expect("socket")
}

fn udp() -> UdpSocket {
    create_udp_socket(IpAddressFamily::Ipv4).expect("socket")
}

fn finished<T>(socket: &TcpSocket, finish: impl Fn() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
    let pollable = socket.subscribe();
    loop {
        match finish() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            result => return result,
        }
    }
}

fn bind(network: &Network, socket: &TcpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(network, address)?;
    finished(socket, || socket.finish_bind())
}

fn listen(socket: &TcpSocket) -> Result<(), ErrorCode> {
    socket.start_listen()?;
    finished(socket, || socket.finish_listen())
}

fn connect(network: &Network, socket: &TcpSocket, address: IpSocketAddress) -> Result<(InputStream, OutputStream), ErrorCode> {
    socket.start_connect(network, address)?;
    finished(socket, || socket.finish_connect())
}

fn read_all(input: &InputStream) -> String {
    let mut bytes = Vec::new();
    loop {
        match input.blocking_read(1 << 16) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return format!("{} bytes, closed", bytes.len()),
            Err(StreamError::LastOperationFailed(_)) => return format!("{} bytes, failed", bytes.len()),
        }
    }
}

fn main() {
    let network = instance_network();
    tcp_states(&network);
    tcp_binding(&network);
    tcp_connecting(&network);
    tcp_talking(&network);
    tcp_options();
    udp_states(&network);
    udp_talking(&network);
    udp_options();
    lookup(&network);
}

fn tcp_states(network: &Network) {
    let socket = tcp();
    check_value("tcp address-family", socket.address_family());
    check("tcp ipv6 address-family", value(create_tcp_socket(IpAddressFamily::Ipv6).map(|socket| socket.address_family())));
    check_value("tcp is-listening", socket.is_listening());
    check("tcp local-address, unbound", shown(socket.local_address()));
    check("tcp remote-address, unbound", shown(socket.remote_address()));
    check("tcp finish-bind, not begun", code(socket.finish_bind()));
    check("tcp finish-connect, not begun", code(socket.finish_connect()));
    check("tcp finish-listen, not begun", code(socket.finish_listen()));
    check("tcp start-listen, unbound", code(socket.start_listen()));
    check("tcp accept, unbound", code(socket.accept()));
    check("tcp shutdown, unbound", code(socket.shutdown(ShutdownType::Both)));
    check("tcp start-bind", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("tcp start-bind, under way", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("tcp start-connect while binding", code(socket.start_connect(network, v4(LOOPBACK, 1))));
    check("tcp start-listen while binding", code(socket.start_listen()));
    check("tcp finish-bind", code(finished(&socket, || socket.finish_bind())));
    check("tcp finish-bind, finished", code(socket.finish_bind()));
    check("tcp local-address", shown(socket.local_address()));
    check("tcp start-bind, bound", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("tcp accept, bound", code(socket.accept()));
    check("tcp start-listen", code(socket.start_listen()));
    check("tcp start-listen, under way", code(socket.start_listen()));
    check("tcp finish-listen", code(finished(&socket, || socket.finish_listen())));
    check_value("tcp is-listening, listening", socket.is_listening());
    check("tcp accept, nobody there", code(socket.accept()));
    check("tcp start-bind, listening", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("tcp start-connect, listening", code(socket.start_connect(network, v4(LOOPBACK, 1))));
    check("tcp start-listen, listening", code(socket.start_listen()));
    check("tcp shutdown, listening", code(socket.shutdown(ShutdownType::Both)));
    check("tcp remote-address, listening", shown(socket.remote_address()));
}

fn tcp_binding(network: &Network) {
    check("tcp bind, other family", code(bind(network, &tcp(), v6(LOOPBACK6, 0))));
    check("tcp bind, multicast", code(bind(network, &tcp(), v4(MULTICAST, 0))));
    check("tcp bind, broadcast", code(bind(network, &tcp(), v4(BROADCAST, 0))));
    check("tcp bind, not of this machine", code(bind(network, &tcp(), v4(NOWHERE, 0))));
    let six = create_tcp_socket(IpAddressFamily::Ipv6).expect("socket");
    check("tcp bind, ipv4 in ipv6", code(bind(network, &six, v6(MAPPED, 0))));
    let first = tcp();
    bind(network, &first, v4(LOOPBACK, 0)).expect("bind");
    listen(&first).expect("listen");
    let taken = port(first.local_address().expect("address"));
    check("tcp bind, in use", code(bind(network, &tcp(), v4(LOOPBACK, taken))));
    drop(first);
}

fn tcp_connecting(network: &Network) {
    check("tcp connect, port 0", code(connect(network, &tcp(), v4(LOOPBACK, 0))));
    check("tcp connect, unspecified", code(connect(network, &tcp(), v4(ANY, 80))));
    check("tcp connect, multicast", code(connect(network, &tcp(), v4(MULTICAST, 80))));
    check("tcp connect, broadcast", code(connect(network, &tcp(), v4(BROADCAST, 80))));
    check("tcp connect, other family", code(connect(network, &tcp(), v6(LOOPBACK6, 80))));
    let six = create_tcp_socket(IpAddressFamily::Ipv6).expect("socket");
    check("tcp connect, ipv4 in ipv6", code(connect(network, &six, v6(MAPPED, 80))));
    let gone = tcp();
    bind(network, &gone, v4(LOOPBACK, 0)).expect("bind");
    let free = port(gone.local_address().expect("address"));
    drop(gone);
    let socket = tcp();
    check("tcp connect, nobody listens", code(connect(network, &socket, v4(LOOPBACK, free))));
    check("tcp connect, after it failed", code(connect(network, &socket, v4(LOOPBACK, free))));
    check("tcp bind, after it failed", code(bind(network, &socket, v4(LOOPBACK, 0))));
    check("tcp listen, after it failed", code(listen(&socket)));
}

struct Pair {
    listener: TcpSocket,
    client: TcpSocket,
    server: TcpSocket,
    from_client: (InputStream, OutputStream),
    from_server: (InputStream, OutputStream),
}

fn pair(network: &Network) -> Pair {
    let listener = tcp();
    bind(network, &listener, v4(LOOPBACK, 0)).expect("bind");
    listen(&listener).expect("listen");
    let client = tcp();
    let from_client = connect(network, &client, listener.local_address().expect("address")).expect("connect");
    let (server, input, output) = finished(&listener, || listener.accept()).expect("accept");
    Pair { listener, client, server, from_client, from_server: (input, output) }
}

fn tcp_talking(network: &Network) {
    {
        let Pair { listener, client, server, from_client, from_server } = pair(network);
        check("tcp client, local-address", shown(client.local_address()));
        check("tcp client, remote-address", shown(client.remote_address()));
        let same = |one: &TcpSocket, other: &TcpSocket| {
            one.local_address().map(port).ok() == other.remote_address().map(port).ok()
        };
        check_value("tcp addresses agree", (same(&client, &server), same(&server, &client)));
        check_value("tcp accepted, address-family", server.address_family());
        check_value("tcp accepted, is-listening", server.is_listening());
        check("tcp connected, start-connect", code(client.start_connect(network, v4(LOOPBACK, 1))));
        check("tcp connected, start-bind", code(client.start_bind(network, v4(LOOPBACK, 0))));
        check("tcp connected, start-listen", code(client.start_listen()));
        check("tcp connected, accept", code(client.accept()));
        check("tcp connected, finish-connect", code(client.finish_connect()));
        check("tcp nothing to read", stream(from_server.0.read(10)));
        check("tcp write", stream(from_client.1.blocking_write_and_flush(b"hello")));
        check("tcp read", stream(from_server.0.blocking_read(10)));
        check("tcp answer", stream(from_server.1.blocking_write_and_flush(b"you too")));
        check("tcp read the answer", stream(from_client.0.blocking_read(3)));
        check("tcp read on", stream(from_client.0.blocking_read(10)));
        check("tcp shutdown send", code(client.shutdown(ShutdownType::Send)));
        check("tcp read after the other's shutdown", read_all(&from_server.0));
        check("tcp write against the half that is closed", stream(from_server.1.blocking_write_and_flush(b"still")));
        check("tcp read in the half that is open", stream(from_client.0.blocking_read(10)));
        check("tcp check-write after shutdown", stream(from_client.1.check_write().map(|_| ())));
        check("tcp write after shutdown", stream(from_client.1.blocking_write_and_flush(b"x")));
        check("tcp shutdown receive", code(client.shutdown(ShutdownType::Receive)));
        check("tcp read after shutdown", stream(from_client.0.blocking_read(1)));
        drop((from_client, from_server, client, server));
        drop(listener);
    }
    {
        let Pair { listener: _listener, client, server: _server, from_client, from_server } = pair(network);
        check_value("tcp check-write before shutdown", from_client.1.check_write().is_ok_and(|room| room > 0));
        from_server.1.blocking_write_and_flush(b"unread").expect("write");
        from_client.0.subscribe().block();
        check("tcp shutdown of both halves", code(client.shutdown(ShutdownType::Both)));
        check("tcp write that was allowed before", stream(from_client.1.write(b"x")));
        check("tcp read of what had arrived", stream(from_client.0.read(10)));
        check("tcp read nothing after shutdown", stream(from_client.0.read(0)));
    }
    {
        let Pair { listener: _listener, client: _client, server, from_client, from_server } = pair(network);
        const PIECES: usize = 300;
        let piece = [b'x'; 4096];
        let mut received = 0;
        for _ in 0..PIECES {
            from_client.1.blocking_write_and_flush(&piece).expect("write");
            received += from_server.0.blocking_read(1 << 16).expect("read").len();
        }
        while received < PIECES * piece.len() {
            received += from_server.0.blocking_read(1 << 16).expect("read").len();
        }
        check_value("tcp a megabyte", received);
        check("tcp shutdown both", code(server.shutdown(ShutdownType::Both)));
        check("tcp closed for the other", read_all(&from_client.0));
    }
    {
        let Pair { listener, from_client, from_server, client, server } = pair(network);
        drop((from_server, server));
        check("tcp dropped by the other", read_all(&from_client.0));
        drop((from_client, client));
        let again = tcp();
        let streams = connect(network, &again, listener.local_address().expect("address"));
        check("tcp connect to it again", code(streams));
    }
}

fn tcp_options() {
    let socket = tcp();
    check("set-listen-backlog-size(0)", code(socket.set_listen_backlog_size(0)));
    check("set-listen-backlog-size", code(socket.set_listen_backlog_size(32)));
    check("keep-alive-enabled", value(socket.keep_alive_enabled()));
    check("set-keep-alive-enabled", code(socket.set_keep_alive_enabled(true)));
    check("keep-alive-enabled, set", value(socket.keep_alive_enabled()));
    const SECOND: u64 = 1_000_000_000;
    check("set-keep-alive-idle-time(0)", code(socket.set_keep_alive_idle_time(0)));
    check("set-keep-alive-idle-time", code(socket.set_keep_alive_idle_time(42 * SECOND)));
    check("keep-alive-idle-time", value(socket.keep_alive_idle_time()));
    check("set-keep-alive-idle-time, a nanosecond", code(socket.set_keep_alive_idle_time(1)));
    check("keep-alive-idle-time, the least", value(socket.keep_alive_idle_time()));
    check("set-keep-alive-interval(0)", code(socket.set_keep_alive_interval(0)));
    check("set-keep-alive-interval", code(socket.set_keep_alive_interval(42 * SECOND)));
    check("keep-alive-interval", value(socket.keep_alive_interval()));
    check("set-keep-alive-count(0)", code(socket.set_keep_alive_count(0)));
    check("set-keep-alive-count", code(socket.set_keep_alive_count(42)));
    check("keep-alive-count", value(socket.keep_alive_count()));
    check("hop-limit", value(socket.hop_limit()));
    check("set-hop-limit(0)", code(socket.set_hop_limit(0)));
    check("set-hop-limit(64)", code(socket.set_hop_limit(64)));
    check("set-hop-limit(42)", code(socket.set_hop_limit(42)));
    check("receive-buffer-size", value(socket.receive_buffer_size().map(|size| size > 0)));
    check("set-receive-buffer-size(0)", code(socket.set_receive_buffer_size(0)));
    check("set-receive-buffer-size", code(socket.set_receive_buffer_size(65_536)));
    check("receive-buffer-size, set", value(socket.receive_buffer_size().map(|size| size >= 65_536)));
    check("set-receive-buffer-size, too much", code(socket.set_receive_buffer_size(u64::MAX)));
    check("send-buffer-size", value(socket.send_buffer_size().map(|size| size > 0)));
    check("set-send-buffer-size(0)", code(socket.set_send_buffer_size(0)));
    check("set-send-buffer-size", code(socket.set_send_buffer_size(65_536)));
    check("send-buffer-size, set", value(socket.send_buffer_size().map(|size| size >= 65_536)));
    check("set-send-buffer-size, too much", code(socket.set_send_buffer_size(u64::MAX)));
}

fn udp_bind(network: &Network, socket: &UdpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(network, address)?;
    let pollable = socket.subscribe();
    loop {
        match socket.finish_bind() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            result => return result,
        }
    }
}

fn udp_states(network: &Network) {
    let socket = udp();
    check_value("udp address-family", socket.address_family());
    check("udp ipv6 address-family", value(create_udp_socket(IpAddressFamily::Ipv6).map(|socket| socket.address_family())));
    check("udp local-address, unbound", shown(socket.local_address()));
    check("udp remote-address, unbound", shown(socket.remote_address()));
    check("udp finish-bind, not begun", code(socket.finish_bind()));
    check("udp stream, unbound", code(socket.stream(None)));
    check("udp start-bind", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("udp start-bind, under way", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    socket.subscribe().block();
    check("udp finish-bind", code(socket.finish_bind()));
    check("udp finish-bind, finished", code(socket.finish_bind()));
    check("udp start-bind, bound", code(socket.start_bind(network, v4(LOOPBACK, 0))));
    check("udp local-address", shown(socket.local_address()));
    check("udp remote-address, not connected", shown(socket.remote_address()));
    let taken = port(socket.local_address().expect("address"));
    check("udp bind, in use", code(udp_bind(network, &udp(), v4(LOOPBACK, taken))));
    check("udp bind, other family", code(udp_bind(network, &udp(), v6(LOOPBACK6, 0))));
    check("udp bind, not of this machine", code(udp_bind(network, &udp(), v4(NOWHERE, 0))));
    check("udp stream to port 0", code(socket.stream(Some(v4(LOOPBACK, 0)))));
    check("udp stream to unspecified", code(socket.stream(Some(v4(ANY, 80)))));
    check("udp stream to other family", code(socket.stream(Some(v6(LOOPBACK6, 80)))));
}

fn send(output: &OutgoingDatagramStream, data: &[u8], to: Option<IpSocketAddress>) -> String {
    let pollable = output.subscribe();
    while output.check_send().is_ok_and(|count| count == 0) {
        pollable.block();
    }
    value(output.send(&[OutgoingDatagram { data: data.to_vec(), remote_address: to }]))
}

fn udp_talking(network: &Network) {
    let (one, other) = (udp(), udp());
    udp_bind(network, &one, v4(LOOPBACK, 0)).expect("bind");
    udp_bind(network, &other, v4(LOOPBACK, 0)).expect("bind");
    let one_at = one.local_address().expect("address");
    let other_at = other.local_address().expect("address");
    let (receive, answer) = other.stream(None).expect("stream");
    check("udp nothing to receive", value(receive.receive(10).map(|datagrams| datagrams.len())));
    check("udp receive(0)", value(receive.receive(0).map(|datagrams| datagrams.len())));
    {
        let (input, output) = one.stream(None).expect("stream");
        output.subscribe().block();
        check("udp check-send", value(output.check_send().map(|count| count > 0)));
        check("udp send nothing", value(output.send(&[])));
        check("udp send", send(&output, b"hello", Some(other_at)));
        receive.subscribe().block();
        let datagrams = receive.receive(10).expect("receive");
        check_value("udp receive", datagrams.iter().map(|datagram| String::from_utf8_lossy(&datagram.data).into_owned()).collect::<Vec<_>>());
        check_value("udp received from", datagrams.iter().all(|datagram| port(datagram.remote_address) == port(one_at)));
        check("udp answer", send(&answer, b"you too", Some(one_at)));
        input.subscribe().block();
        check_value("udp receive the answer", input.receive(1).map(|datagrams| datagrams.len()).ok());
        check("udp send to nobody", send(&output, b"x", None));
        check("udp send to port 0", send(&output, b"x", Some(v4(LOOPBACK, 0))));
        check("udp send to unspecified", send(&output, b"x", Some(v4(ANY, 80))));
        check("udp send to other family", send(&output, b"x", Some(v6(LOOPBACK6, 80))));
        check("udp send too much", send(&output, &[0; 65_536], Some(other_at)));
        check("udp send an empty one", send(&output, b"", Some(other_at)));
        receive.subscribe().block();
        check("udp receive an empty one", value(receive.receive(1).map(|datagrams| datagrams.iter().map(|datagram| datagram.data.len()).collect::<Vec<_>>())));
    }
    {
        let (_input, output) = one.stream(Some(other_at)).expect("stream");
        check("udp remote-address, connected", shown(one.remote_address()));
        check("udp send, connected", send(&output, b"hello", None));
        check("udp send, connected and named", send(&output, b"again", Some(other_at)));
        check("udp send, connected, to another", send(&output, b"x", Some(one_at)));
        let mut count = 0;
        while count < 2 {
            receive.subscribe().block();
            count += receive.receive(10).expect("receive").len();
        }
        check_value("udp received, connected", count);
    }
    {
        let gone = udp();
        udp_bind(network, &gone, v4(LOOPBACK, 0)).expect("bind");
        let (_input, output) = gone.stream(None).expect("stream");
        check("udp send, then gone", send(&output, b"last words", Some(other_at)));
    }
    receive.subscribe().block();
    check("udp received after it", value(receive.receive(1).map(|datagrams| datagrams.len())));
    {
        let streams = one.stream(None);
        check("udp stream, not connected any more", code(streams.as_ref().map(|_| ()).map_err(|error| *error)));
        check("udp remote-address, not connected any more", shown(one.remote_address()));
    }
    {
        let everywhere = udp();
        udp_bind(network, &everywhere, v4(ANY, 0)).expect("bind");
        let before = everywhere.local_address().map(port);
        let streams = everywhere.stream(Some(other_at));
        check("udp connected from everywhere, local-address", shown(everywhere.local_address()));
        check_value("udp connected from everywhere, port", everywhere.local_address().map(port) == before);
        drop(streams);
        drop(everywhere.stream(None));
        check("udp disconnected, local-address", shown(everywhere.local_address()));
        check_value("udp disconnected, port", everywhere.local_address().map(port) == before);
    }
    {
        let gone = udp();
        udp_bind(network, &gone, v4(LOOPBACK, 0)).expect("bind");
        let gone_at = gone.local_address().expect("address");
        drop(gone);
        let (input, output) = one.stream(Some(gone_at)).expect("stream");
        check("udp send to one that is gone", send(&output, b"anybody?", None));
        input.subscribe().block();
        check("udp receive from one that is gone", value(input.receive(1).map(|datagrams| datagrams.len())));
    }
}

fn udp_options() {
    let socket = udp();
    check("unicast-hop-limit", value(socket.unicast_hop_limit()));
    check("set-unicast-hop-limit(0)", code(socket.set_unicast_hop_limit(0)));
    check("set-unicast-hop-limit", code(socket.set_unicast_hop_limit(42)));
    check("unicast-hop-limit, set", value(socket.unicast_hop_limit()));
    check("udp receive-buffer-size", value(socket.receive_buffer_size().map(|size| size > 0)));
    check("udp set-receive-buffer-size(0)", code(socket.set_receive_buffer_size(0)));
    check("udp set-receive-buffer-size", code(socket.set_receive_buffer_size(65_536)));
    check("udp receive-buffer-size, set", value(socket.receive_buffer_size().map(|size| size >= 65_536)));
    check("udp send-buffer-size", value(socket.send_buffer_size().map(|size| size > 0)));
    check("udp set-send-buffer-size(0)", code(socket.set_send_buffer_size(0)));
    check("udp set-send-buffer-size", code(socket.set_send_buffer_size(65_536)));
    check("udp send-buffer-size, set", value(socket.send_buffer_size().map(|size| size >= 65_536)));
}

fn resolve(network: &Network, name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let addresses = resolve_addresses(network, name)?;
    let pollable = addresses.subscribe();
    let mut all = Vec::new();
    loop {
        match addresses.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            Err(error) => return Err(error),
            Ok(None) => return Ok(all),
            Ok(Some(address)) => all.push(address),
        }
    }
}

fn lookup(network: &Network) {
    let local = resolve(network, "localhost").map(|addresses| {
        addresses.iter().any(|address| matches!(address, IpAddress::Ipv4((127, 0, 0, 1)) | IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1))))
    });
    check("resolve-addresses localhost", value(local));
    check("resolve-addresses of an address", value(resolve(network, "127.0.0.1")));
    check("resolve-addresses of an ipv6 address", value(resolve(network, "::1")));
    for name in ["", " ", "not a name", "a..b", "127.0.0.1:80", "http://localhost", "local\0host"] {
        check(&format!("resolve-addresses {name:?}"), code(resolve(network, name)));
    }
    let addresses = ["[::1]", "[::1", "fe80::1%lo", "[fe80::1%25lo]", "2001:DB8::0:1", "::ffff:127.0.0.1", "127.1", "0x7f.0.0.1"];
    for name in addresses.into_iter().chain(["127.0.0.1.", "1.2.3.4.5", "256.1.1.1"]) {
        check(&format!("resolve-addresses {name:?}"), value(resolve(network, name)));
    }
    for name in ["LOCALHOST", "%6Cocalhost", "\u{ff4c}ocalhost"] {
        check(&format!("resolve-addresses {name:?}"), value(resolve(network, name).map(|all| !all.is_empty())));
    }
    check("resolve-addresses of a very long name", code(resolve(network, &"\u{e4}".repeat(100_000))));
}
