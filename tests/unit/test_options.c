/* SPDX-License-Identifier: MIT */
/* Options: what is taken, and one line for each thing that is not. */
#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
	bool fast;
	uint32_t seed, lanes;
	uint64_t size, period;
	const char *file, *title, *where, *disk;
};

static const struct riser_reach reaches[] = {
	{ "user", RISER_NETWORK | RISER_READS },
	{ "unix:@", RISER_CONNECTS },
	{ "*:fifo:@", RISER_READS, ".in" },
	{ "*:fifo:@", RISER_WRITES, ".out" },
};

static const struct riser_option options[] = {
	{ RISER_OPTION(BOOL, struct state, fast) },
	{ RISER_OPTION(U32, struct state, seed), .value = "0x42" },
	{ RISER_OPTION(U32, struct state, lanes), .value = "4", .min = 1, .max = 16 },
	{ RISER_OPTION(U64, struct state, size) },
	{ RISER_OPTION(TIME, struct state, period), .value = "5ms", .max = 1000000000 },
	{ RISER_OPTION(STRING, struct state, file) },
	{ RISER_OPTION(STRING, struct state, title), .value = "none" },
	{ RISER_OPTION(STRING, struct state, where), .value = "user",
	  .reaches = RISER_REACHES(reaches) },
	{ RISER_OPTION(PATH, struct state, disk), .value = "/etc/shadow" },
};
static const struct riser_option required[] = {
	{ RISER_OPTION(U32, struct state, seed), .required = true, .help = "where to begin" },
};
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "opt",
	.state_size = sizeof(struct state),
	.options = RISER_OPTIONS(options),
};

static struct fake_host host;
static const struct state *s;

static void given(const char *text)
{
	if (host.dev)
		fake_host_stop(&host);
	fake_host_start(&host, &desc, text);
	s = riser_state(host.dev);
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	memset(&host, 0, sizeof(host));
	return 0;
}

/* Parses on a device that is there; the text of the refusal. */
static const char *refusal(const char *text)
{
	static struct riser_error error;
	struct riser_dev dev = { .model = host.dev->model,
				 .desc = host.dev->desc,
				 .state = riser_state(host.dev) };

	error.text[0] = '\0';
	if (riser__options_parse(&dev, text, &error) != -EINVAL)
		fail_msg("'%s' is taken", text);
	riser__options_free(&dev);
	assert_int_equal(strncmp(error.text, "opt: ", 5), 0);
	return error.text + 5;
}

static void test_defaults(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		given(i ? "" : NULL);
		assert_false(s->fast);
		assert_int_equal(s->seed, 0x42);
		assert_int_equal(s->lanes, 4);
		assert_int_equal(s->size, 0);
		assert_int_equal(s->period, 5000000);
		assert_null(s->file);
		assert_string_equal(s->title, "none");
		assert_null(host.dev->romfile);
		assert_true(host.dev->msix);
	}
}

static void test_values(void **state)
{
	(void)state;
	given("fast,seed=010,lanes=0xF,size=3G,period=20us,file=a=b c,title=");
	assert_true(s->fast);
	assert_int_equal(s->seed, 10);
	assert_int_equal(s->lanes, 15);
	assert_true(s->size == UINT64_C(3) << 30);
	assert_int_equal(s->period, 20000);
	assert_string_equal(s->file, "a=b c");
	assert_string_equal(s->title, "");
	given("seed=1,seed=0XfFfFfFfF,size=18446744073709551615,period=0");
	assert_int_equal(s->seed, UINT32_MAX); /* the last one counts */
	assert_true(s->size == UINT64_MAX);
	assert_int_equal(s->period, 0);
	given("size=0x10K");
	assert_int_equal(s->size, 16384);
	given("size=16777215T,period=1s");
	assert_true(s->size == UINT64_C(16777215) << 40);
	assert_int_equal(s->period, 1000000000);
}

static void checks_as(const char *given, int ret, const char *says)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	struct riser_model *model;
	struct riser_error error = { "" };

	assert_int_equal(riser_model_from_export(exported, &model, &error), 0);
	assert_int_equal(riser_model_check(model, given, &error), ret);
	assert_non_null(strstr(error.text, says));
	riser_model_close(model);
}

/* Without a device: init() is not called. */
static void test_check(void **state)
{
	(void)state;
	checks_as(NULL, 0, "");
	checks_as("seed=1,size=4K,disk=/nowhere", 0, "");
	checks_as("seed=x", -EINVAL, "option 'seed'");
	checks_as("sede=1", -EINVAL, "unknown option 'sede'");
	checks_as("seed", -EINVAL, "needs a value");
}

/* ---- What they reach ---- */

static void note(void *arg, uint32_t flags, const char *path, const char *suffix)
{
	char *noted = arg;

	sprintf(noted + strlen(noted), "%u %s%s;", flags, path ? path : "-",
		suffix ? suffix : "");
}

static void expect_reach(const char *given, const char *expected)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	struct riser_model *model;
	struct riser_error error;
	char noted[256] = "";

	assert_int_equal(riser_model_from_export(exported, &model, &error), 0);
	assert_int_equal(riser_model_reach(model, given, note, noted), 0);
	assert_string_equal(noted, expected);
	riser_model_close(model);
}

static void test_reach(void **state)
{
	(void)state;
	/* A default may have the network, but names no path. */
	expect_reach(NULL, "32 -;");
	expect_reach("where=user", "32 -;");
	expect_reach("where=users", "");
	expect_reach("where=unix:/a,,b", "8 /a,b;");
	expect_reach("where=unix:", "");
	expect_reach("where=x:unix:/a", "");
	expect_reach("where=x:fifo:/a", "1 /a.in;2 /a.out;");
	expect_reach("where=fifo:/a", "");
	expect_reach("where=:fifo:/a", "");
	expect_reach("where=x:y:fifo:/a", "");
	expect_reach("where=none,disk=/d,title=/t", "3 /d;");
	expect_reach("where,disk,disk=,nothing=/x,where=,romfile=r", "1 r;");
}

static void test_bad_reach(void **state)
{
	static const struct riser_reach bad[][1] = {
		{ { NULL, RISER_READS } },
		{ { "@:more", RISER_READS } },
		{ { "@", RISER_READS, "/../shadow" } },
		{ { "@", 0 } },
		{ { "@", 1u << 7 } },
	};
	static const char *const says[] = { "has no .form", "'@' before its end", "has a '/'",
					    "flags 0", "flags 0x80" };

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct riser_option option = { RISER_OPTION(STRING, struct state, file),
						     .reaches = RISER_REACHES(bad[i]) };
		struct riser_pci_device wrong = desc;
		struct riser_model *model;
		struct riser_error error;

		wrong.options = (struct riser_options){ .base = &option,
							.count = 1,
							.stride = sizeof(option) };
		assert_int_not_equal(
			riser_model_from_export(
				(struct riser_export){ RISER_ABI, RISER_PCI, &wrong }, &model,
				&error),
			0);
		assert_non_null(strstr(error.text, says[i]));
	}
}

static void test_booleans(void **state)
{
	static const char *const on[] = { "fast", "fast=on", "fast=true", "fast=yes",
					  "fast=1" };
	static const char *const off[] = { "fast=off", "fast=false", "fast=no", "fast=0" };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		given(on[i]);
		assert_true(s->fast);
	}
	for (unsigned i = 0; i < 4; i++) {
		given(off[i]);
		assert_false(s->fast);
	}
}

static void test_commas(void **state)
{
	(void)state;
	given("file=a,,b,,,,c,title=,,");
	assert_string_equal(s->file, "a,b,,c");
	assert_string_equal(s->title, ",");
	given("file=,,,title=x");
	assert_string_equal(s->file, ",");
	assert_string_equal(s->title, "x");
}

static void test_not_numbers(void **state)
{
	static const char *const bad[] = {
		"",    "-1",   "+1",  " 1",  "1 ",	  "1.5",  "1e3",
		"0x",  "0xg",  "1k",  "1KK", "1KB",	  "K",	  "18446744073709551616",
		"one", "0x-1", "1_0", "0b1", "16777216T", "\xb2",
	};
	static const char *const bad_times[] = {
		"",   "5",  "5m",   "1.5s", "s",     "5 ms",
		"0x", "5S", "-5ms", "ms",   "5msms", "18446744074s",
	};
	char text[64];

	(void)state;
	given(NULL);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "size=%s", bad[i]);
		assert_non_null(strstr(refusal(text), "option 'size' takes a number such as"));
	}
	for (unsigned i = 0; i < sizeof(bad_times) / sizeof(*bad_times); i++) {
		snprintf(text, sizeof(text), "period=%s", bad_times[i]);
		assert_non_null(strstr(refusal(text), "option 'period' takes a time such as"));
	}
	assert_string_equal(refusal("fast=maybe"),
			    "option 'fast' takes on or off, not 'maybe'");
}

static void test_bounds(void **state)
{
	(void)state;
	given("lanes=1");
	given("lanes=16");
	assert_string_equal(refusal("lanes=17"),
			    "option 'lanes': 17 is out of bounds: it takes 1 to 16");
	assert_string_equal(refusal("lanes=0"),
			    "option 'lanes': 0 is out of bounds: it takes 1 to 16");
	assert_string_equal(refusal("seed=4G"),
			    "option 'seed': 4G is out of bounds: it takes 0 to 4294967295");
	assert_string_equal(
		refusal("period=1001ms"),
		"option 'period': 1001ms is out of bounds: it takes 0ns to 1000000000ns");
}

static void test_unknown(void **state)
{
	(void)state;
	given(NULL);
	assert_string_equal(refusal("sede=1"),
			    "unknown option 'sede'; it takes: fast, seed, "
			    "lanes, size, period, file, title, where, disk, romfile, msix");
	assert_string_equal(refusal("Seed=1"),
			    "unknown option 'Seed'; it takes: fast, seed, "
			    "lanes, size, period, file, title, where, disk, romfile, msix");
	assert_string_equal(refusal("seed"), "option 'seed' needs a value: seed=...");
	assert_string_equal(refusal("romfile"), "option 'romfile' needs a value: romfile=...");
	assert_non_null(strstr(refusal("=1"), "has no name"));
	assert_non_null(strstr(refusal("seed=1,"), "has no name"));
	assert_non_null(strstr(refusal(",seed=1"), "has no name"));
	assert_non_null(strstr(refusal(","), "has no name"));
	/* One line, whatever comes in. */
	assert_null(strpbrk(refusal("a\nb\033=1"), "\n\033"));
}

static void test_romfile(void **state)
{
	struct riser_error error;
	struct riser_dev dev = { 0 };

	(void)state;
	given(NULL);
	dev.model = host.dev->model;
	dev.desc = host.dev->desc;
	dev.state = riser_state(host.dev);
	assert_int_equal(riser__options_parse(&dev, "romfile=/a,,b,seed=7", &error), 0);
	assert_string_equal(dev.romfile, "/a,b");
	assert_int_equal(s->seed, 7);
	riser__options_free(&dev);
	assert_null(dev.romfile);
}

static void test_msix(void **state)
{
	(void)state;
	given("msix=off");
	assert_false(host.dev->msix);
	given("msix=off,msix");
	assert_true(host.dev->msix);
	assert_string_equal(refusal("msix=2"), "option 'msix' takes on or off, not '2'");
}

static void test_required(void **state)
{
	struct riser_pci_device strict = desc;

	(void)state;
	strict.options = (struct riser_options)RISER_OPTIONS(required);
	fake_host_start(&host, &strict, "seed=0");
	assert_string_equal(refusal(""),
			    "option 'seed' is required: opt,seed=... (where to begin)");
	assert_string_equal(refusal("romfile=x"),
			    "option 'seed' is required: opt,seed=... (where to begin)");
}

/* More than fit into a line, and the last one required. */
static void test_many(void **state)
{
	enum { MANY = 100 };
	static char names[MANY][12];
	static struct riser_option many[MANY];
	struct riser_pci_device large = desc;
	const char *text;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "option%u", i);
		many[i] = options[1];
		many[i].name = names[i];
	}
	many[MANY - 1].required = true;
	many[MANY - 1].value = NULL;
	large.options = (struct riser_options)RISER_OPTIONS(many);
	fake_host_start(&host, &large, "option99=1");
	assert_non_null(strstr(refusal("option1=1"), "'option99' is required"));
	text = refusal("x=1");
	assert_non_null(strstr(text, "option0, option1, "));
	assert_string_equal(text + strlen(text) - 20, ", ..., romfile, msix");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),  TEST(test_values),      TEST(test_booleans),
		TEST(test_commas),    TEST(test_not_numbers), TEST(test_bounds),
		TEST(test_unknown),   TEST(test_romfile),     TEST(test_msix),
		TEST(test_required),  TEST(test_many),	      TEST(test_reach),
		TEST(test_bad_reach), TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
