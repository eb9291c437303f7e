/* SPDX-License-Identifier: MIT */
/* The same through the I/O ports of BAR1. */
#include <sys/io.h>

#include "a3dev.h"

int main(void)
{
	const char *address;
	DIR *walk = NULL;
	int wrong = 0;

	if (iopl(3)) {
		perror("iopl");
		return 1;
	}
	while ((address = a3dev_next(&walk))) {
		unsigned short port = (unsigned short)a3dev_ports(address);

		for (unsigned i = 0; i < A3DEV_DWORDS; i++)
			outl(i, (unsigned short)(port + 4 * i));
		for (unsigned i = 0; i < A3DEV_DWORDS; i++)
			wrong +=
				a3dev_expect("port", i, i, inl((unsigned short)(port + 4 * i)));
		printf("%s: %u dwords through ports from %#x\n", address, A3DEV_DWORDS, port);
	}
	return wrong != 0;
}
