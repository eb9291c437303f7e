/* SPDX-License-Identifier: MIT */
/*
 * Threads of a device raise interrupts, move memory and post work, while the host resets it,
 * takes memory away, changes interrupts, saves and loads, hangs up and comes back. Nothing may
 * be lost afterwards; the thread sanitizer watches the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <riser/host.h>

#include "busy.h"

enum { MEMORY = 1 << 20, PIECE = 0x10000 };
#define SECOND UINT64_C(1000000000)

#define die(...)                                                                               \
	do {                                                                                   \
		fprintf(stderr, "line %d: ", __LINE__);                                        \
		fprintf(stderr, __VA_ARGS__);                                                  \
		fputc('\n', stderr);                                                           \
		abort();                                                                       \
	} while (0)

enum { DEEDS = 25 }; /* of each kind, at least */

struct stage {
	const char *name;
	bool socket, message_dma;
	struct riser_model *model;
	struct riser_loop *loop;
	struct riser_server *server;
	pthread_t thread;
	char path[64];
	struct riser_host *host;
	uint32_t random;
	unsigned done[8];
};

static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static void ok(struct stage *stage, int ret)
{
	if (ret)
		die("%s: %d: %s", stage->name, ret, riser_host_error(stage->host));
}

static uint32_t draw(struct stage *stage, uint32_t below)
{
	stage->random = stage->random * 1664525 + 1013904223;
	return (stage->random >> 8) % below;
}

static uint32_t get(struct stage *stage, uint64_t offset)
{
	uint64_t value;

	ok(stage, riser_host_read(stage->host, 0, offset, 4, &value));
	return (uint32_t)value;
}

static void put(struct stage *stage, uint64_t offset, uint32_t value)
{
	ok(stage, riser_host_write(stage->host, 0, offset, 4, value));
}

/* Interrupts as a driver has them, and everybody at work. */
static void bring_up(struct stage *stage)
{
	ok(stage, riser_host_enable(stage->host));
	ok(stage, riser_host_irq_enable(stage->host, RISER_IRQ_MSIX, BUSY_VECTORS));
	put(stage, BUSY_RUN, 1);
}

static void plug_in(struct stage *stage)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .memory = MEMORY,
					    .message_dma = stage->message_dma,
					    .log = ignore };
	struct riser_error error;

	if (stage->socket ? riser_client_create(stage->path, &config, &stage->host, &error)
			  : riser_bench_create(stage->model, &config, &stage->host, &error))
		die("%s: %s", stage->name, error.text);
	bring_up(stage);
}

/* ---- What the host does ---- */

static void reset(struct stage *stage)
{
	enum riser_reset kind = draw(stage, 2) ? RISER_RESET_DEVICE : RISER_RESET_FUNCTION;

	ok(stage, riser_host_reset(stage->host, kind));
	bring_up(stage);
}

static void take_memory(struct stage *stage)
{
	uint64_t at = draw(stage, MEMORY / PIECE) * PIECE;

	ok(stage, riser_host_memory_unmap(stage->host, at, PIECE));
	ok(stage, riser_host_memory_map(stage->host, at, PIECE));
}

static void change_interrupts(struct stage *stage)
{
	static const enum riser_irq_mode modes[] = { RISER_IRQ_INTX, RISER_IRQ_MSI,
						     RISER_IRQ_MSIX };
	unsigned kind = draw(stage, 3);

	ok(stage, riser_host_irq_enable(stage->host, modes[kind], kind == 1 ? 4 : 8));
}

static void mask(struct stage *stage)
{
	ok(stage, riser_host_irq_enable(stage->host, RISER_IRQ_MSIX, BUSY_VECTORS));
	for (unsigned i = 0; i < 8; i++)
		ok(stage, riser_host_irq_mask(stage->host, draw(stage, BUSY_VECTORS), i & 1));
}

static void collect(struct stage *stage)
{
	uint64_t count;

	ok(stage, riser_host_irq_count(stage->host, 0, &count));
	ok(stage, riser_host_advance(stage->host, 1000000));
}

static void save_and_load(struct stage *stage)
{
	void *state;
	size_t size;
	int ret = riser_host_save(stage->host, &state, &size);

	/* A job that is under way for long is waited for, and then not. */
	if (ret == -EBUSY)
		return;
	ok(stage, ret);
	ok(stage, riser_host_load(stage->host, state, size));
	free(state);
	bring_up(stage);
}

static void hang_up(struct stage *stage)
{
	riser_host_destroy(stage->host);
	plug_in(stage);
}

static void work(struct stage *stage)
{
	put(stage, BUSY_RUN, 1);
}

/* ---- */

static void stop_threads(struct stage *stage)
{
	unsigned tries = 0;

	put(stage, BUSY_RUN, 0);
	while (get(stage, BUSY_LIVE)) {
		if (++tries > 10000)
			die("%s: the threads do not end", stage->name);
		ok(stage, riser_host_advance(stage->host, 1000000));
	}
}

/* All of it works still, and nothing that was posted waits for ever. */
static void check(struct stage *stage)
{
	uint32_t posted, wrong;

	ok(stage, riser_host_reset(stage->host, RISER_RESET_DEVICE));
	bring_up(stage);
	posted = get(stage, BUSY_POSTED);
	for (unsigned i = 0; get(stage, BUSY_POSTED) == posted; i++) {
		if (i > 5000)
			die("%s: posted work is not done", stage->name);
		ok(stage, riser_host_advance(stage->host, 1000000));
	}
	stop_threads(stage);
	ok(stage, riser_host_irq_enable(stage->host, RISER_IRQ_MSIX, BUSY_VECTORS));
	put(stage, BUSY_RAISE, 5);
	ok(stage, riser_host_irq_wait(stage->host, 5, 10 * SECOND));
	wrong = get(stage, BUSY_WRONG);
	if (wrong)
		die("%s: a thread got errno %u", stage->name, wrong);
	if (!get(stage, BUSY_MOVES) || !get(stage, BUSY_DONE))
		die("%s: the threads did nothing", stage->name);
}

/* Until it was enough of each, and the threads had their part, too. */
static bool is_enough(struct stage *stage)
{
	for (unsigned deed = 0; deed < 8; deed++) {
		if (stage->done[deed] < DEEDS)
			return false;
	}
	return get(stage, BUSY_MOVES) && get(stage, BUSY_DONE);
}

static void disturb(struct stage *stage)
{
	static void (*const deeds[])(
		struct stage *) = { reset,   take_memory,   change_interrupts, mask,
				    collect, save_and_load, hang_up,	       work };

	plug_in(stage);
	while (!is_enough(stage)) {
		uint32_t deed = draw(stage, 8);

		deeds[deed](stage);
		stage->done[deed]++;
	}
	check(stage);
	printf("%s: %u resets, %u times memory taken, %u saves, %u hang-ups; %u moves\n",
	       stage->name, stage->done[0], stage->done[1], stage->done[5], stage->done[6],
	       get(stage, BUSY_MOVES));
	/* The end comes in the middle of their work. */
	bring_up(stage);
	riser_host_destroy(stage->host);
}

static void *run_loop(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static void start_server(struct stage *stage)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .socket_path = stage->path,
					      .log = ignore };
	struct riser_error error;

	snprintf(stage->path, sizeof(stage->path), "/tmp/riser-threads-%d", (int)getpid());
	if (riser_loop_create(&stage->loop) ||
	    riser_server_create(stage->loop, stage->model, &config, &stage->server, &error))
		die("%s: no server: %s", stage->name, error.text);
	if (pthread_create(&stage->thread, NULL, run_loop, stage->loop))
		die("no thread to be had");
}

static void stop_server(struct stage *stage)
{
	riser_loop_stop(stage->loop);
	pthread_join(stage->thread, NULL);
	riser_server_destroy(stage->server);
	riser_loop_destroy(stage->loop);
}

int main(void)
{
	struct stage stages[] = {
		{ .name = "bench" },
		{ .name = "socket", .socket = true },
		{ .name = "message", .socket = true, .message_dma = true },
	};
	struct riser_export exported = { RISER_ABI, RISER_PCI, &busy_device };
	struct riser_error error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
		alarm(1200);
		if (riser_model_from_export(exported, &stages[i].model, &error))
			die("%s", error.text);
		if (stages[i].socket)
			start_server(&stages[i]);
		disturb(&stages[i]);
		if (stages[i].socket)
			stop_server(&stages[i]);
		riser_model_close(stages[i].model);
	}
	return 0;
}
