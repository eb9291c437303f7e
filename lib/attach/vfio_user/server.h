/* SPDX-License-Identifier: MIT */
/* A vfio-user server: one device, one client at a time. What its files share. */
#ifndef RISER_VFIO_USER_SERVER_H
#define RISER_VFIO_USER_SERVER_H

#include <pthread.h>
#include <sys/types.h>

#include "attach/vfio_user/stream.h"
#include "core/buffer.h"
#include "core/dma_table.h"
#include "core/loop.h"
#include "pci/pci.h"

enum { VU_MAX_MAPS = 65535 };

/* The connection to the client (link.c). */
struct vu_link {
	struct riser__source source; /* fd -1: none */
	struct vu_input in;
	struct vu_input aside; /* what came in while a callback waited for a DMA reply */
	struct vu_output out;
	bool negotiated;
	int broken;	   /* why it is to be dropped: -EPROTO, framing is lost; -ENOTCONN */
	bool full;	   /* waits for the client to take replies */
	bool last;	   /* to be dropped once what is in `out` has gone */
	bool serving;	   /* the message at in.start */
	bool answered;	   /* and that one has its answer already (early.c) */
	uint32_t max_xfer; /* bytes of data the client takes in a message */
	uint32_t max_fds;
	uint8_t *reply; /* of the message being served */
	size_t reply_size;
	int reply_fd;
};

/* Listening (socket.c). */
struct vu_listener {
	struct riser__source source; /* fd -1: the client was connected when given */
	struct riser__alarm retry;
	char *path; /* to be removed; NULL: not ours */
	dev_t device;
	ino_t inode;
};

/* Interrupts (irqs.c). Guarded by the device's interrupt lock. */
struct vu_vector {
	int fd;	     /* eventfd, or -1 */
	bool masked; /* by the client; INTx: since it was last signalled */
	bool held;   /* to be signalled when that is possible */
};

struct vu_irqs {
	struct vu_vector *vectors[3]; /* INTx, MSI, MSI-X */
	unsigned count[3];
	bool level;		       /* of INTx */
	struct riser__source resample; /* an eventfd by which the client unmasks INTx */
};

/* Migration (migration.c). */
struct vu_migration {
	enum riser__vu_state state;
	struct riser__buffer data;
	size_t at, limit; /* saving: read so far; resuming: the most taken */
	bool logging;	  /* which pages are written */
};

/* DMA by message (remote.c). */
struct vu_remote {
	enum { VU_LAYOUT_UNKNOWN, VU_LAYOUT_SPEC, VU_LAYOUT_OLD } layout;
	uint16_t next_id;
	bool stuck;    /* the last request was not answered in time */
	size_t parsed; /* of link.aside: requests for later before it */
	bool waits;    /* the client, before it answers us (early.c) */
	/* Early answers: for which message others wait, and what was looked at (early.c). */
	bool looks, looks_served, behind;
	size_t looks_at, looked_in, looked; /* of link.in; of it; of link.aside */
	unsigned answers;		    /* given early */
	struct vu_output early;		    /* answers that cannot wait; data NULL: none yet */
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct vu_remote_job *jobs, **last; /* of other threads */
	bool closed;
};

/* Kinds of lines that are counted, and how many of each are written before ever fewer are. */
enum { VU_KINDS = 32, VU_LINES_MOST = 1024 };

struct riser_server {
	struct riser_loop *loop;
	struct riser_dev *dev;
	struct riser__dma_table *table;
	const char *name;
	bool trace, poll;
	riser_log_fn *log;
	void *log_arg;
	uint64_t deadline;
	struct riser__alarm alarm;
	struct riser__task task;
	struct vu_watch *watches;
	atomic_bool connected;			/* and negotiated */
	atomic_bool stopped;			/* for a migration */
	_Atomic uint64_t stopped_at, clock_lag; /* ns; 0: it is not stopped */
	atomic_ulong complaints;
	struct {
		const char *_Atomic format;
		atomic_ulong count;
	} kinds[VU_KINDS];
	unsigned traits; /* of the client, that were seen (client.c) */
	unsigned checks; /* of its memory, that were made */
	struct vu_listener listener;
	struct vu_link link;
	struct vu_irqs irqs;
	struct vu_migration migration;
	struct vu_remote remote;
};

/* server.c */
void vu_log(struct riser_server *server, enum riser_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What a client did wrong: as vu_log(RISER_WARN), but ever fewer lines. */
void vu_complain(struct riser_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Stops all callbacks of the device but those for register accesses, or lets them run. */
void vu_server_set_stopped(struct riser_server *server, bool stopped);
/* After a client has gone: all that it left is undone, for the next one. */
void vu_server_clean(struct riser_server *server);

/* socket.c */
int vu_listener_open(struct riser_server *server, const char *path, int fd,
		     struct riser_error *error);
void vu_listener_close(struct riser_server *server);

/* link.c */
/* `fd` becomes the link's, unless it fails. */
int vu_link_open(struct riser_server *server, int fd);
void vu_link_drop(struct riser_server *server, const char *why);
/* Whether the client has hung up, even if the loop has not seen that yet. */
bool vu_link_is_dead(struct riser_server *server);
/* Serves what was set aside. */
void vu_link_resume(struct riser_server *server);

/*
 * early.c: what can be answered of what came in, while a callback of the device waits for DMA:
 * the message that it was called for, then whatever came after that.
 */
void vu_early_begin(struct riser_server *server);
void vu_early_serve(struct riser_server *server);
/* The buffers have changed: all messages in them are looked at again. */
void vu_early_forget(struct riser_server *server);

/* hot.c: serves the register accesses at the front of the input buffer. */
void vu_serve_accesses(struct riser_server *server);

/* client.c: notes what the message, whose answer took so many ns, tells of its sender. */
void vu_client_see(struct riser_server *server, const struct vu_message *message,
		   uint64_t took);
/* The device has just done this, in memory that it maps. */
void vu_client_check_memory(struct riser_server *server, uint64_t iova, const void *bytes,
			    size_t length, bool write);

/* dispatch.c */
void vu_dispatch(struct riser_server *server, struct vu_message *message);
/* Room for the reply's payload, to be filled before the handler returns 0; or NULL. */
uint8_t *vu_reply(struct riser_server *server, size_t size);
const char *vu_command_name(unsigned command);

/* Handlers: 0, or the negative errno to reply. */
typedef int vu_handler(struct riser_server *server, struct vu_message *message);
vu_handler vu_version;						   /* version.c */
vu_handler vu_get_info, vu_get_region_info, vu_get_region_io_fds;  /* info.c */
vu_handler vu_region_read, vu_region_write, vu_region_write_multi; /* region.c */
vu_handler vu_device_reset;					   /* region.c */
vu_handler vu_dma_map, vu_dma_unmap;				   /* dma.c */
vu_handler vu_get_irq_info, vu_set_irqs;			   /* irqs.c */
vu_handler vu_device_feature;					   /* feature.c */
vu_handler vu_mig_data_read, vu_mig_data_write;			   /* migration.c */

/* dma.c: bytes of a bitmap of these pages; -EINVAL, -E2BIG */
int vu_bitmap_size(uint64_t length, uint64_t page_size, uint64_t *size);

/* irqs.c */
int vu_irqs_init(struct riser_server *server);
void vu_irqs_fini(struct riser_server *server);
void vu_irqs_unbind(struct riser_server *server);
void vu_irqs_reset(struct riser_server *server);  /* drops held back interrupts */
void vu_irqs_resume(struct riser_server *server); /* signals the held back interrupts */
void vu_irqs_intx(void *host, bool level);
void vu_irqs_message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		     uint32_t data);

/* migration.c */
/* Waits for jobs under way, and calls their done(). -EBUSY: one did not end in time. */
int vu_quiesce(struct riser_server *server);
int vu_migration_set(struct riser_server *server, uint32_t state);
void vu_migration_reset(struct riser_server *server);

/* remote.c */
int vu_remote_init(struct riser_server *server);
void vu_remote_fini(struct riser_server *server);
/* Any thread. As riser__dma_table_copy(), by messages. */
int vu_remote_dma(struct riser_server *server, uint64_t iova, void *buffer, size_t length,
		  bool write);
void vu_remote_run_jobs(struct riser_server *server);
/* No more jobs are taken; those that wait fail. */
void vu_remote_close(struct riser_server *server);
void vu_remote_forget_client(struct riser_server *server);

#endif
