/* SPDX-License-Identifier: MIT */
/* Writes dword i = i to every a3dev's BAR0 and reads it back. */
#include "a3dev.h"

int main(void)
{
	const char *address;
	DIR *walk = NULL;
	int wrong = 0;

	while ((address = a3dev_next(&walk))) {
		volatile uint32_t *buffer = a3dev_map(address);

		for (uint32_t i = 0; i < A3DEV_DWORDS; i++)
			buffer[i] = i;
		for (uint32_t i = 0; i < A3DEV_DWORDS; i++)
			wrong += a3dev_expect("memory", i, i, buffer[i]);
		printf("%s: %u dwords through memory\n", address, A3DEV_DWORDS);
	}
	return wrong != 0;
}
