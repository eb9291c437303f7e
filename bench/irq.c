/* SPDX-License-Identifier: MIT */
/*
 * An interrupt: a thread of the device is woken by an eventfd and raises it, the client waits
 * for its own eventfd. Against a thread that writes the eventfd itself.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "parts.h"
#include "raw.h"

static const double ROUND_SECONDS = 0.07;

struct ends {
	int asked, raised;
	struct riser_dev *dev; /* NULL: the floor */
};

static void put(int fd)
{
	static const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("an eventfd cannot be written");
}

static uint64_t take(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t count;

	/* The server has the eventfd of a vector not block, for both who have it. */
	while (read(fd, &count, sizeof(count)) != sizeof(count)) {
		if (errno != EAGAIN || poll(&wait, 1, -1) < 0)
			die("an eventfd cannot be read");
	}
	return count;
}

static void *raise_all(void *opaque)
{
	const struct ends *ends = opaque;

	/* Anything but 1 is the end. */
	while (take(ends->asked) == 1) {
		if (!ends->dev)
			put(ends->raised);
		else if (riser_irq_raise(ends->dev, 0))
			die("no interrupt can be raised");
	}
	return NULL;
}

/* ns from asking for an interrupt until it is there, and the asker awake */
static double run(const struct ends *ends)
{
	double start = seconds(), end;
	unsigned long count = 0;

	do {
		for (int i = 0; i < 64; i++, count++) {
			put(ends->asked);
			take(ends->raised);
		}
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	return (end - start) * 1e9 / (double)count;
}

/* In place of the one that the client of the library waits for with more ado. */
static void bind_vector(int fd, int event)
{
	struct {
		struct vu_header header;
		struct vu_set_irqs irqs;
	} request = { { .command = VU_SET_IRQS, .size = sizeof(request) },
		      { sizeof(struct vu_set_irqs), VU_DATA_EVENTFD | VU_ACTION_TRIGGER,
			VU_IRQ_MSI, 0, 1 } };
	struct vu_header reply;

	raw_send_fd(fd, &request, sizeof(request), event);
	raw_receive(fd, &reply, sizeof(reply));
	if (reply.flags & VU_ERROR)
		die("no vector can be bound");
}

static void ends_start(struct ends *ends, pthread_t *thread, struct riser_dev *dev)
{
	*ends = (struct ends){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			       eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), dev };
	if (ends->asked < 0 || ends->raised < 0)
		die("no eventfd");
	pthread_create(thread, NULL, raise_all, ends);
}

static void ends_stop(struct ends *ends, pthread_t thread)
{
	static const uint64_t end = 2;

	if (write(ends->asked, &end, sizeof(end)) < 0)
		die("an eventfd cannot be written");
	pthread_join(thread, NULL);
	close(ends->asked);
	close(ends->raised);
}

static void measure(struct json_object *list, struct riser_dev *dev, int fd)
{
	struct figure figure = { .name = "interrupt, from a thread of the device",
				 .unit = "ns",
				 .target = 1.05,
				 .most = true };
	double ours[ROUNDS], floors[ROUNDS];
	struct ends device, bare;
	pthread_t threads[2];

	ends_start(&device, &threads[0], dev);
	ends_start(&bare, &threads[1], NULL);
	bind_vector(fd, device.raised);
	for (int i = 0; i < ROUNDS; i++) {
		floors[i] = run(&bare);
		ours[i] = run(&device);
	}
	report_rounds(list, figure, ours, floors);
	ends_stop(&device, threads[0]);
	ends_stop(&bare, threads[1]);
}

void bench_irq(struct json_object *list)
{
	struct riser_model *model = bench_model();
	struct served served = { 0 };
	struct riser_host *host;
	struct riser_error error;
	int fd;

	pin(0);
	served_start(&served, model, NULL);
	fd = dup(served.fd);
	if (fd < 0 || riser_client_from_fd(served.fd, NULL, &host, &error) ||
	    riser_host_enable(host) || riser_host_irq_enable(host, RISER_IRQ_MSI, 1))
		die("the device cannot be reached");
	measure(list, bench_device(), fd);
	close(fd);
	riser_host_destroy(host);
	served_stop(&served);
	riser_model_close(model);
}
