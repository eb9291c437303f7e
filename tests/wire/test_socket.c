/* SPDX-License-Identifier: MIT */
/* Where a server listens: its path, what may be there already, and sockets it is given. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

/* Asks for a server at `path` (or at `fd`), which must be refused with `words`. */
static void expect_refusal(struct wire *w, const char *path, int fd, int code,
			   const char *words)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .socket_path = path,
					      .socket_fd = fd };
	struct riser_error error = { "" };
	struct riser_server *server;
	unsigned fds = wire_count_fds();

	assert_int_equal(riser_server_create(w->loop, w->model, &config, &server, &error),
			 code);
	assert_null(server);
	if (!strstr(error.text, words) || (path && !strstr(error.text, path)))
		fail_msg("'%s' is said, without '%s'", error.text, words);
	wire_expect_fds(fds);
}

/* A loop and a model without a server. */
static int setup_alone(void **state)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &wire_device };
	struct wire *w = calloc(1, sizeof(*w));
	struct riser_error error = { "" };

	assert_non_null(w);
	*state = w;
	snprintf(w->path, sizeof(w->path), "/tmp/riser-socket-%d.sock", (int)getpid());
	assert_int_equal(riser_loop_create(&w->loop), 0);
	return riser_model_from_export(exported, &w->model, &error);
}

static int teardown_alone(void **state)
{
	struct wire *w = *state;

	riser_model_close(w->model);
	riser_loop_destroy(w->loop);
	free(w);
	return 0;
}

static int bound_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_taken(void **state)
{
	struct wire *w = *state;
	int fd = bound_socket(w->path);

	assert_int_equal(listen(fd, 1), 0);
	expect_refusal(w, w->path, -1, -EADDRINUSE, "in use by another server");
	assert_int_equal(access(w->path, F_OK), 0);
	close(fd);
	unlink(w->path);
}

static void test_not_a_socket(void **state)
{
	struct wire *w = *state;
	int fd = open(w->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	expect_refusal(w, w->path, -1, -EEXIST, "not a socket");
	assert_int_equal(access(w->path, F_OK), 0);
	close(fd);
	unlink(w->path);
}

static void test_bad_paths(void **state)
{
	struct wire *w = *state;
	char path[300];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = 0;
	expect_refusal(w, path, -1, -ENAMETOOLONG, "107");
	expect_refusal(w, "", -1, -EINVAL, "empty");
	expect_refusal(w, "/nowhere/at/all.sock", -1, -ENOENT, "No such file");
	expect_refusal(w, "/proc/riser.sock", -1, -ENOENT, "cannot create");
}

static void test_bad_descriptors(void **state)
{
	struct wire *w = *state;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect_refusal(w, NULL, -1, -EINVAL, "not a UNIX stream socket");
	expect_refusal(w, NULL, null, -EINVAL, "not a UNIX stream socket");
	expect_refusal(w, NULL, datagram, -EINVAL, "not a UNIX stream socket");
	if (inet >= 0) {
		expect_refusal(w, NULL, inet, -EINVAL, "not a UNIX stream socket");
		close(inet);
	}
	close(null);
	close(datagram);
}

static struct riser_server *serve_at(struct wire *w, const char *path, int fd)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .socket_path = path,
					      .socket_fd = fd };
	struct riser_error error = { "" };
	struct riser_server *server;

	if (riser_server_create(w->loop, w->model, &config, &server, &error))
		fail_msg("%s", error.text);
	return server;
}

/* What a killed server left is replaced; the new file is removed, but only while it is ours. */
static void test_left_behind(void **state)
{
	struct wire *w = *state;
	struct riser_server *server;
	struct stat st;
	int fd;

	close(bound_socket(w->path));
	server = serve_at(w, w->path, -1);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	riser_server_destroy(server);
	assert_int_equal(access(w->path, F_OK), -1);

	server = serve_at(w, w->path, -1);
	assert_int_equal(unlink(w->path), 0);
	fd = bound_socket(w->path);
	riser_server_destroy(server);
	assert_int_equal(access(w->path, F_OK), 0);
	close(fd);
	unlink(w->path);
}

static void *run_loop(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static void start_thread(struct wire *w)
{
	assert_int_equal(pthread_create(&w->thread, NULL, run_loop, w->loop), 0);
}

static void stop_thread(struct wire *w)
{
	riser_loop_stop(w->loop);
	pthread_join(w->thread, NULL);
}

/* As systemd hands over a socket, listening or connected, non-blocking or not. */
static void test_given(void **state)
{
	struct wire *w = *state;
	struct riser_server *server;
	int pair[2];

	for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, pair), 0);
		server = serve_at(w, NULL, pair[1]);
		start_thread(w);
		w->fd = pair[0];
		fcntl(w->fd, F_SETFL, 0);
		wire_negotiate(w);
		assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
		stop_thread(w);
		riser_server_destroy(server);
		close(pair[0]);
	}
	pair[0] = bound_socket(w->path);
	assert_int_equal(listen(pair[0], 1), 0);
	server = serve_at(w, NULL, pair[0]);
	start_thread(w);
	w->fd = wire_connect(w);
	wire_negotiate(w);
	stop_thread(w);
	riser_server_destroy(server);
	close(w->fd);
	assert_int_equal(access(w->path, F_OK), 0); /* it was not ours to make or remove */
	unlink(w->path);
}

/* Many devices on one loop, each with a client of its own. */
static void test_many_devices(void **state)
{
	enum { N = 16 };
	struct riser_server *servers[N];
	struct wire *w = *state, *clients[N];

	for (unsigned i = 0; i < N; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		servers[i] = serve_at(w, NULL, pair[1]);
		clients[i] = calloc(1, sizeof(**clients));
		assert_non_null(clients[i]);
		clients[i]->fd = pair[0];
	}
	start_thread(w);
	for (unsigned i = 0; i < N; i++)
		wire_negotiate(clients[i]);
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < N; i++)
			wire_write(clients[i], 0, DEV_SCRATCH, 4, round * N + i);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(wire_read(clients[i], 0, DEV_SCRATCH, 4),
					 round * N + i);
	}
	stop_thread(w);
	for (unsigned i = 0; i < N; i++) {
		riser_server_destroy(servers[i]);
		close(clients[i]->fd);
		free(clients[i]);
	}
}

/* A stop that comes before the run, or while it waits, is not lost. */
static void test_stop(void **state)
{
	struct wire *w = *state;

	riser_loop_stop(w->loop);
	assert_int_equal(riser_loop_run(w->loop), 0);
	for (unsigned i = 0; i < 100; i++) {
		start_thread(w);
		stop_thread(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_taken, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_not_a_socket, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_bad_paths, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_bad_descriptors, setup_alone,
						teardown_alone),
		cmocka_unit_test_setup_teardown(test_left_behind, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_given, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_many_devices, setup_alone, teardown_alone),
		cmocka_unit_test_setup_teardown(test_stop, setup_alone, teardown_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
