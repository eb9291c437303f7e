/* SPDX-License-Identifier: MIT */
/*
 * A client truncates the file of memory that it shares: what the device then reads and writes
 * fails, and nobody dies of it. Not with cmocka, which takes SIGBUS for itself.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <riser/host.h>

#include "testdev/testdev_regs.h"

enum { DMA_COPY = 1, DMA_MAPPED, DMA_SCATTER, DMA_HOLD, DMA_USE, DMA_RELEASE };
enum { MEMORY = 16 << 20, FROM = 0x1000, TO = 0x40000, LENGTH = 5000 };
#define PATIENCE UINT64_C(5000000000)

#define die(...)                                                                               \
	do {                                                                                   \
		fprintf(stderr, "line %d: ", __LINE__);                                        \
		fprintf(stderr, __VA_ARGS__);                                                  \
		fputc('\n', stderr);                                                           \
		abort();                                                                       \
	} while (0)
#define expect(condition)                                                                      \
	do {                                                                                   \
		if (!(condition))                                                              \
			die("not so: %s", #condition);                                         \
	} while (0)
#define equal(value, wanted)                                                                   \
	do {                                                                                   \
		long is = (long)(value);                                                       \
                                                                                               \
		if (is != (long)(wanted))                                                      \
			die("%s: %ld instead of %ld", #value, is, (long)(wanted));             \
	} while (0)

/* A sanitizer wants more memory than a server that is contained may have. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNCONTAINED "--no-sandbox", NULL
#else
#define UNCONTAINED NULL
#endif

struct stage {
	struct riser_model *model;
	struct riser_loop *loop;
	struct riser_server *server;
	struct riser_host *host;
	pthread_t thread;
	int memory; /* the guest's file */
	atomic_uint told;
};

static void count_lines(void *arg, enum riser_log_level level, const char *device,
			const char *line)
{
	struct stage *stage = arg;

	(void)level, (void)device;
	if (strstr(line, "the client took the memory out of its file"))
		atomic_fetch_add(&stage->told, 1);
}

static void ok(struct stage *stage, int ret)
{
	if (ret)
		die("%d: %s", ret, riser_host_error(stage->host));
}

static char *model_path(const char *name)
{
	const char *folder = getenv("RISER_TEST_MODELS");
	char *path;

	expect(asprintf(&path, "%s/%s.so", folder ? folder : "build/devices", name) > 0);
	return path;
}

/* The only file called so that is open. */
static int find_memory(void)
{
	for (int fd = 0; fd < 256; fd++) {
		char name[32], file[64] = "";

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (readlink(name, file, sizeof(file) - 1) > 0 &&
		    !strncmp(file, "/memfd:guest", 12))
			return fd;
	}
	die("the guest has no memory");
}

static void *run(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static void connect_client(struct stage *stage, int fd)
{
	struct riser_host_config config = { .size = sizeof(config), .memory = MEMORY };
	struct riser_error error;

	if (riser_client_from_fd(fd, &config, &stage->host, &error))
		die("%s", error.text);
	ok(stage, riser_host_enable(stage->host));
	stage->memory = find_memory();
}

static void start(struct stage *stage, const char *name)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .log = count_lines,
					      .log_arg = stage };
	char *path = model_path(name);
	struct riser_error error;
	int ends[2];

	equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	config.socket_fd = ends[0];
	equal(riser_memory_guard(), 0);
	equal(riser_loop_create(&stage->loop), 0);
	if (riser_model_open(path, &stage->model, &error) ||
	    riser_server_create(stage->loop, stage->model, &config, &stage->server, &error))
		die("%s", error.text);
	free(path);
	equal(pthread_create(&stage->thread, NULL, run, stage->loop), 0);
	connect_client(stage, ends[1]);
}

static void stop(struct stage *stage)
{
	riser_host_destroy(stage->host);
	riser_loop_stop(stage->loop);
	pthread_join(stage->thread, NULL);
	riser_server_destroy(stage->server);
	riser_model_close(stage->model);
	riser_loop_destroy(stage->loop);
}

static uint32_t get(struct stage *stage, uint64_t offset)
{
	uint64_t value;

	ok(stage, riser_host_read(stage->host, 0, offset, 4, &value));
	return (uint32_t)value;
}

static void put(struct stage *stage, uint64_t offset, unsigned size, uint64_t value)
{
	ok(stage, riser_host_write(stage->host, 0, offset, size, value));
}

static uint32_t dma(struct stage *stage, uint32_t command, uint64_t from, uint64_t to,
		    uint32_t length)
{
	put(stage, TESTDEV_DMA_SRC, 8, from);
	put(stage, TESTDEV_DMA_DST, 8, to);
	put(stage, TESTDEV_DMA_LENGTH, 4, length);
	put(stage, TESTDEV_DMA_COMMAND, 4, command);
	return get(stage, TESTDEV_DMA_RESULT);
}

static void truncate_to(struct stage *stage, off_t size)
{
	equal(ftruncate(stage->memory, size), 0);
}

/* Memory that is given anew can be used again. */
static void give_again(struct stage *stage)
{
	truncate_to(stage, MEMORY);
	ok(stage, riser_host_memory_unmap(stage->host, 0, MEMORY));
	ok(stage, riser_host_memory_map(stage->host, 0, MEMORY));
	equal(dma(stage, DMA_COPY, FROM, TO, LENGTH), 0);
}

static void copies_fail(struct stage *stage)
{
	static const uint32_t lengths[] = { 1, 2, 4, 8, 13, 4096, 65536 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		equal(dma(stage, DMA_COPY, FROM, TO, lengths[i]), 0);
		truncate_to(stage, TO); /* the source is there still */
		equal(dma(stage, DMA_COPY, FROM, TO, lengths[i]), EIO);
		/* Nothing is known of what went when: none of it is used any more. */
		equal(dma(stage, DMA_COPY, FROM, 0x2000, lengths[i]), EIO);
		give_again(stage);
		truncate_to(stage, 0);
		equal(dma(stage, DMA_COPY, FROM, TO, lengths[i]), EIO);
		give_again(stage);
	}
	expect(stage->told > 2);
}

static void mappings_break(struct stage *stage)
{
	truncate_to(stage, 0);
	equal(dma(stage, DMA_MAPPED, FROM, TO, LENGTH), EIO);
	equal(stage->told, 2); /* both mappings */
	equal(dma(stage, DMA_MAPPED, FROM, TO, LENGTH), EIO);
	give_again(stage);
}

static void held_mappings_break(struct stage *stage)
{
	equal(dma(stage, DMA_HOLD, FROM, TO, LENGTH), 0);
	truncate_to(stage, 0x1000);
	equal(dma(stage, DMA_USE, 0, 0, 0), 0);
	equal(dma(stage, DMA_USE, 0, 0, 0), 0);
	equal(dma(stage, DMA_RELEASE, 0, 0, 0), EIO);
	give_again(stage);
	/* Taken away first, and truncated then. */
	equal(dma(stage, DMA_HOLD, FROM, TO, LENGTH), 0);
	ok(stage, riser_host_memory_unmap(stage->host, TO & ~0xfff, 0x2000));
	truncate_to(stage, 0);
	equal(dma(stage, DMA_USE, 0, 0, 0), 0);
	equal(dma(stage, DMA_RELEASE, 0, 0, 0), ESTALE);
}

static void worker_threads_live(struct stage *stage)
{
	ok(stage, riser_host_irq_enable(stage->host, RISER_IRQ_MSIX, 8));
	put(stage, TESTDEV_DMA_SRC, 8, FROM);
	truncate_to(stage, 0);
	for (unsigned i = 1; i < 4; i++) {
		put(stage, TESTDEV_JOB, 4, i);
		ok(stage, riser_host_irq_wait(stage->host, 3, PATIENCE));
		equal(get(stage, TESTDEV_JOB_RESULT), i);
		equal(stage->told, i);
	}
}

/* Rings that the device reads in place: it stops with an error, as for any broken ring. */
static void rings_break(struct stage *stage)
{
	struct riser_driver_config config = { .size = sizeof(config), .polling = true };
	struct riser_driver *driver;
	struct riser_driver_queue *queue;
	uint8_t status;

	ok(stage, riser_driver_create(stage->host, &config, &driver));
	ok(stage, riser_driver_queue(driver, 0, 0, &queue));
	ok(stage, riser_driver_ready(driver));
	truncate_to(stage, 0);
	ok(stage, riser_driver_notify(queue));
	ok(stage, riser_driver_notify(queue));
	ok(stage, riser_driver_status(driver, &status));
	equal(status & 0x40, 0x40); /* DEVICE_NEEDS_RESET */
	expect(stage->told >= 1);
	truncate_to(stage, MEMORY);
	riser_driver_destroy(driver);
}

/* ---- The signal's other uses ---- */

static int status_of(void (*child)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		child();
		_exit(0);
	}
	equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void touch_own_memory(void)
{
	int fd = memfd_create("own", 0);
	volatile char *at = fd < 0 ? NULL : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (!at || at == MAP_FAILED)
		_exit(1);
	(void)at[0];
}

static void end_with_seven(int number)
{
	(void)number;
	_exit(7);
}

static void without_handler(void)
{
	signal(SIGBUS, SIG_DFL);
	if (!riser_memory_guard())
		touch_own_memory();
}

static void with_handler(void)
{
	signal(SIGBUS, end_with_seven);
	if (!riser_memory_guard())
		touch_own_memory();
}

static void sent(void)
{
	signal(SIGBUS, SIG_DFL);
	if (!riser_memory_guard())
		raise(SIGBUS);
}

static void ignored(void)
{
	signal(SIGBUS, SIG_IGN);
	if (riser_memory_guard())
		_exit(1);
	raise(SIGBUS);
	raise(SIGBUS);
}

/* Runs before the others: the guard is set once in a process. */
static void others_have_the_rest(void)
{
	int status;

	status = status_of(without_handler);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = status_of(with_handler);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	status = status_of(sent);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = status_of(ignored);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- The command ---- */

static void serve_lives(void)
{
	char socket[] = "/tmp/riser-truncated-XXXXXX", *device = model_path("testdev");
	struct riser_host_config config = { .size = sizeof(config), .memory = MEMORY };
	char *words[] = { getenv("RISER"), "serve", device, "--socket", socket, UNCONTAINED };
	struct stage stage = { 0 };
	struct riser_error error;
	pid_t server;
	int status, ret = -1;

	expect(words[0]);
	close(mkstemp(socket));
	unlink(socket);
	equal(posix_spawn(&server, words[0], NULL, NULL, words, environ), 0);
	for (unsigned tries = 0; ret && tries < 60000; tries++) {
		usleep(10000);
		ret = riser_client_create(socket, &config, &stage.host, &error);
	}
	if (ret)
		die("%s", error.text);
	ok(&stage, riser_host_enable(stage.host));
	stage.memory = find_memory();
	truncate_to(&stage, 0);
	equal(dma(&stage, DMA_MAPPED, FROM, TO, LENGTH), EIO);
	give_again(&stage);
	riser_host_destroy(stage.host);
	kill(server, SIGTERM);
	equal(waitpid(server, &status, 0), server);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(device);
}

static void with(const char *model, const char *name, void (*test)(struct stage *))
{
	struct stage stage = { 0 };

	alarm(1200);
	start(&stage, model);
	test(&stage);
	stop(&stage);
	printf("%s\n", name);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	others_have_the_rest();
	with("testdev", "copies fail", copies_fail);
	with("testdev", "mappings break", mappings_break);
	with("testdev", "held mappings break", held_mappings_break);
	with("testdev", "worker threads live", worker_threads_live);
	with("virtio_rng", "rings break", rings_break);
	serve_lives();
	printf("riser serve lives\n");
	return 0;
}
