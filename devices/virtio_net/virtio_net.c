/* SPDX-License-Identifier: MIT-0 */
/* virtio_net - a network device for Linux's own driver (virtio 5.1). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "net.h"

static void rx_kick(struct riser_dev *dev, struct riser_vq *vq)
{
	struct net *net = riser_state(dev);

	(void)vq;
	net->network->room(net);
}

static void tx_kick(struct riser_dev *dev, struct riser_vq *vq)
{
	(void)vq;
	transmit(riser_state(dev));
}

static void rx_stop(struct riser_dev *dev, struct riser_vq *vq)
{
	(void)vq;
	receive_stop(riser_state(dev));
}

static void link_timer(struct riser_dev *dev)
{
	struct net *net = riser_state(dev);

	net->network->timer(net, TIMER_LINK);
}

static void user_timer(struct riser_dev *dev)
{
	struct net *net = riser_state(dev);

	net->network->timer(net, TIMER_USER);
}

void link_changed(struct net *net, bool up)
{
	net->up = up;
	if (!net->started || !!(net->status & VIRTIO_NET_S_LINK_UP) == up)
		return;
	net->status = up ? VIRTIO_NET_S_LINK_UP : 0;
	riser_virtio_config_changed(net->dev);
}

/* Timers were cancelled by the reset: a network that waits for one is asked again. */
static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct net *net = riser_state(dev);

	(void)kind;
	memcpy(net->mac, net->address, sizeof(net->mac));
	net->mtu = (uint16_t)net->mtu_option;
	net->max_virtqueue_pairs = 1;
	net->status = net->up ? VIRTIO_NET_S_LINK_UP : 0;
	net->started = true;
	net->network->timer(net, TIMER_LINK);
	net->network->timer(net, TIMER_USER);
}

static void saving(struct riser_dev *dev)
{
	receive_stop(riser_state(dev));
}

static int loaded(struct riser_dev *dev, uint32_t version)
{
	struct net *net = riser_state(dev);

	(void)version;
	memcpy(net->address, net->mac, sizeof(net->mac));
	link_changed(net, net->up);
	return 0;
}

/* ---- Making one ---- */

static int set_mac(struct net *net)
{
	unsigned byte[6];
	char rest;

	if (!net->mac_text) {
		uint8_t address[6] = { 0x52, 0x54, 0x00 };

		if (getrandom(address + 3, 3, 0) != 3)
			return riser_fail(net->dev, -EIO, "no random MAC address to be had");
		memcpy(net->address, address, sizeof(address));
		return 0;
	}
	if (sscanf(net->mac_text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2],
		   &byte[3], &byte[4], &byte[5], &rest) != 6 ||
	    byte[0] & 1)
		return riser_fail(net->dev, -EINVAL,
				  "option 'mac' takes an address of one station, as in "
				  "52:54:00:12:34:56, not '%s'",
				  net->mac_text);
	for (unsigned i = 0; i < 6; i++)
		net->address[i] = (uint8_t)byte[i];
	return 0;
}

static int open_network(struct net *net)
{
	const char *path = "";

	if (!strcmp(net->where, "user")) {
		net->network = &network_user;
	} else if (!strcmp(net->where, "none")) {
		net->network = &network_none;
	} else if (!strncmp(net->where, "join:", 5) && net->where[5]) {
		net->network = &network_join;
		path = net->where + 5;
	} else {
		return riser_fail(net->dev, -EINVAL,
				  "option 'net' takes user, none or join:PATH, not '%s'",
				  net->where);
	}
	return net->network->open(net, path);
}

static int init(struct riser_dev *dev)
{
	struct net *net = riser_state(dev);
	int ret;

	net->dev = dev;
	ret = set_mac(net);
	return ret ? ret : open_network(net);
}

static void fini(struct riser_dev *dev)
{
	struct net *net = riser_state(dev);

	net->network->close(net);
}

/* ---- The tables ---- */

static const struct riser_virtio_feature features[] = {
	{ "mtu", VIRTIO_NET_F_MTU, .help = "the largest packet is told" },
	{ "mac", VIRTIO_NET_F_MAC, .help = "it has an address" },
	{ "mrg_rxbuf", VIRTIO_NET_F_MRG_RXBUF, .help = "a frame may take several buffers" },
	{ "status", VIRTIO_NET_F_STATUS, .help = "it tells whether the link is up" },
};

#define REG(offset, member) RISER_REG(offset, struct net, member)
static const struct riser_reg config[] = {
	{ RISER_REG_ARRAY(0x0, struct net, mac) },
	{ REG(0x6, status), .help = "1: the link is up" },
	{ REG(0x8, max_virtqueue_pairs) },
	{ REG(0xa, mtu), .help = "bytes of a packet without its Ethernet header" },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "receiveq1", .size = 256, .kick = rx_kick, .stop = rx_stop },
	{ .name = "transmitq1", .size = 256, .kick = tx_kick },
};

static const struct riser_reach reaches[] = {
	{ "user", RISER_NETWORK },
	{ "join:@", RISER_CONNECTS | RISER_LISTENS },
};

static const struct riser_option options[] = {
	{ .name = "net",
	  .type = RISER_OPTION_STRING,
	  .at = offsetof(struct net, where),
	  .value = "user",
	  .help = "user: the host's network, by libslirp; join:PATH: a cable to the other "
		  "device with that path; none",
	  .reaches = RISER_REACHES(reaches) },
	{ .name = "mac",
	  .type = RISER_OPTION_STRING,
	  .at = offsetof(struct net, mac_text),
	  .help = "its address; one at random" },
	{ .name = "mtu",
	  .type = RISER_OPTION_U32,
	  .at = offsetof(struct net, mtu_option),
	  .value = "1500",
	  .min = 68,
	  .max = 65521,
	  .help = "bytes of a packet" },
};

static const struct riser_timer timers[] = {
	[TIMER_LINK] = { "link", link_timer },
	[TIMER_USER] = { "user", user_timer },
};

static const struct riser_virtio_device virtio_net = {
	.size = sizeof(virtio_net),
	.name = "virtio_net",
	.summary = "a network device: the host's network, or a cable to another one",
	.virtio_id = 1,
	.transitional_id = 0x1000,
	.class_code = 0x020000,
	.state_size = sizeof(struct net),
	.features = RISER_VIRTIO_FEATURES(features),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.options = RISER_OPTIONS(options),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.reset = reset,
	.saving = saving,
	.loaded = loaded,
	.fini = fini,
};

RISER_EXPORT(virtio_net);
