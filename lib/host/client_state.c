/* SPDX-License-Identifier: MIT */
/* Saving and loading by VFIO's migration states. */
#include <errno.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "host/client.h"

/* Asks for a migration state (VFIO's device state machine). */
static int client_set_state(struct client *c, enum riser__vu_state state)
{
	struct {
		struct vu_feature feature;
		struct vu_mig_state state;
	} set = { { sizeof(set), VU_FEATURE_SET | VU_FEATURE_MIG_STATE }, { state, -1 } };
	struct client_request request = { .command = VU_DEVICE_FEATURE,
					  .head = &set,
					  .head_size = sizeof(set) };

	return client_call(c, &request);
}

/* Ends a server that sends state without end. */
enum { PIECES_MAX = 65536, STATE_MAX = 1 << 30 };

/* Reads the saved state to its end, in pieces of the server's largest transfer. */
static int read_data(struct client *c, struct riser__buffer *to)
{
	uint8_t *piece = malloc(c->max_data);
	int ret = piece ? 0 : -ENOMEM;

	for (unsigned pieces = 1;; pieces++) {
		struct vu_mig_data ask = { (uint32_t)sizeof(ask) + c->max_data, c->max_data },
				   got;
		struct client_request request = { .command = VU_MIG_DATA_READ,
						  .head = &ask,
						  .head_size = sizeof(ask),
						  .reply = &got,
						  .reply_size = sizeof(got),
						  .rest = piece,
						  .rest_size = c->max_data };

		if (!ret)
			ret = client_call(c, &request);
		if (ret || !request.rest_size)
			break;
		riser__buffer_add(to, piece, request.rest_size);
		ret = to->failed ? -ENOMEM : 0;
		if (pieces == PIECES_MAX || to->size > STATE_MAX) {
			ret = riser__host_fail(
				&c->host, -EPROTO,
				"the server's saved state does not end: %zu bytes in %u pieces",
				to->size, pieces);
			break;
		}
	}
	if (!piece || to->failed)
		riser__host_fail(&c->host, -ENOMEM, "no memory for the device's state");
	free(piece);
	return ret;
}

int client_save(struct riser_host *host, void **data, size_t *size)
{
	struct client *c = client_of(host);
	struct riser__buffer buffer = { 0 };
	int ret = client_set_state(c, VU_STATE_STOP_COPY), again;

	if (!ret)
		ret = read_data(c, &buffer);
	again = client_set_state(c, VU_STATE_RUNNING);
	if (!ret)
		ret = again;
	if (ret) {
		riser__buffer_free(&buffer);
		return ret;
	}
	*data = buffer.data;
	*size = buffer.size;
	return 0;
}

static int write_data(struct client *c, const uint8_t *data, size_t size)
{
	int ret = 0;

	while (size && !ret) {
		uint32_t n = size < c->max_data ? (uint32_t)size : c->max_data;
		const struct vu_mig_data head = { (uint32_t)sizeof(head) + n, n };
		struct client_request request = { .command = VU_MIG_DATA_WRITE,
						  .head = &head,
						  .head_size = sizeof(head),
						  .tail = data,
						  .tail_size = n };

		ret = client_call(c, &request);
		data += n;
		size -= n;
	}
	return ret;
}

/* A state that was refused has changed nothing: the device goes on. */
static int load_refused(struct client *c, int error)
{
	struct riser_error why = c->host.error;

	client_set_state(c, VU_STATE_STOP);
	client_set_state(c, VU_STATE_RUNNING);
	c->host.error = why;
	return error;
}

int client_load(struct riser_host *host, const void *data, size_t size)
{
	struct client *c = client_of(host);
	int ret = client_set_state(c, VU_STATE_RESUMING), again;

	if (!ret)
		ret = write_data(c, data, size);
	if (!ret)
		ret = client_set_state(c, VU_STATE_STOP);
	if (ret)
		return load_refused(c, ret);
	/* Before it runs, so that nothing of what it sends is lost. */
	ret = riser__host_learn(host);
	again = client_set_state(c, VU_STATE_RUNNING);
	return ret ? ret : again;
}
