//! The *floor*: the cheapest server there can be, which only receives and sends, and blocks in both.
//!
//! It serves its connections in turn and never looks which one has something: the load generator keeps all of them
//! asking (or asks in their order), so it waits for nobody in vain. It is a process of its own, this binary started
//! with a hidden argument, so that its cost is accounted for as a server's is.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};

use socket2::{Domain, Socket, Type};

use crate::support::machine::Cores;
use crate::support::process::{Process, Server};
use crate::support::question::Question;
use crate::workload::Shape;

/// The hidden argument; what follows it is the way to serve, connections, and bytes of a request.
const ORDER: &str = "--floor";
/// Why it takes no part in a churn. Tried: 1.4 times the cost of mimikyu.
pub const NO_CHURN: &str = "no floor here: a server that waits for one client at a time sleeps and wakes for each step of \
    each, and costs more than one that has many at a time";
const WAITING_MAX: i32 = 4096;
const BUFFER_BYTES: usize = 64 * 1024;

/// What the process was started for, if it is a floor.
pub struct Order {
    way: String,
    connections: usize,
    request_bytes: usize,
}

/// The order in the arguments of this process.
pub fn order() -> Option<Order> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != ORDER {
        return None;
    }
    let way = arguments.next()?;
    let connections = arguments.next()?.parse().ok()?;
    let request_bytes = arguments.next()?.parse().ok()?;
    Some(Order { way, connections, request_bytes })
}

/// Starts a floor for one round. It gets the reply on its standard input and tells its address.
pub fn start(shape: Shape, question: &Question, cores: &Cores) -> io::Result<Server> {
    let (way, connections) = match shape {
        Shape::Steady { connections, .. } | Shape::Poll { connections } => ("turns", connections),
        Shape::Storm { connections } => ("storm", connections),
        Shape::Churn { .. } => return Err(io::Error::other(NO_CHURN)),
    };
    // And not `current_exe`, which leads nowhere once a build has replaced the file.
    let mut command = Command::new("/proc/self/exe");
    command.args([ORDER, way, &connections.to_string(), &question.request.len().to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process(cores.as_server(|| command.spawn())??);
    // Closed once written: its end is the reply's.
    process.0.stdin.take().expect("piped").write_all(&question.reply)?;
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().expect("piped")).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse().map_err(|_| io::Error::other("the floor did not start"))?;
    Ok(Server { process, address })
}

/// The floor's own main.
pub fn serve(order: Order) -> ExitCode {
    // The load generator leaves in the middle of a sentence: that is this process's usual end.
    let _ = try_serve(&order);
    ExitCode::SUCCESS
}

fn try_serve(order: &Order) -> io::Result<()> {
    let mut reply = Vec::new();
    io::stdin().read_to_end(&mut reply)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(WAITING_MAX)?;
    let listener = TcpListener::from(socket);
    println!("{}", listener.local_addr()?);
    let mut floor = Floor { reply, request_bytes: order.request_bytes, buffer: vec![0; BUFFER_BYTES] };
    match order.way.as_str() {
        "turns" => floor.turns(&listener, order.connections),
        _ => floor.storm(&listener, order.connections),
    }
}

struct Floor {
    /// One reply; as many one after the other as a batch has had requests so far.
    reply: Vec<u8>,
    request_bytes: usize,
    buffer: Vec<u8>,
}

impl Floor {
    /// Connections that stay, served in the order in which they came.
    fn turns(&mut self, listener: &TcpListener, connections: usize) -> io::Result<()> {
        let mut clients: Vec<_> = (0..connections).map(|_| accept(listener)).collect::<io::Result<_>>()?;
        let one = self.reply.clone();
        loop {
            for client in &mut clients {
                let mut received = client.read(&mut self.buffer)?;
                if received == 0 {
                    return Ok(());
                }
                // Batches come in one piece over loopback; one that does not is waited for.
                while received % self.request_bytes != 0 {
                    received += client.read(&mut self.buffer)?;
                }
                let wanted = received / self.request_bytes * one.len();
                while self.reply.len() < wanted {
                    self.reply.extend_from_slice(&one);
                }
                client.write_all(&self.reply[..wanted])?;
            }
        }
    }

    /// Connections one after the other, all of which stay.
    fn storm(&mut self, listener: &TcpListener, connections: usize) -> io::Result<()> {
        let mut clients = Vec::with_capacity(connections);
        loop {
            let mut client = accept(listener)?;
            if client.read(&mut self.buffer)? > 0 {
                client.write_all(&self.reply)?;
            }
            clients.push(client);
        }
    }
}

fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    listener.accept().map(|(client, _)| client)
}
