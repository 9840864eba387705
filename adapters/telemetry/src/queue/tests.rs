use super::*;
use std::sync::mpsc;

/// An output that takes a line only when the test lets it.
struct Gate {
    open: mpsc::Receiver<()>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.open.recv();
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gated(capacity: usize, overflow: Overflow) -> (Arc<Queue>, mpsc::Sender<()>, Arc<Mutex<Vec<u8>>>) {
    let (opener, open) = mpsc::channel();
    let written = Arc::new(Mutex::new(Vec::new()));
    let gate = Gate { open, written: Arc::clone(&written) };
    (Queue::start(capacity, overflow, gate).unwrap(), opener, written)
}

fn lines(written: &Mutex<Vec<u8>>) -> usize {
    written.lock().unwrap().iter().filter(|&&b| b == b'\n').count()
}

#[test]
fn an_output_that_stands_still_costs_lines_and_nobody_waits() {
    let (queue, opener, written) = gated(16, Overflow::Drop);
    let started = Instant::now();
    let told: u64 = (0..1000).map(|_| queue.push(b"line\n")).sum();
    assert!(started.elapsed() < Duration::from_millis(500));
    drop(opener); // the gate stands open now
    queue.flush(Duration::from_secs(5));
    let dropped = told + queue.push(b"last\n");
    queue.flush(Duration::from_secs(5));
    assert_eq!(lines(&written) as u64 + dropped, 1001);
    assert!(dropped >= 1000 - 2 * 16, "{dropped}");
}

#[test]
fn blocking_loses_no_line() {
    let (queue, opener, written) = gated(16, Overflow::Block);
    drop(opener);
    let pushed = (0..1000).map(|_| queue.push(b"line\n")).sum::<u64>();
    queue.flush(Duration::from_secs(5));
    assert_eq!((pushed, lines(&written)), (0, 1000));
}

#[test]
fn a_flush_gives_up_on_an_output_that_stands_still() {
    let (queue, _opener, written) = gated(16, Overflow::Drop);
    queue.push(b"line\n");
    let started = Instant::now();
    queue.flush(Duration::from_millis(50));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(lines(&written), 0);
}
