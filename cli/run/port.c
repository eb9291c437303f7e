/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/run.h"

bool port_choose(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !bind(fd, (struct sockaddr *)&address, size) &&
		  !getsockname(fd, (struct sockaddr *)&address, &size);

	if (!ok)
		complain("there is no port for ssh: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	*port = ntohs(address.sin_port);
	return ok;
}
