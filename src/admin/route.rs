//! What a request asks for, and whether it is answered at all. Pure.

use std::net::IpAddr;

use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

/// What there is to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    Page,
    Metrics,
    Live,
    Ready,
    Status,
    Config,
    History,
    Rollout,
}

impl Path {
    const ALL: [(&str, Path); 8] = [
        ("/", Path::Page),
        ("/metrics", Path::Metrics),
        ("/live", Path::Live),
        ("/ready", Path::Ready),
        ("/status", Path::Status),
        ("/config", Path::Config),
        ("/history", Path::History),
        ("/rollout", Path::Rollout),
    ];
}

/// Why a request is not answered: a status and a line.
pub(super) type Refusal = (StatusCode, String);

/// What a request asks for that came to an address of the loopback interface, or to another one.
pub(super) fn route(request: &Parts, is_loopback: bool) -> Result<Path, Refusal> {
    if is_loopback && let Some(name) = foreign_name(request) {
        let line = format!(
            "{name:?} is not this machine: a page of another site may be asking; use an IP address or localhost"
        );
        return Err((StatusCode::MISDIRECTED_REQUEST, line));
    }
    let length = request.headers.get(CONTENT_LENGTH).map(|length| length.as_bytes());
    if request.headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != b"0") {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "no request has a body here; leave it out".into()));
    }
    let path = request.uri.path();
    let Some((_, known)) = Path::ALL.iter().find(|(known, _)| *known == path) else {
        let known = Path::ALL.map(|(known, _)| known).join(" ");
        return Err((StatusCode::NOT_FOUND, format!("there is nothing at this path; there are {known}")));
    };
    if request.method != Method::GET && request.method != Method::HEAD {
        let line = "nothing can be changed here; use GET or HEAD".into();
        return Err((StatusCode::METHOD_NOT_ALLOWED, line));
    }
    Ok(*known)
}

/// The host that the request names, where that is a name and not `localhost`. A web site whose name leads to this
/// machine (DNS rebinding) could else read everything here through its visitors' browsers.
fn foreign_name(request: &Parts) -> Option<String> {
    let in_uri = request.uri.authority().map(|authority| authority.as_str());
    let in_header =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers.get_all(HOST).iter().map(in_header);
    headers.chain(in_uri.map(String::from)).find(|authority| !is_ours(authority))
}

fn is_ours(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_address = bare.parse::<IpAddr>().is_ok() || host.is_empty();
    port.bytes().all(|byte| byte.is_ascii_digit()) && (is_address || host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn every_path_is_found_and_another_one_is_told_which_there_are() {
        for (path, known) in Path::ALL {
            for method in ["GET", "HEAD"] {
                assert_eq!(route(&request(method, &format!("{path}?x=1"), &[]), true), Ok(known));
            }
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
                let (status, line) = route(&request(method, path, &[]), true).unwrap_err();
                assert_eq!((status.as_u16(), line.contains("GET")), (405, true));
            }
        }
        for path in ["/x", "/status/", "//", "/Status", "/../status"] {
            let (status, line) = route(&request("GET", path, &[]), true).unwrap_err();
            assert_eq!(status.as_u16(), 404, "{path}");
            assert!(line.contains("/status") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_body_is_refused_by_its_first_byte() {
        let status =
            |headers: &[_]| route(&request("GET", "/live", headers), true).map_err(|(s, _)| s.as_u16());
        assert_eq!(status(&[("content-length", "0")]), Ok(Path::Live));
        assert_eq!(status(&[("content-length", "1")]), Err(413));
        assert_eq!(status(&[("transfer-encoding", "chunked")]), Err(413));
    }

    #[test]
    fn a_name_is_refused_on_loopback_and_addresses_are_not() {
        let status = |host: &str, is_loopback| {
            route(&request("GET", "/", &[("host", host)]), is_loopback).map_err(|(status, _)| status.as_u16())
        };
        for host in ["localhost", "LocalHost:9211", "127.0.0.1:9211", "[::1]:9211", "[::1]", "10.0.0.1", ""] {
            assert_eq!(status(host, true), Ok(Path::Page), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9211",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "a:b:c",
        ] {
            assert_eq!(status(host, true), Err(421), "{host}");
            assert_eq!(status(host, false), Ok(Path::Page), "{host}");
        }
        let two = request("GET", "http://evil.example/", &[("host", "localhost")]);
        assert_eq!(route(&two, true).unwrap_err().0.as_u16(), 421);
    }
}
