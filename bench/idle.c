/* SPDX-License-Identifier: MIT */
/* The memory of a device that is served and has nothing to do: all that no one shares. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "parts.h"

static pid_t start(const char *riser, const char *device, const char *socket)
{
	int ends[2];
	char line;
	pid_t pid;

	if (pipe(ends))
		die("no pipe");
	pid = fork();
	if (pid < 0)
		die("no process");
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(riser, riser, "serve", device, "--socket", socket, NULL);
		_exit(127);
	}
	close(ends[1]);
	/* It says where it listens. */
	if (read(ends[0], &line, 1) != 1)
		die("riser serve does not start");
	close(ends[0]);
	return pid;
}

/*
 * Bytes that it has written: pages of libraries are files', whoever else maps them at the
 * moment.
 */
static double private_memory(pid_t pid)
{
	char path[64], line[256];
	unsigned long sum = 0, kib;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		die("cannot read smaps_rollup");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Private_Dirty: %lu", &kib) == 1)
			sum += kib;
	}
	fclose(file);
	return (double)sum * 1024;
}

void bench_idle(struct json_object *list, const char *riser, const char *device)
{
	struct figure figure = { .name = "memory of an idle device (riser serve)",
				 .unit = "B",
				 .target = 2 << 20,
				 .most = true };
	char dir[] = "/tmp/riser-bench-XXXXXX", socket[64];
	struct riser_host *host;
	struct riser_error error;
	pid_t pid;

	if (!mkdtemp(dir))
		die("no folder for a socket");
	snprintf(socket, sizeof(socket), "%s/s", dir);
	pid = start(riser, device, socket);
	if (riser_client_create(socket, NULL, &host, &error) || riser_host_enable(host))
		die("the device cannot be reached");
	figure.ours = private_memory(pid);
	report(list, &figure);
	riser_host_destroy(host);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	rmdir(dir);
}
