/* SPDX-License-Identifier: MIT */
/* Interrupts to the client's eventfds, and DEVICE_SET_IRQS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "attach/vfio_user/server.h"

int vu_irqs_init(struct riser_server *s)
{
	for (unsigned i = 0; i <= VU_IRQ_MSIX; i++) {
		struct vu_irq *irq = &s->irqs[i];

		irq->count = riser__irq_vectors(s->dev, (enum riser_irq_mode)i);
		irq->fds = malloc((irq->count ? irq->count : 1) * sizeof(*irq->fds));
		if (!irq->fds)
			return -ENOMEM;
		for (unsigned v = 0; v < irq->count; v++)
			irq->fds[v] = -1;
	}
	return 0;
}

/* A client that does not read its eventfd loses nothing: the counter stays above zero. */
static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	if (fd >= 0)
		n = write(fd, &one, sizeof(one));
	(void)n;
}

void vu_host_intx(void *host, bool level)
{
	struct riser_server *s = host;
	struct vu_irq *irq = &s->irqs[VU_IRQ_INTX];

	if (!level || s->intx_masked || !irq->fds || !irq->count || irq->fds[0] < 0)
		return;
	s->intx_masked = true;
	signal_fd(irq->fds[0]);
}

void vu_host_message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		     uint32_t data)
{
	struct riser_server *s = host;
	const struct vu_irq *irq = &s->irqs[mode == RISER_IRQ_MSI ? VU_IRQ_MSI : VU_IRQ_MSIX];

	(void)address, (void)data;
	if (irq->fds && vector < irq->count)
		signal_fd(irq->fds[vector]);
}

/* Replaces a vector's eventfd. An MSI-X vector is masked for as long as it has none. */
static void bind(struct riser_server *s, unsigned index, unsigned vector, int fd)
{
	struct vu_irq *irq = &s->irqs[index];
	int old;

	riser__irq_lock(s->dev);
	old = irq->fds[vector];
	irq->fds[vector] = fd;
	if (index == VU_IRQ_INTX) {
		s->intx_masked = false;
		vu_host_intx(s, riser__intx_level(s->dev));
	}
	riser__irq_unlock(s->dev);
	if (old >= 0)
		close(old);
	if (index == VU_IRQ_MSIX)
		riser__msix_set_masked(s->dev, vector, fd < 0);
}

void vu_irqs_unbind(struct riser_server *s)
{
	for (unsigned i = 0; i <= VU_IRQ_MSIX; i++) {
		for (unsigned v = 0; s->irqs[i].fds && v < s->irqs[i].count; v++)
			bind(s, i, v, -1);
	}
}

void vu_irqs_fini(struct riser_server *s)
{
	for (unsigned i = 0; i <= VU_IRQ_MSIX; i++) {
		for (unsigned v = 0; s->irqs[i].fds && v < s->irqs[i].count; v++) {
			if (s->irqs[i].fds[v] >= 0)
				close(s->irqs[i].fds[v]);
		}
		free(s->irqs[i].fds);
		s->irqs[i] = (struct vu_irq){ 0 };
	}
}

static void mask_intx(struct riser_server *s, bool masked)
{
	riser__irq_lock(s->dev);
	s->intx_masked = masked;
	if (!masked)
		vu_host_intx(s, riser__intx_level(s->dev));
	riser__irq_unlock(s->dev);
}

static void mask(struct riser_server *s, unsigned index, unsigned vector, bool masked)
{
	if (index == VU_IRQ_INTX)
		mask_intx(s, masked);
	else if (index == VU_IRQ_MSIX)
		riser__msix_set_masked(s->dev, vector, masked);
}

/* What the client asks for: a range of vectors, what to do, and for which of them. */
struct set {
	struct vu_irq_set ask;
	uint32_t data, action;
	const uint8_t *bools;
};

static void act(struct riser_server *s, const struct set *set, unsigned i)
{
	unsigned vector = set->ask.start + i;

	if (set->data == VFIO_IRQ_SET_DATA_BOOL && !set->bools[i])
		return;
	if (set->action == VFIO_IRQ_SET_ACTION_TRIGGER) {
		/* A loopback: as if the device had raised it. */
		riser__irq_lock(s->dev);
		signal_fd(s->irqs[set->ask.index].fds[vector]);
		riser__irq_unlock(s->dev);
		return;
	}
	mask(s, set->ask.index, vector, set->action == VFIO_IRQ_SET_ACTION_MASK);
}

static int check(struct riser_server *s, const struct vu_message *m, struct set *set)
{
	const struct vu_irq_set *ask = &set->ask;
	uint32_t total;

	memcpy(&set->ask, m->payload, sizeof(set->ask));
	set->data = ask->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	set->action = ask->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	set->bools = m->payload + sizeof(set->ask);
	if (ask->index >= VU_IRQS || ask->flags != (set->data | set->action) ||
	    __builtin_popcount(set->data) != 1 || __builtin_popcount(set->action) != 1)
		return -EINVAL;
	total = s->irqs[ask->index].count;
	if (ask->start > total || ask->count > total - ask->start)
		return -EINVAL;
	if (set->data == VFIO_IRQ_SET_DATA_BOOL && m->size - sizeof(*ask) < ask->count)
		return -EINVAL;
	if (set->data == VFIO_IRQ_SET_DATA_EVENTFD && s->fds->count &&
	    s->fds->count != ask->count)
		return -EINVAL;
	if (set->data != VFIO_IRQ_SET_DATA_EVENTFD && s->fds->count)
		return -EINVAL;
	return 0;
}

int vu_set_irqs(struct riser_server *s, const struct vu_message *m)
{
	struct set set;
	int ret = check(s, m, &set);

	if (ret)
		return ret;
	if (set.data == VFIO_IRQ_SET_DATA_EVENTFD) {
		if (set.action != VFIO_IRQ_SET_ACTION_TRIGGER)
			return -EINVAL;
		for (unsigned i = 0; i < set.ask.count; i++)
			bind(s, set.ask.index, set.ask.start + i, vu_take_fd(s, i));
		return 0;
	}
	/* No vectors at all: the whole index is switched off. */
	if (set.data == VFIO_IRQ_SET_DATA_NONE && set.action == VFIO_IRQ_SET_ACTION_TRIGGER &&
	    !set.ask.count && !set.ask.start) {
		for (unsigned v = 0; v < s->irqs[set.ask.index].count; v++)
			bind(s, set.ask.index, v, -1);
		return 0;
	}
	for (unsigned i = 0; i < set.ask.count; i++)
		act(s, &set, i);
	return 0;
}
