#!/usr/bin/env python3
# SPDX-License-Identifier: MIT-0
"""my_rng - reading 0x0 draws a random number, writing 0x4 seeds the generator."""
import riser


class MyRng(riser.State):
    _fields_ = [
        ("rng", riser.u32),
        ("seed", riser.u32),
        ("words", riser.u32 * 31),  # what rand() keeps: each number is the sum of two earlier ones
        ("next", riser.u32),
    ]


def draw(dev, stored):
    g = dev.state
    g.words[g.next] += g.words[(g.next + 28) % 31]
    drawn = g.words[g.next] >> 1
    g.next = (g.next + 1) % 31
    return drawn


def seed(dev, now, was):
    g = dev.state
    word = riser.i32(now or 1).value
    for i in range(31):
        g.words[i] = word
        word = word * 16807 % 2147483647
    g.next = 3
    for _ in range(310):
        draw(dev, 0)


def reset(dev, kind):
    if kind == riser.RESET_POWER_ON:
        seed(dev, 1, 0)


regs = [
    riser.Reg(0x0, "rng", on_read=draw, help="the next number"),
    riser.Reg(0x4, "seed", rw=riser.ALL, flags=riser.WRITE_ONLY, on_write=seed,
              help="seeds the generator"),
]

my_rng = riser.PciDevice(
    name="my_rng",
    summary="random number generator, the numbers of rand()",
    vendor=0x1234, device=0xcafe, revision=0x10, class_code=0x00ff00,
    state=MyRng,
    bars=[riser.Bar(0, size=4096, regs=regs)],
    fields=["words", "next"],
    reset=reset,
)

if __name__ == "__main__":
    riser.serve(my_rng)
