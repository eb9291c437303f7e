/* SPDX-License-Identifier: MIT-0 */
/* virtio_net: what its files share. */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <stddef.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include <riser/riser.h>

enum {
	RX = 0,
	TX = 1,
	FRAME_MAX = 65535 + 18, /* an IP packet and its Ethernet header, with a VLAN's */
	FRAME_MIN = 14,
	MERGE_MAX = 64, /* buffers of the driver's for one frame */
	TIMER_LINK = 0,
	TIMER_USER = 1,
};

struct net;

/* The network that the device is in. */
struct network {
	/* 0, or the result of riser_fail(). */
	int (*open)(struct net *net, const char *path);
	void (*close)(struct net *net);
	/* Whether it can take one more frame; if not, transmit() is called when it can. */
	bool (*ready)(struct net *net);
	/* Takes a frame; it is its own to copy. */
	void (*send)(struct net *net, const uint8_t *frame, size_t length);
	/* After the last of several. */
	void (*flush)(struct net *net);
	/* The driver has room for frames again. */
	void (*room)(struct net *net);
	void (*timer)(struct net *net, unsigned timer);
};
extern const struct network network_user, network_join, network_none;

struct net {
	/* Options. */
	const char *where, *mac_text;
	uint32_t mtu_option;
	/* Configuration. */
	uint8_t mac[6];
	uint16_t status, max_virtqueue_pairs, mtu;

	struct riser_dev *dev;
	uint8_t address[6];
	bool up, started;
	const struct network *network;
	struct user *user;
	struct join *join;
	/* Buffers popped for a frame that was shorter; the next one's. */
	struct riser_chain *spare[MERGE_MAX];
	unsigned spare_count;
	uint64_t dropped;
	uint8_t frame[FRAME_MAX];
};

/* transmit.c: sends what the driver has made available. */
void transmit(struct net *net);
/* receive.c: a frame for the driver; false: no room yet, it was not taken. */
bool receive(struct net *net, const uint8_t *frame, size_t length);
/* Whether there may be room. */
bool receiving(const struct net *net);
/* Gives the buffers kept for later back, unused. */
void receive_stop(struct net *net);
/* Bytes of the header before each frame. */
size_t header_size(const struct net *net);

void link_changed(struct net *net, bool up);

#endif
