//! What of a configuration this machine can keep to: directories, addresses, descriptors. Nothing is changed by looking.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use mimikyu::config::Fault;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities};

/// Ports below this one are for who has a capability, unless a sysctl says otherwise.
const PORT_UNPRIVILEGED: u16 = 1024;

/// Whether the state file can be kept where it is to be.
pub fn state(path: &Path) -> Result<(), Fault> {
    // A link to a file that is not there yet is followed by who writes it.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    match fs::metadata(&path) {
        Ok(there) if !there.is_file() => {
            let what = format!("{} is no regular file", path.display());
            return Err(Fault::new(what, "name a file in a directory of its own"));
        }
        Ok(_) => access(&path, Access::READ_OK | Access::WRITE_OK).map_err(|errno| {
            let what = format!("{} can't be read and written: {}", path.display(), io::Error::from(errno));
            Fault::new(what, "give it to the user that runs mimikyu")
        })?,
        Err(_) => {}
    }
    directory(&path)
}

/// Whether the socket for takeovers can be made where it is to be.
pub fn takeover(path: &Path) -> Result<(), Fault> {
    if fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
        let what = format!("{} is another file, which is not replaced", path.display());
        return Err(Fault::new(what, "name a path where nothing is"));
    }
    directory(path)
}

/// Whether files can be made and renamed in the directory of this one.
fn directory(path: &Path) -> Result<(), Fault> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let shown = parent.display();
    let cure = "give it to the user that runs mimikyu";
    match fs::metadata(parent) {
        Ok(there) if !there.is_dir() => {
            Err(Fault::new(format!("{shown} is no directory"), "name a file in a directory"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let cure = format!("make it (mkdir -p {shown}) for the user that runs mimikyu");
            Err(Fault::new(format!("the directory {shown} does not exist"), cure))
        }
        Err(error) => Err(Fault::new(format!("the directory {shown} can't be looked at: {error}"), cure)),
        Ok(_) => access(parent, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|errno| {
            let error = io::Error::from(errno);
            Fault::new(format!("the directory {shown} can't be written to: {error}"), cure)
        }),
    }
}

/// Whether this machine has the address, and this user may have the port.
pub fn address(address: SocketAddr) -> Result<(), Fault> {
    is_here(address)?;
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first = first.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(PORT_UNPRIVILEGED);
    let port = address.port();
    let is_capable =
        capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_BIND_SERVICE));
    if port == 0 || port >= first || is_capable {
        return Ok(());
    }
    let what = format!("port {port} is below {first}, which needs CAP_NET_BIND_SERVICE");
    Err(Fault::new(
        what,
        format!(
            "give the capability (AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose a port from {first} on"
        ),
    ))
}

/// Asks the kernel with a socket for datagrams at a port of its choice: nobody is in its way, nor it in anybody's.
fn is_here(address: SocketAddr) -> Result<(), Fault> {
    let mut anywhere = address;
    anywhere.set_port(0);
    let Err(error) = UdpSocket::bind(anywhere) else { return Ok(()) };
    let ip = address.ip();
    match Errno::from_io_error(&error) {
        Some(Errno::ADDRNOTAVAIL) if ip.is_ipv6() && !has_ipv6() => Err(no_ipv6()),
        Some(Errno::AFNOSUPPORT) => Err(no_ipv6()),
        Some(Errno::ADDRNOTAVAIL) => {
            let all: IpAddr = if ip.is_ipv6() { [0u16; 8].into() } else { [0u8; 4].into() };
            let cure =
                format!("choose one of them (ip address), or {}", SocketAddr::new(all, address.port()));
            Err(Fault::new(format!("{ip} is no address of this machine"), cure))
        }
        // Of other troubles the start tells.
        _ => Ok(()),
    }
}

fn no_ipv6() -> Fault {
    Fault::new(
        "this machine has no IPv6",
        "listen on an IPv4 address, or allow IPv6 (net.ipv6.conf.all.disable_ipv6=0)",
    )
}

/// Whether this machine has an address of IPv6.
fn has_ipv6() -> bool {
    fs::read_to_string("/proc/net/if_inet6").is_ok_and(|addresses| !addresses.is_empty())
}

/// The cgroup's share of CPUs, where there is such a limit: `cpu.max` of the second version, quota and period of the first.
pub fn cpu_quota() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, group) = (fields.next()?, fields.next()?);
            let below = |mount: &str| {
                let root = PathBuf::from("/sys/fs/cgroup").join(mount);
                // In a container the group's own path may not be there: then the mount is the group.
                let own = root.join(group.trim_start_matches('/'));
                if own.is_dir() { own } else { root }
            };
            if controllers.is_empty() {
                let text = fs::read_to_string(below("").join("cpu.max")).ok()?;
                let (quota, period) = text.trim().split_once(' ')?;
                return share(quota, period);
            }
            controllers.split(',').find(|name| *name == "cpu")?;
            let group = below(controllers);
            let number = |name: &str| fs::read_to_string(group.join(name)).ok();
            share(number("cpu.cfs_quota_us")?.trim(), number("cpu.cfs_period_us")?.trim())
        })
        .min_by(f64::total_cmp)
}

/// How many CPUs a quota of a period is; none where there is no limit (`max`, -1).
fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_directory_lacks_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let here = |name: &str| directory.path().join(name);
        fs::write(here("file"), "").unwrap();
        assert_eq!((state(&here("new")), state(&here("file"))), (Ok(()), Ok(())));
        assert_eq!(takeover(&here("new")), Ok(()));
        for (outcome, what) in [
            (state(&here("absent/state")), "absent does not exist"),
            (state(&here("file/state")), "file is no directory"),
            (state(directory.path()), "is no regular file"),
            (takeover(&here("absent/socket")), "absent does not exist"),
            (takeover(&here("file")), "is another file, which is not replaced"),
        ] {
            let fault = outcome.unwrap_err();
            assert!(fault.what.ends_with(what), "{fault}");
        }
    }

    #[test]
    fn addresses_of_others_are_not_here() {
        for here in ["127.0.0.1:0", "0.0.0.0:11211", "127.0.0.1:65535"] {
            assert_eq!(address(here.parse().unwrap()), Ok(()), "{here}");
        }
        let fault = address("192.0.2.1:11211".parse().unwrap()).unwrap_err().to_string();
        let line =
            "192.0.2.1 is no address of this machine; choose one of them (ip address), or 0.0.0.0:11211";
        assert_eq!(fault, line);
    }

    #[test]
    fn a_quota_is_a_number_of_cpus() {
        assert_eq!(share("50000", "100000"), Some(0.5));
        for (quota, period) in [("max", "100000"), ("-1", "100000"), ("1", "0"), ("", "")] {
            assert_eq!(share(quota, period), None);
        }
    }
}
