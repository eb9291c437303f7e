/* SPDX-License-Identifier: MIT */
/*
 * Clients that stop taking their replies, and that are killed while the device reads and writes
 * their memory: whoever else is on the same loop must not notice.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../wire/wire.h"

enum { BASE = 0x100000, BUS_MASTER = 6, KILLED = 20, ACCESSES = 2000 };

/* Two devices on one loop; .server is not used. */
struct pair {
	struct wire one, other;
	struct riser_server *servers[2];
};

static struct riser_server *serve(struct wire *w, struct wire *loop, const char *name)
{
	struct riser_server_config config = { .size = sizeof(config), .socket_path = w->path };
	struct riser_server *server;
	struct riser_error error;

	w->fd = -1;
	snprintf(w->path, sizeof(w->path), "/tmp/riser-faults-%d-%s.sock", (int)getpid(), name);
	if (riser_server_create(loop->loop, loop->model, &config, &server, &error))
		fail_msg("%s", error.text);
	return server;
}

static void *run(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static int set_up(void **state)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &wire_device };
	struct pair *pair = calloc(1, sizeof(*pair));
	struct riser_error error;

	*state = pair;
	assert_non_null(pair);
	assert_int_equal(riser_loop_create(&pair->one.loop), 0);
	if (riser_model_from_export(exported, &pair->one.model, &error))
		fail_msg("%s", error.text);
	pair->servers[0] = serve(&pair->one, &pair->one, "one");
	pair->servers[1] = serve(&pair->other, &pair->one, "other");
	assert_int_equal(pthread_create(&pair->one.thread, NULL, run, pair->one.loop), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	if (pair->other.fd >= 0)
		close(pair->other.fd);
	riser_loop_stop(pair->one.loop);
	pthread_join(pair->one.thread, NULL);
	riser_server_destroy(pair->servers[0]);
	riser_server_destroy(pair->servers[1]);
	riser_model_close(pair->one.model);
	riser_loop_destroy(pair->one.loop);
	free(pair);
	return 0;
}

/* A sanitizer keeps memory that was freed. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { PAGES_MOST = INT_MAX };
#else
enum { PAGES_MOST = 64 };
#endif

static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages;
}

/*
 * What the other device's client sees meanwhile: it is served, though nobody goes on until it
 * has been.
 */
static void use_other(struct wire *w)
{
	if (w->fd < 0)
		wire_reconnect(w);
	for (uint32_t i = 0; i < ACCESSES; i++) {
		wire_write(w, 0, DEV_SCRATCH, 4, i);
		assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), i);
	}
}

/* ---- A client that is stopped ---- */

struct read_request {
	struct wire_header header;
	uint64_t offset;
	uint32_t region, count;
} __attribute__((packed));

/* Asks without looking at the answers, until nothing more is taken for a while. */
static unsigned flood(int fd, struct read_request *request, size_t *sent)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	unsigned asked = 0;

	while (poll(&room, 1, 200) == 1) {
		ssize_t n = send(fd, (char *)request + *sent, sizeof(*request) - *sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			_exit(2);
		*sent += n > 0 ? (size_t)n : 0;
		if (*sent == sizeof(*request)) {
			request->header.id = (uint16_t)++asked;
			*sent = 0;
		}
	}
	return asked;
}

/* All answers there are to be, in order; the one that was cut in the middle comes last. */
static bool drain(struct wire *w, unsigned asked)
{
	for (unsigned i = 0; i < asked; i++) {
		if (!wire_receive(w) || w->in.header.id != (uint16_t)i ||
		    w->in.header.flags != WIRE_REPLY || w->in.size != 20)
			return false;
	}
	return true;
}

/* A client in a process of its own, that does not outlive a test that fails. */
static pid_t start_client(void)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

static void be_stopped(struct wire *w)
{
	struct read_request request = {
		{ 0, WIRE_READ, sizeof(request), 0, 0 }, DEV_SCRATCH, 0, 4
	};
	size_t sent = 0;
	unsigned asked;

	wire_reconnect(w);
	asked = flood(w->fd, &request, &sent);
	raise(SIGSTOP);
	_exit(drain(w, asked) ? 0 : 1);
}

static pid_t start_stopped(struct wire *w)
{
	pid_t child = start_client();
	int status;

	if (!child)
		be_stopped(w);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	return child;
}

static void stopped_with_its_buffer_full(void **state)
{
	struct pair *pair = *state;
	pid_t child;
	int status;
	long pages;

	use_other(&pair->other);
	child = start_stopped(&pair->one);
	pages = resident();
	use_other(&pair->other);
	assert_true(resident() - pages < PAGES_MOST);
	kill(child, SIGCONT);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	use_other(&pair->other);
}

static void killed_with_its_buffer_full(void **state)
{
	struct pair *pair = *state;
	unsigned fds;
	pid_t child;

	use_other(&pair->other);
	fds = wire_count_fds();
	child = start_stopped(&pair->one);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	wire_expect_fds(fds);
	use_other(&pair->one);
	use_other(&pair->other);
}

/* ---- A client that is killed while its memory is accessed ---- */

static void start_dma(struct wire *w, uint8_t command)
{
	struct wire_access access = { DEV_COMMAND, 0, 4, { command } };

	wire_write(w, WIRE_CONFIG, 4, 2, BUS_MASTER);
	wire_write(w, 0, DEV_IOVA, 8, BASE);
	wire_write(w, 0, DEV_LENGTH, 4, DEV_BUFFER_SIZE);
	wire_send(w, WIRE_WRITE, 0, &access, 20);
}

/* Ends by `signal` once the server asks for the memory; `answers`: after so many of them. */
static void be_ended(struct wire *w, uint8_t command, unsigned answers, int signal)
{
	wire_reconnect(w);
	if (wire_map(w, BASE, DEV_BUFFER_SIZE, 3, -1, 0))
		_exit(1);
	start_dma(w, command);
	for (unsigned asked = 0; wire_receive(w);) {
		struct wire_header header = w->in.header;
		uint64_t count;

		if (header.flags & WIRE_REPLY)
			continue;
		if (asked++ == answers)
			raise(signal);
		memcpy(&count, w->in.payload + 8, sizeof(count));
		header.flags = WIRE_REPLY;
		header.size = (uint32_t)(sizeof(header) + 16);
		if (header.command == WIRE_DMA_READ)
			header.size += (uint32_t)count;
		wire_send_bytes(w->fd, &header, sizeof(header));
		wire_send_bytes(w->fd, w->in.payload, header.size - sizeof(header));
	}
	_exit(1);
}

static void killed_in_the_middle_of_dma(void **state)
{
	static const uint8_t commands[] = { CMD_READ, CMD_WRITE, CMD_JOB_READ, CMD_JOB_WRITE };
	struct pair *pair = *state;
	unsigned fds;

	use_other(&pair->other);
	fds = wire_count_fds();
	for (unsigned i = 0; i < KILLED; i++) {
		pid_t child = start_client();
		int status;

		if (!child)
			be_ended(&pair->one, commands[i % 4], i / 4 % 3, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		wire_expect_fds(fds);
		wire_reconnect(&pair->one);
		assert_int_equal(wire_read(&pair->one, 0, DEV_IOVA, 8), 0);
		close(pair->one.fd);
		pair->one.fd = -1;
		wire_expect_fds(fds);
	}
	use_other(&pair->other);
}

/*
 * A device that waits for its client's memory waits in its callback, and the loop with it:
 * once, for no longer than a VMM waits for an answer. Then the client is not asked again.
 */
static void stopped_in_the_middle_of_dma(void **state)
{
	struct pair *pair = *state;
	pid_t child;
	int status;

	use_other(&pair->other);
	child = start_client();
	if (!child)
		be_ended(&pair->one, CMD_READ, 0, SIGSTOP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	/* It is answered while the other one is still stopped. */
	use_other(&pair->other);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	wire_reconnect(&pair->one);
	use_other(&pair->one);
	close(pair->one.fd);
	pair->one.fd = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stopped_with_its_buffer_full, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(killed_with_its_buffer_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_middle_of_dma, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stopped_in_the_middle_of_dma, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
