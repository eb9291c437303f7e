/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RX, TX, HEADER = 12, ROOM = 1024, BUFFERS = 64, FRAME_MAX = 65535 + 18 };
#define WAIT PATIENCE
#define CABLE "virtio_net.cable"
#define BIT(n) (UINT64_C(1) << (n))

struct card {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *rx, *tx;
	uint8_t *out;
	uint64_t out_iova;
	int peer; /* the cable's other end */
};

static int plug_in(void)
{
	struct sockaddr_un address = { AF_UNIX, CABLE };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = 600 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
	return fd;
}

static void give(struct card *card, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct riser_driver_sg sg = { .length = ROOM };
		void *buffer = riser_driver_alloc(card->driver, ROOM, 64, &sg.iova);

		ok(card->host, riser_driver_add(card->rx, NULL, 0, &sg, 1, buffer));
	}
	ok(card->host, riser_driver_kick(card->rx));
}

static void open_card(struct card *card, struct riser_host *host, uint64_t features)
{
	const struct riser_driver_config config = { .size = sizeof(config),
						    .features = features,
						    .irq = RISER_IRQ_MSIX };

	*card = (struct card){ .host = host };
	ok(host, riser_driver_create(host, &config, &card->driver));
	ok(host, riser_driver_queue(card->driver, RX, 128, &card->rx));
	ok(host, riser_driver_queue(card->driver, TX, 128, &card->tx));
	card->out = riser_driver_alloc(card->driver, 1 << 17, 64, &card->out_iova);
	ok(host, riser_driver_ready(card->driver));
	card->peer = plug_in();
	ok(host, riser_driver_config_wait(card->driver, WAIT));
}

static void close_card(struct card *card)
{
	close(card->peer);
	riser_driver_destroy(card->driver);
}

static uint16_t status_of(struct card *card)
{
	uint16_t status;

	ok(card->host, riser_driver_config_read(card->driver, 6, &status, 2));
	return status;
}

static void fill(uint8_t *to, uint32_t length, unsigned seed)
{
	for (uint32_t i = 0; i < length; i++)
		to[i] = (uint8_t)(i * 31 + i / 255 + seed);
}

static void peer_sends(struct card *card, const uint8_t *frame, uint32_t length)
{
	uint32_t prefix = htonl(length);

	assert_int_equal(write(card->peer, &prefix, 4), 4);
	assert_int_equal(write(card->peer, frame, length), length);
}

/* The frame that the driver gets: gathered from its buffers. */
static void expect_frame(struct card *card, const uint8_t *frame, uint32_t length)
{
	struct virtio_net_hdr_v1 header;
	uint32_t got = 0, written;
	unsigned buffers = 1;
	uint8_t *buffer;

	for (unsigned i = 0; i < buffers; i++) {
		unsigned skip = i ? 0 : HEADER;

		ok(card->host, riser_driver_wait(card->rx, (void **)&buffer, &written, WAIT));
		if (!i) {
			memcpy(&header, buffer, HEADER);
			buffers = header.num_buffers;
		}
		assert_in_range(written, skip + 1, ROOM);
		assert_memory_equal(buffer + skip, frame + got, written - skip);
		got += written - skip;
	}
	assert_int_equal(got, length);
}

static void expect_at_peer(struct card *card, const uint8_t *frame, uint32_t length)
{
	static uint8_t got[FRAME_MAX];
	uint32_t prefix;

	/* On the bench the device writes when time passes. */
	ok(card->host, riser_host_advance(card->host, MS));
	assert_int_equal(recv(card->peer, &prefix, 4, MSG_WAITALL), 4);
	assert_int_equal(ntohl(prefix), length);
	assert_int_equal(recv(card->peer, got, length, MSG_WAITALL), length);
	assert_memory_equal(got, frame, length);
}

static void driver_sends(struct card *card, uint32_t length)
{
	const struct riser_driver_sg sg = { card->out_iova, HEADER + length };

	memset(card->out, 0, HEADER);
	ok(card->host, riser_driver_add(card->tx, &sg, 1, NULL, 0, card->out));
	ok(card->host, riser_driver_kick(card->tx));
	ok(card->host, riser_driver_wait(card->tx, NULL, NULL, WAIT));
}

static void frames(struct riser_host *host)
{
	static const uint32_t lengths[] = { 14, 60, 1012, 1013, 1514, 9014, 40000 };
	static uint8_t frame[FRAME_MAX];
	struct card card;

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		open_card(&card, host, BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_STATUS));
		assert_int_equal(status_of(&card), VIRTIO_NET_S_LINK_UP);
		give(&card, BUFFERS);
		fill(frame, lengths[i], i);
		peer_sends(&card, frame, lengths[i]);
		expect_frame(&card, frame, lengths[i]);
		fill(card.out + HEADER, lengths[i], i + 7);
		fill(frame, lengths[i], i + 7);
		driver_sends(&card, lengths[i]);
		expect_at_peer(&card, frame, lengths[i]);
		close_card(&card);
	}
}

/* What the driver has no room for waits, and comes in its order. */
static void no_room(struct riser_host *host)
{
	uint8_t frame[1000];
	struct card card;

	open_card(&card, host, BIT(VIRTIO_NET_F_MRG_RXBUF));
	for (unsigned i = 0; i < 40; i++) {
		fill(frame, sizeof(frame), i);
		peer_sends(&card, frame, sizeof(frame));
	}
	refused(host, riser_driver_wait(card.rx, NULL, NULL, 20 * MS), -ETIMEDOUT);
	for (unsigned i = 0; i < 40; i++) {
		give(&card, 1);
		fill(frame, sizeof(frame), i);
		expect_frame(&card, frame, sizeof(frame));
	}
	close_card(&card);
}

/* A frame that no buffer holds is dropped, so that the ones behind it come. */
static void too_large(struct riser_host *host)
{
	static uint8_t frame[5000];
	struct card card;

	open_card(&card, host, 0);
	give(&card, 2);
	peer_sends(&card, frame, sizeof(frame));
	fill(frame, 60, 9);
	peer_sends(&card, frame, 60);
	expect_frame(&card, frame, 60);
	close_card(&card);
}

/* Frames that are none are dropped, and the next one goes through. */
static void no_frames(struct riser_host *host)
{
	uint8_t frame[100];
	struct card card;

	open_card(&card, host, 0);
	for (uint32_t length = 0; length < 14; length++)
		driver_sends(&card, length);
	driver_sends(&card, 70000);
	fill(card.out + HEADER, sizeof(frame), 3);
	fill(frame, sizeof(frame), 3);
	driver_sends(&card, sizeof(frame));
	expect_at_peer(&card, frame, sizeof(frame));
	close_card(&card);
}

/* A peer that speaks something else is dropped, and the next one is welcome. */
static void strange_peer(struct riser_host *host)
{
	uint8_t frame[100];
	struct card card;

	open_card(&card, host, BIT(VIRTIO_NET_F_STATUS));
	give(&card, 4);
	assert_int_equal(write(card.peer, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	ok(host, riser_driver_config_wait(card.driver, WAIT));
	assert_int_equal(status_of(&card), 0);
	close(card.peer);
	card.peer = plug_in();
	ok(host, riser_driver_config_wait(card.driver, WAIT));
	assert_int_equal(status_of(&card), VIRTIO_NET_S_LINK_UP);
	fill(frame, sizeof(frame), 1);
	peer_sends(&card, frame, sizeof(frame));
	expect_frame(&card, frame, sizeof(frame));
	close_card(&card);
}

/* One at the other end at a time. */
static void two_peers(struct riser_host *host)
{
	struct card card;
	char byte;
	int other;

	open_card(&card, host, 0);
	other = plug_in();
	ok(host, riser_host_advance(host, MS));
	assert_int_equal(read(other, &byte, 1), 0);
	close(other);
	close_card(&card);
}

static const struct device_test tests[] = {
	{ "frames", frames, "net=join:" CABLE },
	{ "frames, DMA by message", frames, "net=join:" CABLE, true },
	{ "frames, split", frames, "net=join:" CABLE ",packed=off" },
	{ "no room", no_room, "net=join:" CABLE },
	{ "too large", too_large, "net=join:" CABLE },
	{ "no frames", no_frames, "net=join:" CABLE },
	{ "strange peer", strange_peer, "net=join:" CABLE },
	{ "two peers", two_peers, "net=join:" CABLE },
};

int main(void)
{
	return device_tests_run("virtio_net", tests, sizeof(tests) / sizeof(*tests));
}
