//! What scanning and writing cost: `cargo bench --bench resp`. One element is one argument, or one reply's element.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use respool::resp::reply::{ReplyScanner, Value};
use respool::resp::request::{Limits, RequestScanner, Scan};
use respool::resp::write::append_request;
use respool::resp::{Protocol, Writer};

fn scan_requests(scanner: &mut RequestScanner, mut input: &[u8]) -> usize {
    let mut arguments = 0;
    while let Ok(Scan::Complete { consumed }) = scanner.scan(input, true) {
        arguments += scanner.args(input).len();
        input = &input[consumed..];
    }
    arguments
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    let value = [b'v'; 64];
    let mut pipeline = Vec::new();
    for number in 0..16 {
        let key = format!("key:{number:08}");
        append_request(&mut pipeline, [b"SET".as_slice(), key.as_bytes(), &value].into_iter());
        append_request(&mut pipeline, [b"GET".as_slice(), key.as_bytes()].into_iter());
    }
    let keys: Vec<String> = (0..1000).map(|number| format!("key:{number:08}")).collect();
    let mut mget = Vec::new();
    append_request(&mut mget, keys.iter().map(|key| key.as_bytes()));
    let inline = b"SET key:00000001 value\r\n".repeat(16);
    let mut scanner = RequestScanner::new(Limits::default());
    for (name, input, arguments) in
        [("16 x (SET, GET)", &pipeline, 80), ("1000 arguments", &mget, 1000), ("16 x inline SET", &inline, 48)]
    {
        group.throughput(Throughput::Elements(arguments));
        assert_eq!(scan_requests(&mut scanner, input) as u64, arguments);
        group.bench_function(name, |bencher| bencher.iter(|| scan_requests(&mut scanner, black_box(input))));
    }
    // Every piece is scanned when it comes in, the bytes of the request before it being there.
    let mut large = Vec::new();
    append_request(&mut large, (0..10_000).map(|_| value.as_slice()));
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10000 arguments in pieces of 1 KiB", |bencher| {
        bencher.iter(|| {
            let mut to = 0;
            while to < large.len() {
                to = large.len().min(to + 1024);
                black_box(scanner.scan(&large[..to], true)).ok();
            }
        });
    });
    group.finish();
}

fn scan_replies(scanner: &mut ReplyScanner, mut input: &[u8]) -> usize {
    let mut replies = 0;
    while !input.is_empty() {
        let Ok(progress) = scanner.scan(input) else { break };
        replies += usize::from(progress.complete);
        input = &input[progress.consumed..];
    }
    replies
}

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply");
    let mut mget = Vec::new();
    let mut writer = Writer::new(&mut mget, Protocol::Resp2);
    writer.array(1000);
    for _ in 0..1000 {
        writer.bulk(&[b'v'; 64]);
    }
    let oks = b"+OK\r\n".repeat(100);
    let integers = b":12345\r\n".repeat(100);
    let mut scanner = ReplyScanner::new();
    for (name, input, elements, replies) in
        [("MGET of 1000", &mget, 1001, 1), ("100 x +OK", &oks, 100, 100), ("100 x :12345", &integers, 100, 100)]
    {
        group.throughput(Throughput::Elements(elements));
        assert_eq!(scan_replies(&mut scanner, input), replies);
        group.bench_function(name, |bencher| bencher.iter(|| scan_replies(&mut scanner, black_box(input))));
    }
    group.throughput(Throughput::Elements(1001));
    group.bench_function("MGET of 1000, parsed", |bencher| bencher.iter(|| Value::parse(black_box(&mget))));
    group.finish();
}

fn writer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    let mut out = Vec::new();
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000 bulks", |bencher| {
        bencher.iter(|| {
            out.clear();
            let mut writer = Writer::new(&mut out, Protocol::Resp2);
            writer.array(1000);
            for _ in 0..1000 {
                writer.bulk(black_box(&[b'v'; 64]));
            }
        });
    });
    for (name, value) in [("1000 doubles", 0.1), ("1000 whole doubles", 1700000000.0)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                let mut writer = Writer::new(&mut out, Protocol::Resp3);
                for _ in 0..1000 {
                    writer.double(black_box(value));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, requests, replies, writer);
criterion_main!(benches);
