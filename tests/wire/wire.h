/* SPDX-License-Identifier: MIT */
/*
 * A raw vfio-user client for tests, with structures of its own, and a server of the library's
 * running in a thread for it to talk to.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <riser/serve.h>

struct wire_header {
	uint16_t id, command;
	uint32_t size, flags, error;
} __attribute__((packed));

enum {
	WIRE_VERSION = 1,
	WIRE_DMA_MAP,
	WIRE_DMA_UNMAP,
	WIRE_GET_INFO,
	WIRE_REGION_INFO,
	WIRE_IO_FDS,
	WIRE_IRQ_INFO,
	WIRE_SET_IRQS,
	WIRE_READ,
	WIRE_WRITE,
	WIRE_DMA_READ,
	WIRE_DMA_WRITE,
	WIRE_RESET,
	WIRE_MULTI = 15,
	WIRE_FEATURE,
	WIRE_MIG_READ,
	WIRE_MIG_WRITE,
	WIRE_REPLY = 1,
	WIRE_NO_REPLY = 16,
	WIRE_ERROR = 32,
	WIRE_CONFIG = 7, /* the region */
};

struct wire_region_info {
	uint32_t argsz, flags, index, cap;
	uint64_t size, offset;
} __attribute__((packed));

struct wire_map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
} __attribute__((packed));

struct wire_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
} __attribute__((packed));

struct wire_access {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[8];
} __attribute__((packed));

struct wire_irqs {
	uint32_t argsz, flags, index, start, count;
	uint8_t data[12];
} __attribute__((packed));

enum { WIRE_PAYLOAD = 1 << 21 };

struct wire_message {
	struct wire_header header;
	uint8_t payload[WIRE_PAYLOAD];
	size_t size; /* of the payload */
	int fd;	     /* that came with it, or -1 */
	unsigned fd_count;
};

struct wire {
	struct riser_loop *loop;
	struct riser_model *model;
	struct riser_server *server;
	pthread_t thread;
	char path[108];
	atomic_uint lines; /* logged */
	atomic_uint errors;
	int fd; /* of the client */
	uint16_t id;
	struct wire_message in;
};

/* The line that clients like QEMU send. */
extern const char wire_capabilities[];

/* What cmocka calls around a test: a server of `wire_device`, and a client that has negotiated.
 */
int wire_setup(void **state);
int wire_setup_unconnected(void **state);
int wire_teardown(void **state);

int wire_connect(const struct wire *w);
void wire_negotiate(struct wire *w);
void wire_reconnect(struct wire *w); /* with a negotiation */

void wire_send_bytes(int fd, const void *data, size_t size);
/* One sendmsg(). */
void wire_send_fds(int fd, const void *data, size_t size, const int *fds, unsigned count);
/* Sends a command with a new id, which is returned. */
uint16_t wire_send(struct wire *w, unsigned command, unsigned flags, const void *payload,
		   size_t size);
/* The next message, into w->in. False: the server has closed the connection. */
bool wire_receive(struct wire *w);
/* Sends, takes the reply (checking its header) and returns its error number. */
int wire_call(struct wire *w, unsigned command, const void *payload, size_t size);
int wire_call_fds(struct wire *w, unsigned command, const void *payload, size_t size,
		  const int *fds, unsigned count);

uint64_t wire_read(struct wire *w, unsigned region, uint64_t offset, unsigned size);
void wire_write(struct wire *w, unsigned region, uint64_t offset, unsigned size,
		uint64_t value);
int wire_map(struct wire *w, uint64_t address, uint64_t size, unsigned flags, int fd,
	     uint64_t offset);
int wire_set_irqs(struct wire *w, uint32_t flags, uint32_t index, uint32_t start,
		  uint32_t count, const int *fds, unsigned fd_count);
int wire_eventfd(void);
/* How often it was signalled since the last look. */
uint64_t wire_signals(int fd);
bool wire_wait(int fd, int ms); /* until it can be read */

/* Open descriptors of this process, the server's among them. */
unsigned wire_count_fds(void);
/* Waits until there are `count` again; fails the test otherwise. */
void wire_expect_fds(unsigned count);

/* ---- The device (device.c) ---- */

extern const struct riser_pci_device wire_device;

enum {
	DEV_SCRATCH = 0x00,
	DEV_RAISE = 0x04,
	DEV_LOWER = 0x08,
	DEV_IOVA = 0x10,
	DEV_LENGTH = 0x18,
	DEV_COMMAND = 0x1c,
	DEV_RESULT = 0x20,
	DEV_DELAY = 0x24, /* ms */
	DEV_FIRED = 0x28,
	DEV_WRITES = 0x2c, /* of scratch */
	DEV_RESETS = 0x30,
	DEV_BUFFER = 0x20000,
	DEV_BUFFER_SIZE = 0x20000,
	DEV_BAR_SIZE = 0x40000,
	DEV_MSI = 4,
	DEV_MSIX = 40,
	DEV_MSIX_TABLE = 0x2000,
	DEV_MSIX_PBA = 0x3000,

	CMD_READ = 1, /* DMA into the buffer */
	CMD_WRITE,
	CMD_JOB_READ, /* the same on a worker thread; vector 1 is raised at the end */
	CMD_JOB_WRITE,
	CMD_TIMER, /* after DEV_DELAY: raises vector 0 */
	CMD_POST,  /* raises vector 2 */
	CMD_WATCH, /* raises vector 3 once the other end of a pipe was written to */
};

#endif
