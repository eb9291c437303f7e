/* SPDX-License-Identifier: MIT */
/*
 * The host side against a server that lies: each lie ends in an error with words, never in
 * memory or descriptors that are the server's to spoil, and nothing is left open.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <riser/host.h>

#include "wire.h"

enum lie {
	HONEST,
	ERRS,	       /* EPERM */
	ERRS_STRANGE,  /* an error number that there is not */
	OTHER_ID,      /* a reply to nothing */
	OTHER_COMMAND, /* of another kind */
	CUT,	       /* a reply of four bytes less */
	TINY,	       /* a header of 15 bytes */
	HUGE_SIZE,     /* of 4 GiB */
	GONE,	       /* it closes instead */
	GONE_INSIDE,   /* in the middle of its header */
	GONE_LATER,    /* in the middle of its payload */
	MANY_FDS,      /* eight descriptors with it */
	PAYLOAD,       /* as the case says */
	ASKS,	       /* first a request of its own: the case's, whose answer it notes */
	ASKS_ON,       /* one after the other, a second apart */
};

struct lying {
	const char *name;
	enum lie lie;
	unsigned about; /* the command; 0: none at all */
	int error;	/* that the call returns */
	const char *says;
	const void *data; /* the payload, or the request */
	size_t size;
	uint16_t request; /* its command */
	int answer;	  /* to the request: an error number */
};

enum { BAR0_SIZE = 4096, BAR2_SIZE = 8192 };

/* The server. */
struct liar {
	const struct lying *lying;
	int fd, answered; /* the error of the answer to its request, or -1 */
	uint8_t config[256 + 8];
	struct wire w;
};

static void reply_with(struct liar *s, const void *data, size_t size, uint32_t flags,
		       uint32_t error, const int *fds, unsigned count)
{
	struct wire_header header = s->w.in.header;
	uint8_t bytes[512];

	header.size = (uint32_t)(sizeof(header) + size);
	header.flags = flags;
	header.error = error;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), data, size);
	if (count)
		wire_send_fds(s->fd, bytes, header.size, fds, count);
	else
		wire_send_bytes(s->fd, bytes, header.size); /* the host may have had enough */
}

/* The bits of a BAR below its size stay zero. */
static void keep_sizes(struct liar *s)
{
	uint32_t bars[6];

	memcpy(bars, s->config + 0x10, sizeof(bars));
	for (unsigned i = 0; i < 6; i++)
		bars[i] &= i == 0 ? -(uint32_t)BAR0_SIZE : i == 2 ? -(uint32_t)BAR2_SIZE : 0;
	memcpy(s->config + 0x10, bars, sizeof(bars));
}

/* The payload of an honest answer. */
static size_t honest(struct liar *s, uint8_t *to)
{
	static const uint64_t sizes[9] = { [0] = BAR0_SIZE, [2] = BAR2_SIZE, [7] = 256 };
	struct wire_region_info region = { .argsz = 32 };
	const struct wire_message *in = &s->w.in;
	struct wire_access access;

	switch (in->header.command) {
	case WIRE_VERSION:
		return memset(to, 0, 4) ? 4 : 0;
	case WIRE_GET_INFO:
		memcpy(to, (uint32_t[4]){ 16, 3, 9, 5 }, 16);
		return 16;
	case WIRE_REGION_INFO:
		memcpy(&region.index, in->payload + 8, 4);
		region.flags = 7;
		region.size = region.index < 9 ? sizes[region.index] : 0;
		memcpy(to, &region, sizeof(region));
		return sizeof(region);
	case WIRE_IRQ_INFO:
		memcpy(to, (uint32_t[4]){ 16, 1, 0, 1 }, 16);
		return 16;
	case WIRE_READ:
		memcpy(&access, in->payload, 16);
		memset(access.data, 0, sizeof(access.data));
		if (access.region == WIRE_CONFIG)
			memcpy(access.data, s->config + access.offset, access.count);
		memcpy(to, &access, 16 + access.count);
		return 16 + access.count;
	case WIRE_WRITE:
		memcpy(&access, in->payload, in->size);
		if (access.region == WIRE_CONFIG)
			memcpy(s->config + access.offset, access.data, access.count);
		keep_sizes(s);
		memcpy(to, in->payload, 16);
		return 16;
	case WIRE_MIG_READ:
		memcpy(to, in->payload, 8);
		return 8;
	}
	return 0;
}

/* Seconds by which the host's clock is fast: the C library's own is not asked. */
static atomic_int fast;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int ret = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += atomic_load(&fast);
	return ret;
}

/* A request of the server's; its answer is taken before anything else. False: none came. */
static bool ask(struct liar *s)
{
	struct wire_header asked = s->w.in.header;
	bool answered;

	wire_send(&s->w, s->lying->request, 0, s->lying->data, s->lying->size);
	answered = wire_receive(&s->w);
	if (answered)
		s->answered = (int)s->w.in.header.error;
	s->w.in.header = asked;
	return answered;
}

static void lie(struct liar *s, const uint8_t *data, size_t size)
{
	const struct lying *lying = s->lying;
	int fds[8] = { s->fd, s->fd, s->fd, s->fd, s->fd, s->fd, s->fd, s->fd };
	struct wire_header header = { s->w.in.header.id, s->w.in.header.command,
				      (uint32_t)(16 + size), WIRE_REPLY, 0 };

	switch (lying->lie) {
	case ERRS:
		reply_with(s, "", 0, WIRE_REPLY | WIRE_ERROR, EPERM, NULL, 0);
		return;
	case ERRS_STRANGE:
		reply_with(s, "", 0, WIRE_REPLY | WIRE_ERROR, 0xffffffff, NULL, 0);
		return;
	case OTHER_ID:
		s->w.in.header.id++;
		break;
	case OTHER_COMMAND:
		s->w.in.header.command++;
		break;
	case CUT:
		size = size < 4 ? 0 : size - 4;
		break;
	case MANY_FDS:
		reply_with(s, data, size, WIRE_REPLY, 0, fds, 8);
		return;
	case PAYLOAD:
		data = lying->data;
		size = lying->size;
		break;
	case TINY:
	case HUGE_SIZE:
		header.size = lying->lie == TINY ? 15 : UINT32_MAX;
		wire_send_bytes(s->fd, &header, sizeof(header));
		return;
	case GONE_LATER:
		wire_send_bytes(s->fd, &header, sizeof(header));
		break;
	case GONE_INSIDE:
		wire_send_bytes(s->fd, &header, 7);
		break;
	default:
		break;
	}
	if (lying->lie == GONE || lying->lie == GONE_INSIDE || lying->lie == GONE_LATER)
		shutdown(s->fd, SHUT_RDWR);
	else
		reply_with(s, data, size, WIRE_REPLY, 0, NULL, 0);
}

static void *serve(void *arg)
{
	struct liar *s = arg;
	uint8_t data[512];

	while (wire_receive(&s->w)) {
		size_t size = honest(s, data);

		if (s->w.in.fd >= 0)
			close(s->w.in.fd);
		if (s->w.in.header.flags & WIRE_NO_REPLY)
			continue;
		if (s->lying->about && s->w.in.header.command == s->lying->about) {
			if (s->lying->lie == ASKS)
				ask(s);
			while (s->lying->lie == ASKS_ON && ask(s))
				atomic_fetch_add(&fast, 1);
			lie(s, data, size);
		} else {
			reply_with(s, data, size, WIRE_REPLY, 0, NULL, 0);
		}
	}
	return NULL;
}

/* Everything that a host may do, until something fails. */
static int use(struct riser_host *host)
{
	uint64_t value;
	uint32_t word;
	void *data;
	size_t size;
	int ret = riser_host_config_read(host, 0, 4, &word);

	if (!ret)
		ret = riser_host_reset(host, RISER_RESET_DEVICE);
	if (!ret)
		ret = riser_host_enable(host);
	if (!ret)
		ret = riser_host_read(host, 0, 0, 4, &value);
	if (!ret)
		ret = riser_host_map(host, 2, 0, 4096, &data);
	if (ret == -ENODEV && strstr(riser_host_error(host), "cannot be mapped"))
		ret = 0; /* an honest server gives no descriptor */
	if (!ret)
		ret = riser_host_irq_enable(host, RISER_IRQ_INTX, 1);
	if (!ret)
		ret = riser_host_save(host, &data, &size);
	if (!ret) {
		free(data);
		ret = riser_host_load(host, "state", 5);
	}
	return ret;
}

static void play(const struct lying *lying)
{
	struct riser_host_config config = { .size = sizeof(config), .memory = 1 << 20 };
	struct liar *s = calloc(1, sizeof(*s));
	unsigned open = wire_count_fds();
	struct riser_error error = { "" };
	struct riser_host *host;
	pthread_t thread;
	int pair[2], ret;

	assert_non_null(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->lying = lying;
	s->w.fd = s->fd = pair[0];
	s->answered = -1;
	assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
	ret = riser_client_from_fd(pair[1], &config, &host, &error);
	if (!ret) {
		ret = use(host);
		strcpy(error.text, riser_host_error(host));
		riser_host_destroy(host);
	}
	pthread_join(thread, NULL);
	close(pair[0]);
	if (ret != lying->error || (ret && !strstr(error.text, lying->says)))
		fail_msg("%s: %d, '%s'", lying->name, ret, error.text);
	if (lying->lie == ASKS && s->answered != lying->answer)
		fail_msg("%s: its request was answered with %d", lying->name, s->answered);
	if (wire_count_fds() != open)
		fail_msg("%s: %u descriptors left", lying->name, wire_count_fds() - open);
	free(s);
}

/* Every lie about the reply as such, in every command that the host sends. */
static void test_replies(void **state)
{
	static const struct lying lies[] = {
		{ "an error", ERRS, .error = -EPERM, .says = "refused" },
		{ "a strange error", ERRS_STRANGE, .error = -EIO, .says = "refused" },
		{ "another id", OTHER_ID, .error = -ENOTCONN, .says = "reply to nothing" },
		{ "another command", OTHER_COMMAND, .error = -ENOTCONN,
		  .says = "reply to nothing" },
		{ "a tiny size", TINY, .error = -ENOTCONN, .says = "impossible size" },
		{ "a huge size", HUGE_SIZE, .error = -ENOTCONN, .says = "impossible size" },
		{ "gone", GONE, .error = -ENOTCONN, .says = "server has" },
		{ "gone in a header", GONE_INSIDE, .error = -ENOTCONN, .says = "server has" },
		{ "gone in a payload", GONE_LATER, .error = -ENOTCONN, .says = "server has" },
	};
	static const uint16_t commands[] = { WIRE_VERSION,     WIRE_DMA_MAP,  WIRE_GET_INFO,
					     WIRE_REGION_INFO, WIRE_IRQ_INFO, WIRE_SET_IRQS,
					     WIRE_READ,	       WIRE_WRITE,    WIRE_RESET,
					     WIRE_FEATURE,     WIRE_MIG_READ, WIRE_MIG_WRITE };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
			struct lying lying = lies[i];

			lying.about = commands[c];
			play(&lying);
		}
	}
}

#define BYTES(...)                                                                             \
	.data = (const uint32_t[]){ __VA_ARGS__ }, .size = sizeof((uint32_t[]){ __VA_ARGS__ })
#define TEXT(text) .data = "\0\0\0\0" text, .size = 4 + sizeof(text)

static void test_contents(void **state)
{
	const struct lying lies[] = {
		{ "nothing", HONEST },
		{ "version 1.0", PAYLOAD, WIRE_VERSION, -EPROTO, "not 0.x", BYTES(1) },
		{ "half a version", PAYLOAD, WIRE_VERSION, -ENOTCONN, "too short", "", 1 },
		{ "JSON that is none", PAYLOAD, WIRE_VERSION, -EPROTO, "not JSON", TEXT("{]") },
		{ "an array", PAYLOAD, WIRE_VERSION, 0, "", TEXT("[1]") },
		{ "capabilities that are none", PAYLOAD, WIRE_VERSION, 0, "",
		  TEXT("{\"capabilities\":7}") },
		{ "limits of nothing", PAYLOAD, WIRE_VERSION, 0, "",
		  TEXT("{\"capabilities\":{\"max_data_xfer_size\":-1,\"max_msg_fds\":0}}") },
		{ "no PCI function", PAYLOAD, WIRE_GET_INFO, -ENODEV, "no PCI function",
		  BYTES(16, 1, 9, 5) },
		{ "few regions", PAYLOAD, WIRE_GET_INFO, -ENODEV, "no PCI function",
		  BYTES(16, 3, 7, 5) },
		{ "half an info", PAYLOAD, WIRE_GET_INFO, -ENOTCONN, "too short",
		  BYTES(16, 3) },
		{ "regions of 2^64-1 bytes", PAYLOAD, WIRE_REGION_INFO, -EPROTO,
		  "impossible size", BYTES(32, 7, 0, 0, ~0u, ~0u, 0, 0) },
		{ "an empty configuration space", PAYLOAD, WIRE_REGION_INFO, -EPROTO,
		  "impossible size", BYTES(32, 7, 0, 0, 0, 0, 0, 0) },
		{ "half of what was read", CUT, WIRE_READ, -EPROTO, "bytes for" },
		{ "a saved state without end", PAYLOAD, WIRE_MIG_READ, -EPROTO, "does not end",
		  BYTES(12, 4, 77) },
		{ "descriptors that nobody asked for", MANY_FDS, WIRE_READ },
		{ "descriptors with a region", MANY_FDS, WIRE_REGION_INFO, -ENODEV,
		  "too short" },
		{ "DMA to memory there is", ASKS, WIRE_RESET, 0, "", BYTES(0x1000, 0, 16, 0),
		  WIRE_DMA_READ, 0 },
		{ "DMA past its end", ASKS, WIRE_RESET, 0, "", BYTES(0xffff8, 0, 16, 0),
		  WIRE_DMA_READ, ENODEV },
		{ "DMA to nowhere", ASKS, WIRE_RESET, 0, "", BYTES(0, 1, 16, 0), WIRE_DMA_READ,
		  ENODEV },
		{ "DMA that wraps", ASKS, WIRE_RESET, 0, "", BYTES(~0u, ~0u, 16, 0),
		  WIRE_DMA_READ, ENODEV },
		{ "DMA of 2^64-1 bytes", ASKS, WIRE_RESET, 0, "", BYTES(0x1000, 0, ~0u, ~0u),
		  WIRE_DMA_READ, ENODEV },
		{ "half a DMA_READ", ASKS, WIRE_RESET, 0, "", BYTES(0x1000, 0), WIRE_DMA_READ,
		  ENODEV },
		{ "a DMA_WRITE", ASKS, WIRE_RESET, 0, "", BYTES(0x1000, 0, 4, 0, 77),
		  WIRE_DMA_WRITE, 0 },
		{ "a DMA_WRITE of less than it says", ASKS, WIRE_RESET, 0, "",
		  BYTES(0x1000, 0, 64, 0, 77), WIRE_DMA_WRITE, ENODEV },
		{ "a command that is the host's", ASKS, WIRE_RESET, 0, "", BYTES(16, 0, 0, 0),
		  WIRE_GET_INFO, EOPNOTSUPP },
		{ "questions without end", ASKS_ON, WIRE_RESET, -ENOTCONN, "asks and asks",
		  BYTES(0x1000, 0, 4, 0), WIRE_DMA_READ },
		{ "a command that is none", ASKS, WIRE_RESET, 0, "", BYTES(0), 999,
		  EOPNOTSUPP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		play(&lies[i]);
}

static void test_nobody(void **state)
{
	struct riser_error error = { "" };
	struct riser_host *host;
	char path[200];

	(void)state;
	assert_int_equal(riser_client_create("/nowhere/sock", NULL, &host, &error), -ENOENT);
	assert_non_null(strstr(error.text, "cannot connect to socket '/nowhere/sock'"));
	assert_null(host);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(riser_client_create(path, NULL, &host, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.text, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
