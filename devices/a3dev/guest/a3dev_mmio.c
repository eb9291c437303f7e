/* SPDX-License-Identifier: MIT */
/* Writes dword i = i to every a3dev's BAR0 and reads it back. */
#include "a3dev.h"

int main(void)
{
	struct a3dev devices[A3DEV_MOST];
	unsigned count = a3dev_find(devices), wrong = 0;

	for (unsigned n = 0; n < count; n++) {
		struct a3dev *dev = &devices[n];
		volatile uint32_t *dwords;

		a3dev_map(dev);
		dwords = (volatile uint32_t *)dev->memory;
		for (uint32_t i = 0; i < A3DEV_DWORDS; i++)
			dwords[i] = i;
		for (uint32_t i = 0; i < A3DEV_DWORDS; i++)
			wrong += a3dev_expect(dev, "dword in memory", i, i, dwords[i]);
		printf("%s: %d dwords through memory\n", dev->address, A3DEV_DWORDS);
	}
	return wrong != 0;
}
