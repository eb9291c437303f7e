/* SPDX-License-Identifier: MIT */
/*
 * Messages that are wrong, each with its documented answer (malformed_*.c). Each is sent by a
 * client of its own; after it the server serves on, has said so in one line, and once the
 * client is gone holds no descriptor and no byte more than before. --table prints what
 * docs/malformed.md shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "malformed.h"

enum { FDS = 32, LARGEST = 1 << 17, ID = 0x4242 };

/* What goes over the wire, and what has to come back. */
struct message {
	const char *name, *way;
	uint8_t bytes[LARGEST];
	size_t size;
	const char *fds;
	uint16_t command;
	int answer;
	enum malformed_log log;
	bool first;
};

static const struct malformed_group *const tables[] = {
	malformed_version, malformed_memory, malformed_device,
	malformed_access,  malformed_state,
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static int make_fd(char kind)
{
	int fds[2] = { -1, -1 };

	if (kind == 'e')
		return wire_eventfd();
	if (kind == 'n')
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (kind == 'r')
		return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (kind == 'm') {
		fds[0] = memfd_create("memory", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fds[0], 1 << 20), 0);
		return fds[0];
	}
	assert_int_equal(kind == 'p' ? pipe2(fds, O_CLOEXEC)
				     : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
			 0);
	close(fds[1]);
	return fds[0];
}

/* ---- What is sent ---- */

static void put_header(struct message *m, uint16_t command, uint32_t says, uint32_t flags)
{
	struct wire_header header = { ID, command, says, flags, 0 };

	m->command = command;
	memcpy(m->bytes, &header, sizeof(header));
}

/* The payload: words, then a text behind the first of them. */
static void put_payload(struct message *m, const uint32_t words[16], int size, const char *text,
			unsigned times)
{
	size_t length = text ? strlen(text) : 0;

	memset(m->bytes, 0, sizeof(m->bytes));
	memcpy(m->bytes + 16, words, 16 * sizeof(*words));
	m->size = 16 + (size_t)size;
	for (unsigned i = 0; text && i < (times ? times : 1); i++, m->size += length)
		memcpy(m->bytes + m->size, text, length);
	m->size += text != NULL; /* its NUL */
}

static void make_case(struct message *m, const struct malformed *bad)
{
	m->name = bad->name;
	m->way = "";
	m->fds = bad->fds ? bad->fds : "";
	m->answer = bad->answer;
	m->first = bad->first;
	m->log = bad->log;
	put_payload(m, bad->words, bad->size, bad->text, bad->times);
	put_header(m, bad->command,
		   bad->says == SIZE_0 ? 0
		   : bad->says	       ? bad->says
				       : (uint32_t)m->size,
		   bad->flags);
}

static void spoil(struct message *m, enum malformed_way way)
{
	if (way == WAY_EMPTY)
		m->size = 16;
	if (way == WAY_SHORT || way == WAY_POSTED)
		m->size--;
	if (way == WAY_LONG)
		m->size++;
	if (way == WAY_HUGE)
		m->size += 65536;
	if (way == WAY_ZEROS || way == WAY_ONES)
		memset(m->bytes + 16, way == WAY_ONES ? 0xff : 0, m->size - 16);
	if (way == WAY_FDS)
		m->fds = "eemmeemmeemmeemm";
	if (way == WAY_FDS_MORE)
		m->fds = "eemmeemmeemmeemme";
}

static void make_way(struct message *m, const struct malformed_command *command,
		     enum malformed_way way)
{
	static const uint32_t flags[MALFORMED_WAYS] = {
		[WAY_TYPE] = 2,
		[WAY_FLAG] = 1u << 9,
		[WAY_REPLY] = WIRE_REPLY,
		[WAY_POSTED] = WIRE_NO_REPLY,
	};

	m->name = command->name;
	m->way = malformed_ways[way];
	m->fds = "";
	m->answer = command->answers[way];
	m->first = command->first || way == WAY_EARLY;
	m->log = BY_ANSWER;
	put_payload(m, command->words, command->size, command->text, 1);
	spoil(m, way);
	put_header(m, command->command,
		   way == WAY_SIZE_LESS	  ? 15
		   : way == WAY_SIZE_MORE ? UINT32_MAX
					  : (uint32_t)m->size,
		   flags[way]);
}

static void send_message(struct wire *w, const struct message *m)
{
	unsigned count = (unsigned)strlen(m->fds);
	int fds[FDS] = { -1 };

	for (unsigned i = 0; i < count; i++)
		fds[i] = make_fd(m->fds[i]);
	wire_send_fds(w->fd, m->bytes, m->size, fds, count);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

/* ---- What must come of it ---- */

static void expect_answer(struct wire *w, const struct message *m)
{
	bool open;

	if (m->answer == SILENT)
		return; /* were there a reply, the next one would not be the one waited for */
	open = wire_receive(w);
	if (open != (m->answer != CLOSES))
		fail_msg("%s %s: the connection is %s", m->name, m->way,
			 open ? "open" : "closed");
	if (!open)
		return;
	if (w->in.header.id != ID || w->in.header.command != m->command ||
	    w->in.header.flags != (m->answer ? WIRE_REPLY | WIRE_ERROR : WIRE_REPLY) ||
	    (int)w->in.header.error != m->answer || (m->answer && w->in.size))
		fail_msg("%s %s: id %x, command %u, flags %#x, error %u (%s), %zu bytes",
			 m->name, m->way, w->in.header.id, w->in.header.command,
			 w->in.header.flags, w->in.header.error,
			 strerror((int)w->in.header.error), w->in.size);
}

/* A version that cannot be talked: the answer says so, and there is no more to say. */
static bool is_over(const struct message *m)
{
	return m->answer == CLOSES || m->answer == EPROTONOSUPPORT;
}

static void expect_served_on(struct wire *w, const struct message *m)
{
	uint32_t info[4] = { 16 };

	if (is_over(m))
		return;
	if (m->first && m->answer)
		wire_negotiate(w);
	if (wire_call(w, WIRE_GET_INFO, info, 16))
		fail_msg("%s %s: then it does not serve on", m->name, m->way);
}

/* What the process holds while no client is there. */
struct held {
	unsigned fds;
	size_t bytes;
};

static struct held held(void)
{
	return (struct held){ wire_count_fds(), mallinfo2().uordblks };
}

static bool no_more(struct held now, struct held before)
{
	return now.fds == before.fds && now.bytes <= before.bytes;
}

/* When it has let go of all; `before` may have been looked at a little early, and had more
 * then. */
static void expect_held(struct held *before, const struct message *m)
{
	struct held now = held();

	for (int i = 0; i < 600000 && !no_more(now, *before); i++) {
		usleep(1000);
		now = held();
	}
	if (!no_more(now, *before))
		fail_msg("%s %s: %u descriptors and %zu bytes, before it %u and %zu", m->name,
			 m->way, now.fds, now.bytes, before->fds, before->bytes);
	*before = now;
}

static void expect_lines(struct wire *w, const struct message *m)
{
	unsigned lines = atomic_exchange(&w->lines, 0);
	bool one = m->log == BY_ANSWER && m->answer != FINE;

	if ((m->log != GUESTS && lines != one) || atomic_load(&w->errors))
		fail_msg("%s %s: %u lines, %u of them errors", m->name, m->way, lines,
			 atomic_load(&w->errors));
}

static void hang_up(struct wire *w)
{
	close(w->fd);
	w->fd = -1;
}

static void arrive(struct wire *w, const struct message *m)
{
	w->fd = wire_connect(w);
	if (m->first)
		return;
	wire_negotiate(w);
	assert_int_equal(wire_map(w, MAPPED, MAPPED_SIZE, 3, -1, 0), 0);
}

static void play(struct wire *w, const struct message *m, struct held *before)
{
	arrive(w, m);
	send_message(w, m);
	expect_answer(w, m);
	expect_served_on(w, m);
	expect_lines(w, m);
	hang_up(w);
	expect_held(before, m);
}

/* What a first client makes the process hold for good is no leak. */
static struct held held_after_one(struct wire *w, struct message *m)
{
	struct held before = { wire_count_fds(), 0 };

	make_case(m, &malformed_memory[0].cases[0]);
	arrive(w, m);
	hang_up(w);
	wire_expect_fds(before.fds);
	usleep(10000);
	return held();
}

/* ---- The tests ---- */

static void test_tables(void **state)
{
	struct message *m = malloc(sizeof(*m));
	struct wire *w = *state;
	struct held before;

	assert_non_null(m);
	before = held_after_one(w, m);
	for (unsigned t = 0; t < TABLES; t++) {
		for (const struct malformed_group *group = tables[t]; group->title; group++) {
			for (size_t i = 0; i < group->count; i++) {
				make_case(m, &group->cases[i]);
				play(w, m, &before);
			}
		}
	}
	free(m);
}

static void test_ways(void **state)
{
	struct message *m = malloc(sizeof(*m));
	struct wire *w = *state;
	struct held before;

	assert_non_null(m);
	before = held_after_one(w, m);
	for (unsigned i = 0; i < malformed_command_count; i++) {
		for (unsigned way = 0; way < MALFORMED_WAYS; way++) {
			make_way(m, &malformed_commands[i], way);
			if (m->answer != NONE)
				play(w, m, &before);
		}
	}
	free(m);
}

/* Every command a byte at a time is answered as if it had come whole. */
static void test_byte_at_a_time(void **state)
{
	struct message *m = malloc(sizeof(*m));
	struct wire *w = *state;
	struct held before;

	assert_non_null(m);
	before = held_after_one(w, m);
	for (unsigned i = 0; i < malformed_command_count; i++) {
		make_way(m, &malformed_commands[i], WAY_WELL);
		arrive(w, m);
		for (size_t at = 0; at < m->size; at++) {
			wire_send_bytes(w->fd, m->bytes + at, 1);
			if (at % 3 == 0)
				usleep(200); /* and so received alone */
		}
		expect_answer(w, m);
		expect_served_on(w, m);
		expect_lines(w, m);
		hang_up(w);
		expect_held(&before, m);
	}
	free(m);
}

/* The client goes after each byte of each command, descriptors sent with the first one. */
static void test_gone_at_every_byte(void **state)
{
	struct message *m = malloc(sizeof(*m));
	struct wire *w = *state;
	struct held before;

	assert_non_null(m);
	before = held_after_one(w, m);
	for (unsigned i = 0; i < malformed_command_count; i++) {
		make_way(m, &malformed_commands[i], WAY_FDS);
		for (size_t size = m->size; --size;) {
			m->size = size;
			arrive(w, m);
			send_message(w, m);
			hang_up(w);
			expect_held(&before, m);
		}
		assert_int_equal(atomic_load(&w->lines), 0);
	}
	wire_reconnect(w);
	free(m);
}

/* As many ranges as are offered and no more. */
static void test_max_dma_maps(void **state)
{
	struct wire *w = *state;

	for (uint64_t i = 0; i < 65535; i++)
		assert_int_equal(wire_map(w, i * 8192, 4096, 3, -1, 0), 0);
	assert_int_equal(wire_map(w, UINT64_C(65536) * 8192, 4096, 3, -1, 0), ENOSPC);
}

/* ---- The table ---- */

static void print_answer(int answer)
{
	if (answer == NONE)
		printf("| ");
	else if (answer == FINE)
		printf("| done ");
	else if (answer == CLOSES)
		printf("| **closed** ");
	else if (answer == SILENT)
		printf("| silence ");
	else
		printf("| %s ", strerrorname_np(answer));
}

static void print_ways(void)
{
	printf("## Every command, spoiled\n\n| way ");
	for (unsigned i = 0; i < malformed_command_count; i++)
		printf("| %s ", malformed_commands[i].name);
	printf("|\n| --- ");
	for (unsigned i = 0; i < malformed_command_count; i++)
		printf("| --- ");
	for (unsigned way = 0; way < MALFORMED_WAYS; way++) {
		printf("|\n| %s ", malformed_ways[way]);
		for (unsigned i = 0; i < malformed_command_count; i++)
			print_answer(malformed_commands[i].answers[way]);
	}
	printf("|\n");
}

/* A text in a cell of the table: a bar would end the cell. */
static void print_name(const char *name)
{
	for (; *name; name++)
		printf(*name == '|' ? "\\%c" : "%c", *name);
}

static void print_table(void)
{
	print_ways();
	for (unsigned t = 0; t < TABLES; t++) {
		for (const struct malformed_group *group = tables[t]; group->title; group++) {
			printf("\n## %s\n\n| message | answer |\n| --- | --- |\n",
			       group->title);
			for (size_t i = 0; i < group->count; i++) {
				printf("| ");
				print_name(group->cases[i].name);
				printf(" ");
				print_answer(group->cases[i].answer);
				printf("|\n");
			}
		}
	}
}

/* The allocator keeps what each thread freed, and calls it used: not when bytes are counted. */
static void count_exactly(char **argv)
{
	static const char name[] = "GLIBC_TUNABLES";

	if (getenv(name))
		return;
	setenv(name, "glibc.malloc.tcache_count=0", 1);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tables, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_ways, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_byte_at_a_time, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_at_every_byte, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_max_dma_maps, wire_setup, wire_teardown),
	};

	if (argc > 1 && !strcmp(argv[1], "--table")) {
		print_table();
		return 0;
	}
	count_exactly(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
