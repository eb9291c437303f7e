/* SPDX-License-Identifier: MIT */
/*
 * What one window wrote the other reads, in every width and at every place; and what is written
 * to one device no other sees. A copy of each buffer says what has to be read. Ports are used
 * at their natural alignment: QEMU passes no other access of an emulated CPU on to any device.
 */
#include "a3dev.h"

enum { ACCESSES = 4000 };
enum { MEMORY, PORTS, WINDOWS };

static const char *const names[WINDOWS] = { "memory", "ports" };

/* One access each, whatever its alignment. */
struct word16 {
	uint16_t value;
} __attribute__((packed));
struct word32 {
	uint32_t value;
} __attribute__((packed));
struct word64 {
	uint64_t value;
} __attribute__((packed));

static uint64_t memory_read(const struct a3dev *dev, unsigned at, unsigned size)
{
	volatile uint8_t *p = dev->memory + at;

	switch (size) {
	case 1:
		return *p;
	case 2:
		return ((volatile struct word16 *)p)->value;
	case 4:
		return ((volatile struct word32 *)p)->value;
	default:
		return ((volatile struct word64 *)p)->value;
	}
}

static void memory_write(const struct a3dev *dev, unsigned at, unsigned size, uint64_t value)
{
	volatile uint8_t *p = dev->memory + at;

	switch (size) {
	case 1:
		*p = (uint8_t)value;
		break;
	case 2:
		((volatile struct word16 *)p)->value = (uint16_t)value;
		break;
	case 4:
		((volatile struct word32 *)p)->value = (uint32_t)value;
		break;
	default:
		((volatile struct word64 *)p)->value = value;
	}
}

static uint64_t ports_read(const struct a3dev *dev, unsigned at, unsigned size)
{
	unsigned short port = (unsigned short)(dev->port + at);

	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void ports_write(const struct a3dev *dev, unsigned at, unsigned size, uint64_t value)
{
	unsigned short port = (unsigned short)(dev->port + at);

	if (size == 1)
		outb((uint8_t)value, port);
	else if (size == 2)
		outw((uint16_t)value, port);
	else
		outl((uint32_t)value, port);
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % limit;
}

static unsigned place(int window, unsigned size, uint64_t *seed)
{
	unsigned at = below(seed, A3DEV_BYTES - size + 1);

	return window == MEMORY ? at : at & ~(size - 1);
}

static void write_one(const struct a3dev *dev, uint8_t *copy, int window, uint64_t *seed)
{
	unsigned size = 1u << below(seed, window == MEMORY ? 4 : 3);
	unsigned at = place(window, size, seed);
	uint64_t value = (uint64_t)below(seed, 1u << 31) << 33 | below(seed, 1u << 31);

	if (window == MEMORY)
		memory_write(dev, at, size, value);
	else
		ports_write(dev, at, size, value);
	memcpy(copy + at, &value, size);
}

static unsigned read_one(const struct a3dev *dev, const uint8_t *copy, int window, unsigned at,
			 unsigned size)
{
	uint64_t expected = 0, got;

	memcpy(&expected, copy + at, size);
	got = window == MEMORY ? memory_read(dev, at, size) : ports_read(dev, at, size);
	return a3dev_expect(dev, names[window], at, expected, got);
}

static unsigned read_all(const struct a3dev *dev, const uint8_t *copy)
{
	unsigned wrong = 0;

	for (unsigned size = 1; size <= 8; size *= 2) {
		for (unsigned at = 0; at + size <= A3DEV_BYTES && !wrong; at++)
			wrong += read_one(dev, copy, MEMORY, at, size);
		for (unsigned at = 0; size <= 4 && at < A3DEV_BYTES && !wrong; at += size)
			wrong += read_one(dev, copy, PORTS, at, size);
	}
	return wrong;
}

int main(void)
{
	static uint8_t copies[A3DEV_MOST][A3DEV_BYTES];
	struct a3dev devices[A3DEV_MOST];
	unsigned count = a3dev_find(devices), wrong = 0;
	uint64_t seed = 0x1919;

	for (unsigned n = 0; n < count; n++) {
		a3dev_map(&devices[n]);
		a3dev_ports(&devices[n]);
		for (unsigned at = 0; at < A3DEV_BYTES; at++)
			memory_write(&devices[n], at, 1, 0);
	}
	for (unsigned i = 0; i < ACCESSES && !wrong; i++) {
		unsigned n = below(&seed, count);
		int window = (int)below(&seed, WINDOWS);

		write_one(&devices[n], copies[n], window, &seed);
		wrong += read_one(&devices[n], copies[n], !window, place(!window, 4, &seed), 4);
	}
	for (unsigned n = 0; n < count; n++)
		wrong += read_all(&devices[n], copies[n]);
	printf("%u devices, one buffer behind two windows each\n", count);
	return wrong != 0;
}
