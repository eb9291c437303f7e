// SPDX-License-Identifier: MIT-0
//! my_rng - reading 0x0 draws a random number, writing 0x4 seeds the generator.
use riser::{field, reg, Bar, Dev, PciDevice, Reset};

struct MyRng {
    rng: u32,
    seed: u32,
    words: [u32; 31], // what rand() keeps: each number is the sum of two earlier ones
    next: u32,
}

// SAFETY: numbers only.
unsafe impl riser::State for MyRng {}

fn draw(dev: &mut Dev<MyRng>, _stored: u64) -> u64 {
    let g = dev.state();
    let at = g.next as usize % 31;

    g.words[at] = g.words[at].wrapping_add(g.words[(at + 28) % 31]);
    g.next = (at as u32 + 1) % 31;
    u64::from(g.words[at] >> 1)
}

fn seed(dev: &mut Dev<MyRng>, now: u64, _was: u64) {
    let mut word = if now == 0 { 1 } else { i64::from(now as i32) };

    for slot in &mut dev.state().words {
        *slot = word as u32;
        word = (word * 16807).rem_euclid(2147483647);
    }
    dev.state().next = 3;
    for _ in 0..310 {
        draw(dev, 0);
    }
}

fn reset(dev: &mut Dev<MyRng>, kind: Reset) {
    if kind == Reset::PowerOn {
        seed(dev, 1, 0);
    }
}

fn main() {
    let regs = [
        reg!(0x0, MyRng, rng).on_read(draw).help("the next number"),
        reg!(0x4, MyRng, seed)
            .rw(riser::ALL)
            .flags(riser::WRITE_ONLY)
            .on_write(seed)
            .help("seeds the generator"),
    ];
    let my_rng = PciDevice::<MyRng>::new("my_rng")
        .summary("random number generator, the numbers of rand()")
        .id(0x1234, 0xcafe)
        .revision(0x10)
        .class_code(0x00ff00)
        .bars([Bar::new(0, 4096).regs(regs)])
        .fields([field!(MyRng, words), field!(MyRng, next)])
        .reset(reset);

    riser::serve(my_rng)
}
