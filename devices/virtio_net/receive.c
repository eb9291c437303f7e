/* SPDX-License-Identifier: MIT-0 */
/* Frames for the driver, each in as many of its buffers as it takes (virtio 5.1.6.4). */
#include <endian.h>
#include <string.h>

#include "net.h"

enum { HEADER_LEGACY = 10 };

size_t header_size(const struct net *net)
{
	return riser_virtio_has(net->dev, VIRTIO_F_VERSION_1) ||
			       riser_virtio_has(net->dev, VIRTIO_NET_F_MRG_RXBUF)
		       ? sizeof(struct virtio_net_hdr_v1)
		       : HEADER_LEGACY;
}

bool receiving(const struct net *net)
{
	return riser_vq_live(riser_virtio_vq(net->dev, RX));
}

static struct riser_chain *take(struct net *net, unsigned index)
{
	if (index == net->spare_count && index < MERGE_MAX) {
		net->spare[index] = riser_vq_pop(riser_virtio_vq(net->dev, RX));
		net->spare_count += net->spare[index] != NULL;
	}
	return index < net->spare_count ? net->spare[index] : NULL;
}

/* How many buffers `length` bytes need; 0: there is no room for them. */
static unsigned gather(struct net *net, size_t length)
{
	bool merges = riser_virtio_has(net->dev, VIRTIO_NET_F_MRG_RXBUF);
	struct riser_chain *chain;
	unsigned count = 0;
	size_t room = 0;

	while (room < length && (chain = take(net, count))) {
		room += riser_chain_room(chain);
		count++;
		if (!merges)
			break;
	}
	return room < length ? 0 : count;
}

/* Buffers that hold nothing are of no use. */
static void drop_small(struct net *net)
{
	while (net->spare_count &&
	       riser_chain_room(net->spare[0]) < header_size(net) + FRAME_MIN) {
		riser_vq_push(riser_virtio_vq(net->dev, RX), net->spare[0]);
		memmove(net->spare, net->spare + 1, --net->spare_count * sizeof(*net->spare));
	}
}

/* With all the buffers there can be it does not fit: to wait for more would be for ever. */
static bool never_fits(const struct net *net)
{
	bool merges = riser_virtio_has(net->dev, VIRTIO_NET_F_MRG_RXBUF);

	return net->spare_count == (merges ? MERGE_MAX : 1);
}

static void put(struct net *net, unsigned count, const uint8_t *frame, size_t length)
{
	struct virtio_net_hdr_v1 header = { .num_buffers = htole16((uint16_t)count) };
	struct riser_vq *vq = riser_virtio_vq(net->dev, RX);

	riser_vq_begin(vq);
	riser_chain_write(net->spare[0], &header, header_size(net));
	for (unsigned i = 0; i < count; i++) {
		size_t done = riser_chain_write(net->spare[i], frame, length);

		frame += done;
		length -= done;
		riser_vq_push(vq, net->spare[i]);
	}
	riser_vq_end(vq);
	net->spare_count -= count;
	memmove(net->spare, net->spare + count, net->spare_count * sizeof(*net->spare));
}

bool receive(struct net *net, const uint8_t *frame, size_t length)
{
	unsigned count;

	if (!receiving(net))
		return false;
	count = gather(net, header_size(net) + length);
	if (count) {
		put(net, count, frame, length);
		return true;
	}
	drop_small(net);
	if (!never_fits(net))
		return false;
	net->dropped++;
	return true;
}

void receive_stop(struct net *net)
{
	struct riser_vq *vq = riser_virtio_vq(net->dev, RX);

	while (net->spare_count)
		riser_vq_push(vq, net->spare[--net->spare_count]);
}
