/* SPDX-License-Identifier: MIT */
/* The vfio-user server's state, shared by the files of this folder. */
#ifndef RISER_VFIO_USER_SERVER_H
#define RISER_VFIO_USER_SERVER_H

#include <pthread.h>

#include "attach/loop.h"
#include "attach/vfio_user/connection.h"
#include "core/buffer.h"
#include "core/dma_table.h"
#include "pci/pci.h"

enum { VU_MAX_DMA_MAPS = 65535 };

/* VFIO's interrupt indices, and the mode of each of the first three. */
enum { VU_IRQ_INTX, VU_IRQ_MSI, VU_IRQ_MSIX, VU_IRQ_ERR, VU_IRQ_REQ, VU_IRQS };

/* An interrupt index as the client set it up; guarded by the device's interrupt lock. */
struct vu_irq {
	int *fds; /* one a vector, -1 where there is none */
	unsigned count;
};

enum vu_state {
	VU_STATE_ERROR,
	VU_STATE_STOP,
	VU_STATE_RUNNING,
	VU_STATE_STOP_COPY,
	VU_STATE_RESUMING
};

struct vu_migration {
	enum vu_state state;
	struct riser__buffer data; /* being read or written */
	size_t read;		   /* how much of it was read */
};

/* How the client lays out DMA messages. */
enum vu_dma_layout { VU_LAYOUT_UNKNOWN, VU_LAYOUT_SPEC, VU_LAYOUT_OLD };

struct vu_dma_job;

struct riser_server {
	struct riser_loop *loop;
	struct riser_dev *dev;
	char *path; /* to unlink at the end; NULL: not ours */
	struct riser__source listener, client, timer, wake;
	bool listening, connected, negotiated;
	struct vu_connection connection;
	struct vu_fds *fds; /* of the message being handled */

	riser_log_fn *log;
	void *log_arg;
	bool trace;

	/* The device's clock stands still while the client has it stopped. */
	uint64_t clock_lag, stopped_at, deadline;

	struct riser__dma_table *dma;
	enum vu_dma_layout dma_layout;
	uint32_t client_max_data;
	uint16_t next_id;
	pthread_t thread;	  /* that serves the connection */
	pthread_mutex_t dma_lock; /* guards the jobs */
	pthread_cond_t dma_done;
	struct vu_dma_job *dma_jobs; /* of other threads */
	bool closing;

	struct vu_irq irqs[VU_IRQS];
	bool intx_masked;
	struct vu_migration migration;
	struct vu_watch *watches;
};

/*
 * Handles a request. Appends the reply's payload and returns 0, or returns -errno and the reply
 * becomes an error.
 */
typedef int vu_handler(struct riser_server *s, const struct vu_message *m);

/* Room for a reply's payload; NULL without memory (-ENOMEM). */
static inline void *vu_reply(struct riser_server *s, size_t size)
{
	return vu_append(&s->connection, size);
}

/* A descriptor of the message, taken over by the caller, or -1. */
int vu_take_fd(struct riser_server *s, unsigned index);

void vu_log(struct riser_server *s, enum riser_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* server.c */
/*
 * Handles what has come in and sends what is to go out. To be called after everything that ran
 * device code, because an exchange in it may have brought in requests.
 */
void vu_pump(struct riser_server *s);

/* dispatch.c: handles complete messages; false: not all, the connection is broken or stalled.
 */
bool vu_dispatch(struct riser_server *s);

/* host.c */
extern const struct riser__host_ops vu_host_ops;
int vu_host_init(struct riser_server *s);
void vu_host_fini(struct riser_server *s);
void vu_set_running(struct riser_server *s, bool running);

/* irqs.c */
int vu_irqs_init(struct riser_server *s);
void vu_irqs_unbind(struct riser_server *s);
void vu_irqs_fini(struct riser_server *s);
void vu_host_intx(void *host, bool level);
void vu_host_message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		     uint32_t data);

/* message_dma.c */
int vu_host_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write);
void vu_run_dma_jobs(struct riser_server *s);
void vu_fail_dma_jobs(struct riser_server *s);

/* migration.c */
void vu_migration_reset(struct riser_server *s);

vu_handler vu_version, vu_get_info, vu_get_region_info, vu_get_region_io_fds, vu_get_irq_info;
vu_handler vu_set_irqs, vu_region_read, vu_region_write, vu_region_write_multi;
vu_handler vu_map_dma, vu_unmap_dma, vu_reset, vu_feature, vu_migration_read,
	vu_migration_write;

#endif
