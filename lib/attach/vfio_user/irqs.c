/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: the client binds an eventfd to a vector, the device's interrupts are written to
 * it. Nothing is lost while a vector is masked, not bound or the device stopped: a level is
 * looked at again, a message is held, and MSI-X vectors that are not bound are masked in the
 * device, so that its pending bits tell.
 */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static void signal_fd(struct riser_server *server, int fd)
{
	static const uint64_t one = 1;
	ssize_t written;

	do
		written = write(fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
	/* A write to a full eventfd fails, but it is readable then, as it should be. */
	if (written < 0 && errno != EAGAIN)
		vu_complain(server,
			    "an interrupt is lost, its descriptor cannot be written: %s",
			    strerror(errno));
}

/* Lock held, for all of these. */

static void send_level(struct riser_server *server)
{
	struct vu_irqs *irqs = &server->irqs;
	struct vu_vector *line = irqs->vectors[VU_IRQ_INTX];

	if (!line || !irqs->level || line->masked || line->fd < 0 ||
	    atomic_load(&server->stopped))
		return;
	line->masked = true; /* until the client unmasks it (AUTOMASKED) */
	signal_fd(server, line->fd);
}

static void vector_send(struct riser_server *server, struct vu_vector *vector)
{
	vector->held = vector->fd < 0 || vector->masked || atomic_load(&server->stopped);
	if (!vector->held)
		signal_fd(server, vector->fd);
}

static void send_held(struct riser_server *server)
{
	send_level(server);
	for (unsigned index = VU_IRQ_MSI; index <= VU_IRQ_MSIX; index++) {
		for (unsigned i = 0; i < server->irqs.count[index]; i++) {
			if (server->irqs.vectors[index][i].held)
				vector_send(server, &server->irqs.vectors[index][i]);
		}
	}
}

void vu_irqs_intx(void *host, bool level)
{
	struct riser_server *server = host;

	server->irqs.level = level;
	send_level(server);
}

void vu_irqs_message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		     uint32_t data)
{
	struct riser_server *server = host;
	unsigned index = mode == RISER_IRQ_MSIX ? VU_IRQ_MSIX : VU_IRQ_MSI;

	(void)address, (void)data;
	if (vector < server->irqs.count[index])
		vector_send(server, &server->irqs.vectors[index][vector]);
}

void vu_irqs_resume(struct riser_server *server)
{
	riser__irq_lock(server->dev);
	send_held(server);
	riser__irq_unlock(server->dev);
}

void vu_irqs_reset(struct riser_server *server)
{
	riser__irq_lock(server->dev);
	for (unsigned index = VU_IRQ_MSI; index <= VU_IRQ_MSIX; index++) {
		for (unsigned i = 0; i < server->irqs.count[index]; i++)
			server->irqs.vectors[index][i].held = false;
	}
	riser__irq_unlock(server->dev);
}

int vu_irqs_init(struct riser_server *server)
{
	static const enum riser_irq_mode modes[] = { RISER_IRQ_INTX, RISER_IRQ_MSI,
						     RISER_IRQ_MSIX };
	struct vu_irqs *irqs = &server->irqs;

	for (unsigned index = 0; index < 3; index++) {
		unsigned count = riser__irq_vectors(server->dev, modes[index]);

		if (!count)
			continue;
		irqs->vectors[index] = calloc(count, sizeof(struct vu_vector));
		if (!irqs->vectors[index])
			return -ENOMEM;
		for (unsigned i = 0; i < count; i++)
			irqs->vectors[index][i].fd = -1;
		riser__irq_lock(server->dev);
		irqs->count[index] = count;
		riser__irq_unlock(server->dev);
	}
	return 0;
}

void vu_irqs_fini(struct riser_server *server)
{
	for (unsigned index = 0; index < 3; index++)
		free(server->irqs.vectors[index]);
}

static void drop_resample(struct riser_server *server)
{
	struct riser__source *source = &server->irqs.resample;

	if (source->fd < 0)
		return;
	riser__loop_remove(server->loop, source);
	close(source->fd);
	source->fd = -1;
}

/* Binds `fd`, or with -1 nothing, to a vector. */
static void bind_vector(struct riser_server *server, unsigned index, unsigned number, int fd)
{
	struct vu_vector *vector = &server->irqs.vectors[index][number];
	int old;

	riser__irq_lock(server->dev);
	old = vector->fd;
	vector->fd = fd;
	if (index == VU_IRQ_INTX) {
		vector->masked = false;
		send_level(server);
	} else if (fd < 0) {
		vector->held = vector->masked = false;
	} else if (vector->held) {
		vector_send(server, vector);
	}
	riser__irq_unlock(server->dev);
	if (index == VU_IRQ_MSIX)
		riser__msix_set_masked(server->dev, number, fd < 0 || vector->masked);
	if (old >= 0)
		close(old);
}

static void unbind_all(struct riser_server *server, unsigned index)
{
	for (unsigned i = 0; i < server->irqs.count[index]; i++)
		bind_vector(server, index, i, -1);
	if (index == VU_IRQ_INTX)
		drop_resample(server);
}

void vu_irqs_unbind(struct riser_server *server)
{
	for (unsigned index = 0; index < 3; index++)
		unbind_all(server, index);
}

static void set_masked(struct riser_server *server, unsigned index, unsigned number,
		       bool masked)
{
	struct vu_vector *vector = &server->irqs.vectors[index][number];

	riser__irq_lock(server->dev);
	vector->masked = masked;
	if (index == VU_IRQ_INTX)
		send_level(server);
	else if (vector->held)
		vector_send(server, vector);
	riser__irq_unlock(server->dev);
	if (index == VU_IRQ_MSIX)
		riser__msix_set_masked(server->dev, number, vector->fd < 0 || masked);
}

/* ACTION_TRIGGER: raises the vector, for the tests of a client. */
static void vector_trigger(struct riser_server *server, unsigned index, unsigned number)
{
	int fd = server->irqs.vectors[index][number].fd;

	if (fd >= 0)
		signal_fd(server, fd);
}

/*
 * An eventfd, or another of the kernel's nameless files that no harm is done to. It is set
 * non-blocking, for its client too: one that is full must not stop the loop, which serves
 * other devices.
 */
static int accept_eventfd(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_mode & S_IFMT || (flags & O_ACCMODE) != O_RDWR)
		return -EINVAL;
	return flags & O_NONBLOCK || !fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? 0 : -errno;
}

static void intx_resampled(struct riser__source *source, uint32_t events)
{
	struct riser_server *server =
		(struct riser_server *)((char *)source -
					offsetof(struct riser_server, irqs.resample));
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		set_masked(server, VU_IRQ_INTX, 0, false);
	else if (events & ~(uint32_t)EPOLLIN || (errno != EAGAIN && errno != EINTR))
		drop_resample(server);
}

/* The client unmasks INTx through an eventfd: KVM's resampling. */
static int bind_resample(struct riser_server *server, struct vu_message *message)
{
	struct riser__source *source = &server->irqs.resample;
	int ret;

	if (message->fd_count > 1)
		return -EINVAL;
	if (message->fd_count) {
		ret = accept_eventfd(message->fds[0]);
		if (ret)
			return ret;
	}
	drop_resample(server);
	if (!message->fd_count)
		return 0;
	*source = (struct riser__source){ .fd = message->fds[0], .ready = intx_resampled };
	ret = riser__loop_add(server->loop, source, EPOLLIN);
	if (ret)
		source->fd = -1;
	else
		message->fds[0] = -1;
	return ret;
}

static int bind_eventfds(struct riser_server *server, const struct vu_set_irqs *set,
			 struct vu_message *message)
{
	uint32_t action = set->flags & VU_ACTIONS;

	if (action == VU_ACTION_UNMASK && set->index == VU_IRQ_INTX)
		return bind_resample(server, message);
	if (action != VU_ACTION_TRIGGER)
		return -EOPNOTSUPP;
	if (message->fd_count && message->fd_count != set->count)
		return -EINVAL;
	for (unsigned i = 0; i < message->fd_count; i++) {
		int ret = accept_eventfd(message->fds[i]);

		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		bind_vector(server, set->index, set->start + i,
			    message->fd_count ? message->fds[i] : -1);
		if (message->fd_count)
			message->fds[i] = -1;
	}
	return 0;
}

/* DATA_NONE and DATA_BOOL: does the action to each vector, or to those whose byte is set. */
static void vectors_act(struct riser_server *server, const struct vu_set_irqs *set,
			const uint8_t *bools)
{
	uint32_t action = set->flags & VU_ACTIONS;

	for (uint32_t i = 0; i < set->count; i++) {
		unsigned number = set->start + i;

		if (bools && !bools[i])
			continue;
		if (action == VU_ACTION_TRIGGER)
			vector_trigger(server, set->index, number);
		else
			set_masked(server, set->index, number, action == VU_ACTION_MASK);
	}
}

static int irqs_check_flags(uint32_t flags)
{
	uint32_t data = flags & VU_DATA_MASK, action = flags & VU_ACTIONS;

	if (flags & ~(uint32_t)(VU_DATA_MASK | VU_ACTIONS))
		return -EINVAL;
	return !data || data & (data - 1) || !action || action & (action - 1) ? -EINVAL : 0;
}

int vu_set_irqs(struct riser_server *server, struct vu_message *message)
{
	const uint8_t *data = message->payload + sizeof(struct vu_set_irqs);
	struct vu_set_irqs set;
	uint32_t vectors;

	memcpy(&set, message->payload, sizeof(set));
	if (set.argsz < sizeof(set) || irqs_check_flags(set.flags) || set.index >= VU_IRQS)
		return -EINVAL;
	if (!(set.flags & VU_DATA_EVENTFD) && message->fd_count)
		return -EINVAL;
	vectors = set.index <= VU_IRQ_MSIX ? server->irqs.count[set.index] : 0;
	if (set.start > vectors || set.count > vectors - set.start)
		return -EINVAL;
	if (!set.count) {
		if (set.start || set.flags != (VU_DATA_NONE | VU_ACTION_TRIGGER))
			return -EINVAL;
		if (vectors)
			unbind_all(server, set.index);
		return 0;
	}
	if (set.flags & VU_DATA_EVENTFD)
		return bind_eventfds(server, &set, message);
	if (set.flags & VU_DATA_BOOL && message->size - sizeof(set) < set.count)
		return -EINVAL;
	vectors_act(server, &set, set.flags & VU_DATA_BOOL ? data : NULL);
	return 0;
}

int vu_get_irq_info(struct riser_server *server, struct vu_message *message)
{
	static const uint32_t flags[VU_IRQS] = {
		[VU_IRQ_INTX] = VU_IRQ_EVENTFD | VU_IRQ_MASKABLE | VU_IRQ_AUTOMASKED,
		[VU_IRQ_MSI] = VU_IRQ_EVENTFD | VU_IRQ_MASKABLE,
		[VU_IRQ_MSIX] = VU_IRQ_EVENTFD | VU_IRQ_MASKABLE,
	};
	struct vu_irq_info info;
	uint8_t *reply;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VU_IRQS)
		return -EINVAL;
	reply = vu_reply(server, sizeof(info));
	if (!reply)
		return -ENOMEM;
	info.argsz = sizeof(info);
	info.flags = flags[info.index];
	/* No error and no release requests: signalling an error stops QEMU's guest. */
	info.count = info.index <= VU_IRQ_MSIX ? server->irqs.count[info.index] : 0;
	memcpy(reply, &info, sizeof(info));
	return 0;
}
