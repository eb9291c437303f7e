/* SPDX-License-Identifier: MIT */
/* Writes dword i = i to the ports of every a3dev's BAR1 and reads it back. */
#include "a3dev.h"

int main(void)
{
	struct a3dev devices[A3DEV_MOST];
	unsigned count = a3dev_find(devices), wrong = 0;

	for (unsigned n = 0; n < count; n++) {
		struct a3dev *dev = &devices[n];

		a3dev_ports(dev);
		for (unsigned i = 0; i < A3DEV_DWORDS; i++)
			outl(i, (unsigned short)(dev->port + 4 * i));
		for (unsigned i = 0; i < A3DEV_DWORDS; i++)
			wrong += a3dev_expect(dev, "dword at ports", i, i,
					      inl((unsigned short)(dev->port + 4 * i)));
		printf("%s: %d dwords through ports from %#x\n", dev->address, A3DEV_DWORDS,
		       dev->port);
	}
	return wrong != 0;
}
