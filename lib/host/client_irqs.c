/* SPDX-License-Identifier: MIT */
/* Interrupts as eventfds: bound, collected, masked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/client.h"

/* SET_IRQS; at most max_fds descriptors in a message. */
static int set_irqs(struct client *c, unsigned index, unsigned flags, unsigned start,
		    unsigned count, const int *fds, unsigned fd_count)
{
	const struct vu_set_irqs set = { sizeof(set), flags, index, start, count };
	struct client_request request = { .command = VU_SET_IRQS,
					  .head = &set,
					  .head_size = sizeof(set),
					  .fds = fds,
					  .fd_count = fd_count };

	return client_call(c, &request);
}

static void close_events(int *events, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(events[i]);
	free(events);
}

void client_irqs_fini(struct client *c)
{
	close_events(c->events, c->event_count);
	c->events = NULL;
	c->event_count = 0;
}

/* `count` eventfds, to be closed by close_events(). */
static int make_events(struct client *c, unsigned count, int **events)
{
	int *made = calloc(count + 1u, sizeof(*made));

	if (!made)
		return riser__host_fail(&c->host, -ENOMEM, "no memory for %u interrupts",
					count);
	for (unsigned i = 0; i < count; i++) {
		made[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (made[i] < 0) {
			int error = -errno;

			close_events(made, i);
			return riser__host_fail(&c->host, error, "no eventfd to be had: %s",
						strerror(-error));
		}
	}
	*events = made;
	return 0;
}

/* How many vectors of a kind the server says that it has. */
static int vectors_available(struct client *c, unsigned index, unsigned *count)
{
	struct vu_irq_info info = { .argsz = sizeof(info), .index = index };
	struct client_request request = { .command = VU_GET_IRQ_INFO,
					  .head = &info,
					  .head_size = sizeof(info),
					  .reply = &info,
					  .reply_size = sizeof(info) };
	int ret = client_call(c, &request);

	*count = ret ? 0 : info.count;
	return ret;
}

static int unbind_events(struct client *c, enum riser_irq_mode mode, unsigned count)
{
	return count ? set_irqs(c, mode, VU_DATA_NONE | VU_ACTION_TRIGGER, 0, 0, NULL, 0) : 0;
}

/* Binds an eventfd to each vector, in as many messages as the server's limit asks for. */
static int bind_events(struct client *c, enum riser_irq_mode mode, const int *events,
		       unsigned count)
{
	int ret = 0;

	for (unsigned at = 0; at < count && !ret; at += c->max_fds) {
		unsigned n = count - at < c->max_fds ? count - at : c->max_fds;

		ret = set_irqs(c, mode, VU_DATA_EVENTFD | VU_ACTION_TRIGGER, at, n, events + at,
			       n);
	}
	return ret;
}

/* From the old events to the new, or, if the server does not take these, back. */
static int exchange_events(struct client *c, enum riser_irq_mode mode, int *events,
			   unsigned count)
{
	struct riser_error why;
	int ret = unbind_events(c, c->bound, c->event_count);

	if (!ret)
		ret = bind_events(c, mode, events, count);
	if (!ret)
		return 0;
	why = c->host.error;
	unbind_events(c, mode, count);
	bind_events(c, c->bound, c->events, c->event_count);
	c->host.error = why;
	return ret;
}

int client_irq_bind(struct riser_host *host, enum riser_irq_mode mode, unsigned count)
{
	struct client *c = client_of(host);
	unsigned have;
	int *events = NULL, ret = vectors_available(c, mode, &have);

	if (ret)
		return ret;
	if (mode == RISER_IRQ_INTX && !have)
		count = 0;
	ret = make_events(c, count, &events);
	if (ret)
		return ret;
	ret = exchange_events(c, mode, events, count);
	if (ret) {
		close_events(events, count);
		return ret;
	}
	client_irqs_fini(c);
	c->events = events;
	c->event_count = count;
	c->bound = mode;
	return 0;
}

int client_msix_mask(struct riser_host *host, unsigned vector, bool masked)
{
	struct client *c = client_of(host);

	if (vector >= c->event_count)
		return -EINVAL;
	return set_irqs(c, VU_IRQ_MSIX, VU_DATA_EVENTFD | VU_ACTION_TRIGGER, vector, 1,
			&c->events[vector], masked ? 0 : 1);
}

static uint64_t eventfd_drain(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/*
 * INTx comes as an event when it is asserted, and is masked then. Unmasking it brings another
 * event at once if it still is.
 */
static int collect_intx(struct client *c)
{
	int ret = 0;

	if (eventfd_drain(c->events[0]) || c->host.arrived[0])
		ret = set_irqs(c, VU_IRQ_INTX, VU_DATA_NONE | VU_ACTION_UNMASK, 0, 1, NULL, 0);
	c->host.arrived[0] = eventfd_drain(c->events[0]) != 0;
	return ret;
}

int client_irq_collect(struct riser_host *host, unsigned vector, bool settle)
{
	struct client *c = client_of(host);
	uint32_t id;
	int ret = 0;

	if (c->posted && settle)
		ret = riser_host_config_read(host, 0, 4, &id);
	if (ret || vector >= c->event_count)
		return ret;
	if (c->bound == RISER_IRQ_INTX)
		return collect_intx(c);
	host->arrived[vector] += eventfd_drain(c->events[vector]);
	return 0;
}
