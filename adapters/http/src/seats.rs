//! How many connections, or streams of events, one address may hold.

use crate::config::HttpConfig;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Counts those of each address.
pub(crate) struct Seats {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    limit: usize,
    config: HttpConfig,
}

/// The place of one; free again when dropped.
pub(crate) struct Seat {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    key: Option<IpAddr>,
}

impl Seats {
    /// So many for each address.
    pub(crate) fn new(config: &HttpConfig, limit: usize) -> Self {
        Self { taken: Arc::default(), limit, config: config.clone() }
    }

    /// None if `address` has as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        if self.config.trusts(address) {
            return Some(Seat { taken: self.taken.clone(), key: None });
        }
        let key = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Seat { taken: self.taken.clone(), key: Some(key) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&key);
            }
        }
    }
}

/// An IPv6 host commonly has a whole /64 network to itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(limit: usize, trusted: &[&str]) -> Seats {
        let trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let config = HttpConfig { trusted_proxies, ..HttpConfig::default() };
        Seats::new(&config, limit)
    }

    #[test]
    fn an_address_gets_so_many_seats_and_gets_them_back() {
        let seats = seats(2, &[]);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let held = [seats.take(address).unwrap(), seats.take(address).unwrap()];
        assert!(seats.take(address).is_none());
        assert!(seats.take("192.0.2.2".parse().unwrap()).is_some());
        drop(held);
        assert!(seats.taken.lock().unwrap().is_empty());
        assert!(seats.take(address).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let seats = seats(1, &[]);
        let _held = seats.take("2001:db8::1".parse().unwrap()).unwrap();
        assert!(seats.take("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(seats.take("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[test]
    fn a_trusted_proxy_has_no_limit() {
        let seats = seats(1, &["10.0.0.0/8"]);
        let address = "10.1.2.3".parse().unwrap();
        let held = [seats.take(address), seats.take(address)];
        assert!(held.iter().all(Option::is_some));
    }
}
