/* SPDX-License-Identifier: MIT */
/* A vfio-user server's life, and what it does for its device. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plain.h"

struct vu_watch {
	struct riser__source source;
	struct riser_watch *watch;
	uint32_t events;
	struct vu_watch *next;
};

static void server_log_line(void *host, enum riser_log_level level, const char *line)
{
	struct riser_server *server = host;

	if (server->log)
		server->log(server->log_arg, level, server->name, line);
	else if (level < RISER_DEBUG || server->trace)
		fprintf(stderr, "%s: %s\n", server->name, line);
}

/*
 * How often a line of that kind would have been written, by all clients together; a format is a
 * kind.
 */
static unsigned long count_kind(struct riser_server *server, const char *format)
{
	for (unsigned i = 0; i < VU_KINDS; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&server->kinds[i].format, &none, format) ||
		    none == format)
			return atomic_fetch_add(&server->kinds[i].count, 1) + 1;
	}
	return 0;
}

/* Counted over all clients: one that connects again and again must not fill the log. */
void vu_log(struct riser_server *server, enum riser_log_level level, const char *format, ...)
{
	unsigned long count = level < RISER_DEBUG ? count_kind(server, format) : 0;
	char line[512];
	va_list args;

	if (count > VU_LINES_MOST && count & (count - 1))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser__plain_line(line);
	server_log_line(server, level, line);
}

void vu_complain(struct riser_server *server, const char *format, ...)
{
	unsigned long count = atomic_fetch_add(&server->complaints, 1) + 1;
	char line[448];
	va_list args;

	if (count > 16 && count & (count - 1))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	vu_log(server, RISER_WARN, "client: %s (%lu so far)", line, count);
}

/* ---- The functions that the core calls for the device ---- */

/* The device's clock stands still while it is stopped. */
static uint64_t server_now(void *host)
{
	struct riser_server *server = host;
	uint64_t at = atomic_load(&server->stopped_at);

	return (at ? at : riser__loop_now()) - atomic_load(&server->clock_lag);
}

static void set_alarm(struct riser_server *server)
{
	uint64_t at = server->deadline + atomic_load(&server->clock_lag);

	if (atomic_load(&server->stopped) || at < server->deadline)
		at = UINT64_MAX;
	riser__loop_set_alarm(server->loop, &server->alarm, at);
}

static void server_set_deadline(void *host, uint64_t deadline)
{
	struct riser_server *server = host;

	server->deadline = deadline;
	set_alarm(server);
}

static void server_wake(void *host)
{
	struct riser_server *server = host;

	riser__loop_wake(server->loop, &server->task);
}

static void watch_ready(struct riser__source *source, uint32_t events)
{
	struct vu_watch *w =
		(struct vu_watch *)((char *)source - offsetof(struct vu_watch, source));

	riser__watch_ready(w->watch, (short)events);
}

static struct vu_watch **find_watch(struct riser_server *server, struct riser_watch *watch)
{
	struct vu_watch **at = &server->watches;

	while (*at && (*at)->watch != watch)
		at = &(*at)->next;
	return at;
}

static int server_add_watch(struct riser_server *server, struct vu_watch **at,
			    struct riser_watch *watch, int fd, uint32_t events)
{
	struct vu_watch *w = calloc(1, sizeof(*w));
	int ret = 0;

	if (!w)
		return -ENOMEM;
	w->source = (struct riser__source){ .fd = fd, .ready = watch_ready };
	w->watch = watch;
	w->events = events;
	if (!atomic_load(&server->stopped))
		ret = riser__loop_add(server->loop, &w->source, events);
	if (ret) {
		free(w);
		return ret;
	}
	*at = w;
	return 0;
}

static int server_watch(void *host, struct riser_watch *watch, int fd, short events)
{
	struct riser_server *server = host;
	struct vu_watch **at = find_watch(server, watch), *w = *at;
	uint32_t mask = (uint16_t)events;

	if (!w)
		return events ? server_add_watch(server, at, watch, fd, mask) : 0;
	if (events) {
		w->events = mask;
		return atomic_load(&server->stopped)
			       ? 0
			       : riser__loop_modify(server->loop, &w->source, mask);
	}
	*at = w->next;
	if (!atomic_load(&server->stopped))
		riser__loop_remove(server->loop, &w->source);
	free(w);
	return 0;
}

/* Whether there is memory to speak of. */
static int server_reachable(struct riser_server *server)
{
	if (!atomic_load(&server->connected))
		return -ENOTCONN;
	return atomic_load(&server->stopped) ? -EACCES : 0;
}

/* Not inlined: its registers would be saved for every access. */
__attribute__((noinline)) static int dma_traced(struct riser_server *server, uint64_t iova,
						void *buffer, size_t length, bool write)
{
	int ret = riser__dma_table_copy(server->table, iova, buffer, length, write);

	if (!ret)
		vu_client_check_memory(server, iova, buffer, length, write);
	return ret;
}

static int server_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
	struct riser_server *server = host;
	int ret = server_reachable(server);

	if (ret)
		return ret;
	if (__builtin_expect(server->trace, 0))
		return dma_traced(server, iova, buffer, length, write);
	return riser__dma_table_copy(server->table, iova, buffer, length, write);
}

static int dma_remote(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
	return vu_remote_dma(host, iova, buffer, length, write);
}

static void help_jobs(void *host)
{
	vu_remote_run_jobs(host);
}

static int server_dma_map(void *host, uint64_t iova, size_t length, unsigned access,
			  struct riser_dma *dma)
{
	struct riser_server *server = host;
	int ret = server_reachable(server);

	return ret ? ret : riser__dma_table_map(server->table, iova, length, access, dma);
}

static int server_dma_unmap(void *host, struct riser_dma *dma)
{
	(void)host;
	return riser__dma_unmap(dma);
}

static size_t server_dma_enable(void *host, bool on)
{
	struct riser_server *server = host;

	return riser__dma_table_enable(server->table, on);
}

static const struct riser__host_ops ops = {
	.keeps_msix_table = true,
	.now = server_now,
	.set_deadline = server_set_deadline,
	.help_jobs = help_jobs,
	.wake = server_wake,
	.watch = server_watch,
	.intx = vu_irqs_intx,
	.message = vu_irqs_message,
	.dma = server_dma,
	.dma_remote = dma_remote,
	.dma_map = server_dma_map,
	.dma_unmap = server_dma_unmap,
	.dma_enable = server_dma_enable,
	.log = server_log_line,
};

/* ---- The functions that the loop calls ---- */

static void run_timers(struct riser__alarm *alarm)
{
	struct riser_server *server =
		(struct riser_server *)((char *)alarm - offsetof(struct riser_server, alarm));

	riser__dev_run_timers(server->dev);
}

static void run_task(struct riser__task *task)
{
	struct riser_server *server =
		(struct riser_server *)((char *)task - offsetof(struct riser_server, task));

	vu_remote_run_jobs(server);
	if (!atomic_load(&server->stopped))
		riser__dev_run_posted(server->dev);
	vu_link_resume(server);
}

static void watch_again(struct riser_server *server)
{
	for (struct vu_watch *w = server->watches; w; w = w->next) {
		int ret = riser__loop_add(server->loop, &w->source, w->events);

		if (ret)
			vu_log(server, RISER_ERROR, "cannot watch descriptor %d again: %s",
			       w->source.fd, strerror(-ret));
	}
}

void vu_server_set_stopped(struct riser_server *server, bool stopped)
{
	if (atomic_load(&server->stopped) == stopped)
		return;
	if (!stopped) {
		atomic_fetch_add(&server->clock_lag, riser__loop_now() - server->stopped_at);
		atomic_store(&server->stopped_at, 0);
	}
	riser__irq_lock(server->dev);
	atomic_store(&server->stopped, stopped);
	riser__irq_unlock(server->dev);
	set_alarm(server);
	if (stopped) {
		atomic_store(&server->stopped_at, riser__loop_now());
		for (struct vu_watch *w = server->watches; w; w = w->next)
			riser__loop_remove(server->loop, &w->source);
		return;
	}
	watch_again(server);
	vu_irqs_resume(server);
	riser__loop_wake(server->loop, &server->task);
}

void vu_server_clean(struct riser_server *server)
{
	atomic_store(&server->connected, false);
	atomic_store(&server->complaints, 0);
	server->traits = server->checks = 0;
	vu_remote_forget_client(server);
	vu_irqs_unbind(server);
	riser__dev_halt(server->dev);
	riser__dma_table_clear(server->table);
	riser__dev_memory_changed(server->dev);
	if (server->migration.logging)
		riser__dma_table_log(server->table, false, 0);
	server->migration.logging = false;
	vu_migration_reset(server);
	riser__pci_forget(server->dev);
	riser__dev_reset(server->dev, RISER_RESET_DEVICE);
}

/* ---- Life ---- */

static int server_start(struct riser_server *server, struct riser_model *model,
			const struct riser_server_config *config, struct riser_error *error)
{
	int ret = riser__dma_table_create(VU_MAX_MAPS, &server->table);

	if (ret)
		return riser__fail(error, ret, "%s: no memory for the server", server->name);
	ret = riser__dev_create(model, config->options, &ops, server, config->trace, error,
				&server->dev);
	if (ret)
		return ret;
	ret = vu_irqs_init(server);
	if (ret)
		return riser__fail(error, ret, "%s: no memory for the server", server->name);
	return vu_listener_open(server, config->socket_path, config->socket_fd, error);
}

int riser_server_create(struct riser_loop *loop, struct riser_model *model,
			const struct riser_server_config *config, struct riser_server **server,
			struct riser_error *error)
{
	struct riser_server *made;
	int ret;

	*server = NULL;
	if (config->size < sizeof(*config))
		return riser__fail(
			error, -EINVAL,
			"the server's configuration has %zu bytes, not %zu: set its size",
			config->size, sizeof(*config));
	made = calloc(1, sizeof(*made));
	if (!made || vu_remote_init(made)) {
		free(made);
		return riser__fail(error, -ENOMEM, "no memory for the server");
	}
	made->loop = loop;
	made->name = riser_model_pci(model)->name;
	made->trace = config->trace;
	made->poll = config->poll;
	made->log = config->log;
	made->log_arg = config->log_arg;
	made->deadline = UINT64_MAX;
	made->alarm.fire = run_timers;
	made->task.run = run_task;
	made->link.source.fd = made->listener.source.fd = made->irqs.resample.fd = -1;
	made->migration.state = VU_STATE_RUNNING;
	riser__loop_add_task(loop, &made->task);
	ret = server_start(made, model, config, error);
	if (ret)
		riser_server_destroy(made);
	else
		*server = made;
	return ret;
}

void riser_server_destroy(struct riser_server *server)
{
	if (!server)
		return;
	vu_remote_close(server);
	vu_listener_close(server);
	vu_link_drop(server, "the server ends");
	riser__dev_destroy(server->dev);
	riser__loop_set_alarm(server->loop, &server->alarm, UINT64_MAX);
	riser__loop_remove_task(server->loop, &server->task);
	vu_irqs_fini(server);
	riser__dma_table_destroy(server->table);
	vu_remote_fini(server);
	free(server);
}
