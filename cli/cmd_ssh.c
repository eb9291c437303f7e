/* SPDX-License-Identifier: MIT */
/* riser ssh - logs into the machine that a run has booted from an image. */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "image/image.h"

/* How long a machine may take to boot, emulated on a busy host. */
enum { PATIENCE = 300, GREETING_MS = 5000 };

struct login {
	const char *name;
	char **command; /* the rest of the words */
	int count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct login *login = state->input;

	if (key == ARGP_KEY_ARG) {
		login->name = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && !login->name)
		misused(state, "which image? 'riser image list' shows them");
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { NULL,
				  parse,
				  "NAME [COMMAND…]",
				  "Logs into the machine that 'riser run --image NAME' has "
				  "booted, as the user 'riser', or "
				  "runs a command there. Waits until the machine answers.",
				  NULL,
				  NULL,
				  NULL };

/* QEMU takes any connection; the guest's server greets once it is there. */
static bool greets(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char greeting[4];
	bool does = false;

	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		struct pollfd answer = { fd, POLLIN, 0 };

		does = poll(&answer, 1, GREETING_MS) == 1 &&
		       recv(fd, greeting, sizeof(greeting), MSG_WAITALL) == 4 &&
		       !memcmp(greeting, "SSH-", 4);
	}
	if (fd >= 0)
		close(fd);
	return does;
}

static bool wait_for(const struct image *image, unsigned *port)
{
	time_t end = time(NULL) + PATIENCE;
	bool said = false;
	pid_t pid;

	while (image_in_use(image, &pid, port) && *port) {
		if (greets(*port))
			return true;
		if (time(NULL) > end) {
			complain("the machine of image '%s' does not answer at port %u",
				 image->name, *port);
			return false;
		}
		if (!said && isatty(STDERR_FILENO))
			say("waiting for the machine …");
		said = true;
		usleep(300000);
	}
	complain("no machine runs from image '%s'; start one with: riser run --image %s DEVICE",
		 image->name, image->name);
	return false;
}

static int become_ssh(const struct image *image, unsigned port, const struct login *login)
{
	char **arguments = calloc((size_t)login->count + 20, sizeof(*arguments));
	int n = 0;

	if (!arguments)
		return complain("out of memory");
	arguments[n++] = (char *)"ssh";
	arguments[n++] = (char *)"-F";
	arguments[n++] = (char *)"none";
	arguments[n++] = (char *)"-q";
	arguments[n++] = (char *)"-i";
	arguments[n++] = text("%s/key", image->folder);
	arguments[n++] = (char *)"-o";
	arguments[n++] = (char *)"IdentitiesOnly=yes";
	arguments[n++] = (char *)"-o";
	arguments[n++] = text("UserKnownHostsFile=\"%s/known_hosts\"", image->folder);
	arguments[n++] = (char *)"-o";
	arguments[n++] = text("HostKeyAlias=riser-%s", image->name);
	arguments[n++] = (char *)"-o";
	arguments[n++] = (char *)"BatchMode=yes";
	arguments[n++] = (char *)"-p";
	arguments[n++] = text("%u", port);
	arguments[n++] = (char *)"riser@127.0.0.1";
	for (int i = 0; i < login->count; i++)
		arguments[n++] = login->command[i];
	arguments[n] = NULL;
	execvp(arguments[0], arguments);
	return complain("cannot run ssh: %s; install openssh-client", strerror(errno));
}

int cmd_ssh(int argc, char **argv)
{
	struct login login = { 0 };
	int status = CLI_FAIL;
	struct image image;
	unsigned port;

	/* What follows NAME is the guest's. */
	if (arguments_parse(&argp, argc < 2 ? argc : 2, argv, &login))
		return CLI_USAGE;
	login.command = argv + 2;
	login.count = argc - 2;
	if (!image_find_named(login.name, &image))
		return CLI_FAIL;
	if (wait_for(&image, &port))
		status = become_ssh(&image, port, &login);
	image_forget(&image);
	return status;
}
