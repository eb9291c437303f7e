/* SPDX-License-Identifier: MIT */
/* What one window writes the other reads, in every width. */
#include <sys/io.h>

#include "a3dev.h"

static int check(const char *address)
{
	volatile uint32_t *buffer = a3dev_map(address);
	volatile uint8_t *bytes = (volatile uint8_t *)buffer;
	unsigned short port = (unsigned short)a3dev_ports(address);
	int wrong = 0;

	for (unsigned i = 0; i < A3DEV_DWORDS; i++) {
		buffer[i] = 0xa0000000 + i;
		wrong += a3dev_expect("memory to port", i, 0xa0000000 + i,
				      inl((unsigned short)(port + 4 * i)));
		outl(0xb0000000 + i, (unsigned short)(port + 4 * i));
		wrong += a3dev_expect("port to memory", i, 0xb0000000 + i, buffer[i]);
	}
	outb(0x5a, (unsigned short)(port + 7));
	wrong += a3dev_expect("a byte by port", 1, 0x5a000001, buffer[1]);
	bytes[9] = 0x77;
	wrong += a3dev_expect("two bytes by port", 2, 0x7702, inw((unsigned short)(port + 8)));
	return wrong;
}

int main(void)
{
	const char *address;
	DIR *walk = NULL;
	int wrong = 0, seen = 0;

	if (iopl(3)) {
		perror("iopl");
		return 1;
	}
	while ((address = a3dev_next(&walk))) {
		wrong += check(address);
		seen++;
	}
	printf("%d devices, one buffer behind two windows each\n", seen);
	return wrong != 0;
}
