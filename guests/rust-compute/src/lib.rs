//! `example:compute` in Rust, optimised for speed.

wit_bindgen::generate!({ path: "wit", world: "compute" });

use exports::example::compute::work::Guest;
use std::hint::black_box;

struct Compute;

fn numbers(count: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_u32;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        })
        .collect()
}

fn repeat(times: u32, mut once: impl FnMut() -> u64) -> u64 {
    (0..times).fold(0, |sum, _| sum.wrapping_add(once()))
}

impl Guest for Compute {
    fn hash(times: u32) -> u64 {
        let bytes: Vec<u8> = numbers(16_384).iter().flat_map(|n| n.to_le_bytes()).collect();
        repeat(times, || sha256(black_box(&bytes)))
    }

    fn sort(times: u32) -> u64 {
        let unsorted = numbers(20_000);
        repeat(times, || {
            let mut sorted = unsorted.clone();
            sorted.sort_unstable();
            u64::from(black_box(&sorted)[10_000])
        })
    }

    fn matrix(times: u32) -> u64 {
        const SIDE: usize = 96;
        let floats = |seed: u32| -> Vec<f64> { numbers(SIDE * SIDE).iter().map(|n| f64::from(n ^ seed) / 1e6).collect() };
        let (a, b) = (floats(1), floats(2));
        let mut c = vec![0.0; SIDE * SIDE];
        repeat(times, || {
            for row in 0..SIDE {
                for column in 0..SIDE {
                    let mut sum = 0.0;
                    for i in 0..SIDE {
                        sum += a[row * SIDE + i] * b[i * SIDE + column];
                    }
                    c[row * SIDE + column] = sum;
                }
            }
            black_box(&c)[SIDE] as u64
        })
    }

    fn interpret(times: u32) -> u64 {
        let program = primes();
        repeat(times, || run(black_box(&program)))
    }

    fn scan(times: u32) -> u64 {
        let bytes: Vec<u8> = numbers(65_536).iter().map(|n| *n as u8).collect();
        repeat(times, || {
            let mut found = 0;
            for byte in black_box(&bytes) {
                if *byte == 42 {
                    found += 1;
                }
            }
            found
        })
    }

    fn fibonacci(times: u32) -> u64 {
        repeat(times, || u64::from(fib(black_box(25))))
    }
}

#[inline(never)]
fn fib(n: u32) -> u32 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

const ROUND: [u32; 64] = round_constants();

/// The first bits of the cube roots of primes, to within what matters here: any fixed numbers would do.
const fn round_constants() -> [u32; 64] {
    let mut table = [0; 64];
    let mut state = 0x428a_2f98_u32;
    let mut i = 0;
    while i < 64 {
        table[i] = state;
        state = state.wrapping_mul(0x0001_9660).wrapping_add(0x3c6e_f35f).rotate_left(7);
        i += 1;
    }
    table
}

/// The rounds of SHA-256.
fn sha256(bytes: &[u8]) -> u64 {
    let mut h: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    for block in bytes.chunks_exact(64) {
        let mut w = [0_u32; 64];
        for (i, word) in block.chunks_exact(4).enumerate() {
            w[i] = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        }
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        }
        let mut v = h;
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(ROUND[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let t2 = s0.wrapping_add((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            v = [t1.wrapping_add(t2), v[0], v[1], v[2], v[3].wrapping_add(t1), v[4], v[5], v[6]];
        }
        for (sum, part) in h.iter_mut().zip(v) {
            *sum = sum.wrapping_add(part);
        }
    }
    u64::from(h[0]) << 32 | u64::from(h[1])
}

/// Instructions of a machine with registers.
#[derive(Clone, Copy)]
enum Op {
    Set(usize, u64),
    Add(usize, usize),
    Remainder(usize, usize, usize),
    IfLess(usize, usize, usize),
    IfZero(usize, usize),
    Go(usize),
    Stop(usize),
}

/// How many primes there are below 2,000, by trial division.
fn primes() -> Vec<Op> {
    // 0: candidate, 1: divisor, 2: one, 3: end, 4: count, 5: remainder
    vec![
        Op::Set(0, 2),
        Op::Set(2, 1),
        Op::Set(3, 2_000),
        Op::Set(4, 0),
        Op::IfLess(0, 3, 6),
        Op::Stop(4),
        Op::Set(1, 2),
        Op::IfLess(1, 0, 10),
        Op::Add(4, 2),
        Op::Go(13),
        Op::Remainder(5, 0, 1),
        Op::IfZero(5, 13),
        Op::Go(15),
        Op::Add(0, 2),
        Op::Go(4),
        Op::Add(1, 2),
        Op::Go(7),
    ]
}

fn run(program: &[Op]) -> u64 {
    let mut registers = [0_u64; 8];
    let mut at = 0;
    loop {
        let op = program[at];
        at += 1;
        match op {
            Op::Set(to, value) => registers[to & 7] = value,
            Op::Add(to, by) => registers[to & 7] = registers[to & 7].wrapping_add(registers[by & 7]),
            Op::Remainder(to, a, b) => registers[to & 7] = registers[a & 7] % registers[b & 7].max(1),
            Op::IfLess(a, b, target) => {
                if registers[a & 7] < registers[b & 7] {
                    at = target;
                }
            }
            Op::IfZero(a, target) => {
                if registers[a & 7] == 0 {
                    at = target;
                }
            }
            Op::Go(target) => at = target,
            Op::Stop(result) => return registers[result & 7],
        }
    }
}

export!(Compute);
