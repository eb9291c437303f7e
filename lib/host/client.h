/* SPDX-License-Identifier: MIT */
/* A vfio-user client: the host side of any server's socket. */
#ifndef RISER_HOST_CLIENT_H
#define RISER_HOST_CLIENT_H

#include "protocol/vfio_user.h"
#include "host/host.h"

enum { CLIENT_MAX_FDS = 16, CLIENT_MAX_DATA = 1 << 20, CLIENT_BUFFER = (1 << 20) + 4096 };

struct client {
	struct riser_host host;
	int fd;
	uint16_t next_id;
	uint8_t *buffer;   /* of the message being received */
	uint32_t max_data; /* the server takes in a message */
	uint32_t max_fds;
	bool message_dma;
	bool posted; /* something was sent that nothing has answered yet */
	bool lost;   /* the connection is */
	int *events; /* eventfds of the vectors bound; INTx: one */
	unsigned event_count;
	enum riser_irq_mode bound;
	struct client_mapping *mappings;
};

/* A request's two parts, descriptors with it, and where its reply goes. */
struct client_request {
	uint16_t command;
	bool posted; /* asks for no reply */
	const void *head, *tail;
	size_t head_size, tail_size;
	const int *fds;
	unsigned fd_count;
	void *reply;	   /* the first bytes of the reply's payload … */
	size_t reply_size; /* … at least so many, or it is refused */
	void *rest;	   /* and what follows them, */
	size_t rest_size;  /* at most; set to how much there was */
	int *reply_fd;	   /* -1 where none came; NULL: not wanted */
};

/* `host` is its first member. */
static inline struct client *client_of(struct riser_host *host)
{
	return (struct client *)host;
}

/* client_link.c */
int client_call(struct client *c, struct client_request *request);
/*
 * Handles what the server asks, what is there already and for `ns` more, or until the vector's
 * event.
 */
int client_serve(struct client *c, uint64_t ns, unsigned vector);
uint64_t client_now(struct riser_host *host);

/* client_irqs.c */
int client_irq_bind(struct riser_host *host, enum riser_irq_mode mode, unsigned count);
int client_msix_mask(struct riser_host *host, unsigned vector, bool masked);
int client_irq_collect(struct riser_host *host, unsigned vector, bool settle);
void client_irqs_fini(struct client *c);

/* client_state.c */
int client_save(struct riser_host *host, void **data, size_t *size);
int client_load(struct riser_host *host, const void *data, size_t size);

#endif
