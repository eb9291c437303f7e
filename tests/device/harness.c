/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct stage {
	const struct device_test *test;
	struct riser_model *model;
	struct riser_host *host;
	bool socket;
	struct riser_loop *loop;
	struct riser_server *server;
	pthread_t thread;
};

void ok(struct riser_host *host, int ret)
{
	if (ret)
		fail_msg("%d: %s", ret, riser_host_error(host));
}

void refused(struct riser_host *host, int ret, int error)
{
	if (ret != error)
		fail_msg("%d instead of %d: %s", ret, error, riser_host_error(host));
}

uint64_t get(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size)
{
	uint64_t value;

	ok(host, riser_host_read(host, bar, offset, size, &value));
	return value;
}

void put(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	ok(host, riser_host_write(host, bar, offset, size, value));
}

uint64_t irqs(struct riser_host *host, unsigned vector)
{
	uint64_t count;

	ok(host, riser_host_irq_count(host, vector, &count));
	return count;
}

/* What a test provokes on purpose need not be read. */
static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static void *run_loop(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static int start_socket(struct stage *stage, struct riser_error *error)
{
	struct riser_host_config host = { .size = sizeof(host),
					  .message_dma = stage->test->message_dma };
	struct riser_server_config server = { .size = sizeof(server),
					      .options = stage->test->options,
					      .log = ignore };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	server.socket_fd = ends[0];
	assert_int_equal(riser_loop_create(&stage->loop), 0);
	if (riser_server_create(stage->loop, stage->model, &server, &stage->server, error))
		return -1;
	pthread_create(&stage->thread, NULL, run_loop, stage->loop);
	return riser_client_from_fd(ends[1], &host, &stage->host, error);
}

static int start(void **state)
{
	struct stage *stage = *state;
	struct riser_host_config config = { .size = sizeof(config),
					    .options = stage->test->options,
					    .log = ignore };
	struct riser_error error;
	int ret;

	if (stage->socket)
		ret = start_socket(stage, &error);
	else
		ret = riser_bench_create(stage->model, &config, &stage->host, &error);
	if (ret) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int stop(void **state)
{
	struct stage *stage = *state;

	riser_host_destroy(stage->host);
	if (stage->server) {
		riser_loop_stop(stage->loop);
		pthread_join(stage->thread, NULL);
	}
	riser_server_destroy(stage->server);
	riser_loop_destroy(stage->loop);
	return 0;
}

static void run(void **state)
{
	struct stage *stage = *state;

	if (stage->test->socket_only && !stage->socket)
		skip();
	ok(stage->host, riser_host_enable(stage->host));
	stage->test->run(stage->host);
}

struct riser_model *device_model(const char *name)
{
	const char *folder = getenv("RISER_TEST_MODELS");
	struct riser_model *model;
	struct riser_error error;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.so", folder ? folder : "build/devices", name);
	if (riser_model_open(path, &model, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	return model;
}

int device_tests_run(const char *model_name, const struct device_test *tests, size_t count)
{
	struct riser_model *model = device_model(model_name);
	struct CMUnitTest *all = calloc(2 * count, sizeof(*all));
	struct stage *stages = calloc(2 * count, sizeof(*stages));
	int failed;

	for (size_t i = 0; i < 2 * count; i++) {
		char *name;

		stages[i] = (struct stage){ .test = &tests[i / 2],
					    .model = model,
					    .socket = i % 2 };
		if (asprintf(&name, "%s/%s [%s]", model_name, tests[i / 2].name,
			     i % 2 ? "socket" : "bench") < 0)
			return 1;
		all[i] = (struct CMUnitTest){ name, run, start, stop, &stages[i] };
	}
	failed = _cmocka_run_group_tests(model_name, all, 2 * count, NULL, NULL);
	for (size_t i = 0; i < 2 * count; i++)
		free((char *)all[i].name);
	free(all);
	free(stages);
	riser_model_close(model);
	return failed;
}
