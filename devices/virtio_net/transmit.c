/* SPDX-License-Identifier: MIT-0 */
/* Frames from the driver (virtio 5.1.6.2). */
#include "net.h"

/* What is no frame is dropped, as a cable would. */
static void send_one(struct net *net, struct riser_chain *chain)
{
	size_t length;

	riser_chain_skip(chain, header_size(net));
	length = riser_chain_left(chain);
	if (length < FRAME_MIN || length > sizeof(net->frame)) {
		net->dropped++;
		return;
	}
	if (riser_chain_read(chain, net->frame, length) == length)
		net->network->send(net, net->frame, length);
}

void transmit(struct net *net)
{
	struct riser_vq *vq = riser_virtio_vq(net->dev, TX);
	struct riser_chain *chain;
	bool some = false;

	riser_vq_begin(vq);
	while (net->network->ready(net) && (chain = riser_vq_pop(vq))) {
		send_one(net, chain);
		riser_vq_push(vq, chain);
		some = true;
	}
	riser_vq_end(vq);
	if (some)
		net->network->flush(net);
}
