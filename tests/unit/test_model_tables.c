/* SPDX-License-Identifier: MIT */
/* Tables and texts that are not what their member says are refused before they are read. */
#include "fake_host.h"

#include <stdio.h>
#include <string.h>

struct state {
	uint32_t a, b;
	char *text;
};

static const struct riser_reg reg[] = { { RISER_REG(0, struct state, a), .rw = RISER_ALL } };
static const struct riser_reg plain_reg[] = { { RISER_REG(0, struct state, a) } };
/* With a mask that is no flags of a struct riser_reach, which is made like this one. */
static const struct riser_reg_field reg_field[] = { { "f", 1 << 8, "help" } };
static const struct riser_window window[] = { { .name = "w", .size = 4 } };
static const struct riser_bar bar[] = { { .size = 4096, .regs = RISER_REGS(reg) } };
static const struct riser_pci_cap cap[] = { RISER_PM };
static const struct riser_option option[] = { { RISER_OPTION(U32, struct state, a) } };
static const struct riser_reach reach[] = { { "@", RISER_READS, NULL } };
static const struct riser_field field[] = { { RISER_FIELD(struct state, a) } };
static void fire(struct riser_dev *dev)
{
	(void)dev;
}
static const struct riser_timer timer[] = { { "t", fire } };
static const struct riser_virtio_feature feature[] = { { .name = "f", .bit = 3 } };
static const struct riser_vq_desc vq[] = { { .name = "q", .size = 64 } };

/* What every type of table looks like, for what the compiler would not let through. */
struct any_table {
	const void *base;
	uint32_t count, stride;
};

#define TABLE(a)                                                                               \
	{                                                                                      \
#a,                                                                            \
		{                                                                              \
			a, 1, sizeof(a[0])                                                     \
		}                                                                              \
	}
static const struct {
	const char *type;
	struct any_table table;
} tables[] = {
	TABLE(reg),   TABLE(plain_reg), TABLE(reg_field), TABLE(window),
	TABLE(bar),   TABLE(cap),	TABLE(option),	  TABLE(reach),
	TABLE(field), TABLE(timer),	TABLE(feature),	  TABLE(vq),
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

/* A descriptor with every table that there is, each good. */
struct whole {
	struct riser_reg regs[1], cap_regs[1];
	struct riser_window windows[1];
	struct riser_bar bars[1];
	struct riser_pci_cap caps[1];
	struct riser_option options[1];
	struct riser_pci_device pci;
	struct riser_virtio_device virtio;
};

static void whole_make(struct whole *w)
{
	memset(w, 0, sizeof(*w));
	w->regs[0] = (struct riser_reg){ RISER_REG(0, struct state, a),
					 .fields = RISER_REG_FIELDS(reg_field) };
	w->cap_regs[0] = (struct riser_reg){ RISER_REG(4, struct state, b),
					     .fields = RISER_REG_FIELDS(reg_field) };
	w->windows[0] = (struct riser_window){ .name = "w", .offset = 8, .size = 4 };
	w->bars[0] = (struct riser_bar){ .size = 4096,
					 .regs = RISER_REGS(w->regs),
					 .windows = RISER_WINDOWS(w->windows) };
	w->caps[0] = (struct riser_pci_cap){ .kind = RISER_CAP_VENDOR,
					     .size = 8,
					     .regs = RISER_REGS(w->cap_regs) };
	w->options[0] = (struct riser_option){ RISER_OPTION(STRING, struct state, text),
					       .reaches = RISER_REACHES(reach) };
	w->pci = (struct riser_pci_device){ .size = sizeof(w->pci),
					    .name = "whole",
					    .id = { .vendor = 0x1234 },
					    .state_size = sizeof(struct state),
					    .bars = RISER_BARS(w->bars),
					    .caps = RISER_CAPS(w->caps),
					    .options = RISER_OPTIONS(w->options),
					    .fields = RISER_FIELDS(field),
					    .timers = RISER_TIMERS(timer) };
	w->virtio = (struct riser_virtio_device){ .size = sizeof(w->virtio),
						  .name = "whole",
						  .virtio_id = 42,
						  .state_size = sizeof(struct state),
						  .features = RISER_VIRTIO_FEATURES(feature),
						  .config = RISER_REGS(w->regs),
						  .vqs = RISER_VQS(vq),
						  .options = RISER_OPTIONS(w->options),
						  .fields = RISER_FIELDS(field),
						  .timers = RISER_TIMERS(timer) };
}

#define PLACE(table, virtio, ...)                                                              \
	{                                                                                      \
		offsetof(struct whole, table), virtio, __VA_ARGS__                             \
	}
/* Where a table may stand, what it is called, and what belongs there. */
static const struct {
	size_t at;
	bool virtio;
	const char *name, *type, *other; /* two types of register fit */
} places[] = {
	PLACE(pci.bars, false, ".bars", "bar", NULL),
	PLACE(bars[0].regs, false, ".bars[0].regs", "reg", "plain_reg"),
	PLACE(bars[0].windows, false, ".bars[0].windows", "window", NULL),
	PLACE(regs[0].fields, false, ".bars[0].regs[0].fields", "reg_field", NULL),
	PLACE(pci.caps, false, ".caps", "cap", NULL),
	PLACE(caps[0].regs, false, ".caps[0].regs", "reg", "plain_reg"),
	PLACE(cap_regs[0].fields, false, ".caps[0].regs[0].fields", "reg_field", NULL),
	PLACE(pci.options, false, ".options", "option", NULL),
	PLACE(options[0].reaches, false, ".options[0].reaches", "reach", NULL),
	PLACE(pci.fields, false, ".fields", "field", NULL),
	PLACE(pci.timers, false, ".timers", "timer", NULL),
	PLACE(virtio.features, true, ".features", "feature", NULL),
	PLACE(virtio.config, true, ".config", "reg", "plain_reg"),
	PLACE(regs[0].fields, true, ".config[0].fields", "reg_field", NULL),
	PLACE(virtio.vqs, true, ".vqs", "vq", NULL),
	PLACE(virtio.options, true, ".options", "option", NULL),
	PLACE(options[0].reaches, true, ".options[0].reaches", "reach", NULL),
	PLACE(virtio.fields, true, ".fields", "field", NULL),
	PLACE(virtio.timers, true, ".timers", "timer", NULL),
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* "" if it is taken. */
static const char *opened(const struct whole *w, bool virtio, struct riser_error *error)
{
	struct riser_export exported = { RISER_ABI, virtio ? RISER_VIRTIO : RISER_PCI,
					 virtio ? (const void *)&w->virtio : &w->pci };
	struct riser_model *model;

	error->text[0] = '\0';
	if (!riser_model_from_export(exported, &model, error))
		riser_model_close(model);
	else
		assert_string_not_equal(error->text, "");
	return error->text;
}

static const char *with_table(unsigned place, struct any_table table, struct riser_error *error)
{
	struct whole w;

	whole_make(&w);
	memcpy((char *)&w + places[place].at, &table, sizeof(table));
	return opened(&w, places[place].virtio, error);
}

static struct any_table good_table(unsigned place)
{
	struct any_table table;
	struct whole *w = test_malloc(sizeof(*w));

	whole_make(w);
	memcpy(&table, (char *)w + places[place].at, sizeof(table));
	test_free(w);
	return table;
}

static void expect(unsigned place, const char *text, const char *says)
{
	if (!strstr(text, says) || !strstr(text, places[place].name))
		fail_msg("%s: '%s' does not say '%s'", places[place].name, text, says);
}

/* Every type in every place: where it does not belong it is refused, and by its member. */
static void test_types(void **state)
{
	struct riser_error error;

	(void)state;
	for (unsigned place = 0; place < PLACES; place++) {
		for (unsigned i = 0; i < TABLES; i++) {
			const char *type = tables[i].type, *text;

			if (!strcmp(type, places[place].type) ||
			    (places[place].other && !strcmp(type, places[place].other)))
				continue;
			text = with_table(place, tables[i].table, &error);
			if (!*text)
				fail_msg("%s takes a table of %s", places[place].name, type);
			if (tables[i].table.stride != good_table(place).stride)
				expect(place, text, "rows of");
		}
	}
}

static void test_shapes(void **state)
{
	static char garbage[128] __attribute__((aligned(16)));
	struct riser_error error;

	(void)state;
	memset(garbage, 0x5a, sizeof(garbage));
	for (unsigned place = 0; place < PLACES; place++) {
		struct any_table good = good_table(place), t = good;

		t.stride -= 16; /* by more than any row has grown */
		expect(place, with_table(place, t, &error), "rows of");
		t.stride = good.stride + 8;
		expect(place, with_table(place, t, &error), "rows of");
		t.stride = 0;
		expect(place, with_table(place, t, &error), "rows of");
		t = good;
		t.base = NULL;
		expect(place, with_table(place, t, &error), "no .base");
		t.base = (const void *)64;
		expect(place, with_table(place, t, &error), "no table");
		t.base = garbage + 1;
		expect(place, with_table(place, t, &error), "no table");
		t.base = garbage;
		assert_string_not_equal(with_table(place, t, &error), "");
		t = good;
		t.count = 65537;
		expect(place, with_table(place, t, &error), "at most 65536");
		t = (struct any_table){ (const void *)64, 0, 7 };
		with_table(place, t, &error);
		assert_null(strstr(error.text, "no table"));
	}
}

static void test_texts(void **state)
{
	static const char *const bad[] = { (const char *)8, "two\nlines", "\033[2J" };
	struct riser_error error;
	struct whole w;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		whole_make(&w);
		w.pci.summary = w.virtio.summary = bad[i];
		assert_non_null(strstr(opened(&w, false, &error), ".summary is not a text"));
		assert_non_null(strstr(opened(&w, true, &error), ".summary is not a text"));
		whole_make(&w);
		w.pci.name = bad[i];
		assert_non_null(strstr(opened(&w, false, &error), ".name is not a text"));
		whole_make(&w);
		w.regs[0].help = bad[i];
		assert_non_null(strstr(opened(&w, false, &error), ".bars[0].regs[0].help"));
		whole_make(&w);
		w.options[0].value = bad[i];
		assert_non_null(strstr(opened(&w, true, &error), ".options[0].value"));
		whole_make(&w);
		w.windows[0].name = bad[i];
		assert_non_null(strstr(opened(&w, false, &error), ".bars[0].windows[0].name"));
		whole_make(&w);
		w.caps[0].data = (const void *)8;
		assert_non_null(strstr(opened(&w, false, &error), ".caps[0].data"));
		whole_make(&w);
		w.bars[0].ops = (const void *)8;
		assert_non_null(strstr(opened(&w, false, &error), ".bars[0].ops"));
	}
}

static void test_descriptor_sizes(void **state)
{
	static const size_t sizes[] = { 0, 8, sizeof(struct riser_pci_device) - 8,
					sizeof(struct riser_pci_device) + 8, SIZE_MAX };
	/* What came after fini() older models do not have. */
	static const size_t virtio_sizes[] = { 0, 8, offsetof(struct riser_virtio_device, fini),
					       sizeof(struct riser_virtio_device) + 8,
					       SIZE_MAX };
	struct riser_error error;
	struct whole w;

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		whole_make(&w);
		w.pci.size = sizes[i];
		w.virtio.size = virtio_sizes[i];
		assert_non_null(strstr(opened(&w, false, &error), ".size"));
		assert_non_null(strstr(opened(&w, true, &error), ".size"));
	}
	whole_make(&w);
	assert_string_equal(opened(&w, false, &error), "");
	assert_string_equal(opened(&w, true, &error), "");
	w.virtio.size = offsetof(struct riser_virtio_device, drain);
	assert_string_equal(opened(&w, true, &error), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_descriptor_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
