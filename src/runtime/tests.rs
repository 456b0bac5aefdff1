//! What both kinds can do, told once for each.

/// The same tests of either kind.
macro_rules! tests {
    ($kind:ident) => {
        mod $kind {
            use std::io::ErrorKind;
            use std::net::{Ipv4Addr, Shutdown, TcpListener as StdListener, TcpStream as StdStream};

            use socket2::{Domain, Socket, Type};

            use crate::runtime::$kind::{TcpStream, begin, listener, stream};

            /// A socket that does not wait until it is connected.
            fn connecting(to: std::net::SocketAddr) -> StdStream {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                // It says that it is under way.
                let _ = socket.connect(&to.into());
                socket.into()
            }

            async fn read_all(stream: &TcpStream, capacity: usize) -> Vec<u8> {
                let mut all = Vec::new();
                loop {
                    let (read, buffer) = stream.read(Vec::with_capacity(capacity)).await;
                    let length = read.unwrap();
                    assert_eq!(buffer.len(), length);
                    if length == 0 {
                        return all;
                    }
                    all.extend(buffer);
                }
            }

            #[test]
            fn more_than_sockets_hold_comes_whole_in_both_directions() {
                begin().unwrap().block_on(async {
                    let clients = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                    let address = clients.local_addr().unwrap();
                    let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
                    let echo = tokio::task::spawn_local(async move {
                        let (client, from) = listener(clients).unwrap().accept().await.unwrap();
                        let received = read_all(&client, 4096).await;
                        client.write_all(received).await.0.unwrap();
                        from
                    });
                    let client = stream(connecting(address)).unwrap();
                    client.write_all(sent.clone()).await.0.unwrap();
                    client.shutdown(Shutdown::Write).unwrap();
                    assert!(read_all(&client, 5000).await == sent);
                    assert!(echo.await.unwrap().ip().is_loopback());
                });
            }

            #[test]
            fn who_can_not_be_connected_to_is_told_at_the_first_write() {
                begin().unwrap().block_on(async {
                    let nobody = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
                    let client = stream(connecting(nobody)).unwrap();
                    let error = client.write_all(b"x".to_vec()).await.0.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                });
            }

            #[test]
            fn who_shuts_down_reads_the_end() {
                begin().unwrap().block_on(async {
                    let clients = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                    let client = stream(StdStream::connect(clients.local_addr().unwrap()).unwrap()).unwrap();
                    client.shutdown(Shutdown::Both).unwrap();
                    assert_eq!(client.read(Vec::with_capacity(1)).await.0.unwrap(), 0);
                });
            }
        }
    };
}

tests!(alone);
#[cfg(not(target_env = "musl"))]
tests!(ring);
