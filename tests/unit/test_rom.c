/* SPDX-License-Identifier: MIT */
/* The option romfile: a file's bytes in a ROM BAR of the next power of two. */
#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>

enum { LENGTH = 3000, SIZE = 4096 };

static const struct riser_pci_device desc = { .size = sizeof(desc),
					      .id = { .vendor = 0x1234 },
					      .name = "d" };

/* A file of `size` bytes, each its place; the caller removes it. */
static void make_file(char *path, off_t size)
{
	unsigned char bytes[LENGTH];
	int fd;

	strcpy(path, "/tmp/riser-rom-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	for (unsigned i = 0; i < LENGTH; i++)
		bytes[i] = (unsigned char)(i * 7);
	assert_int_equal(write(fd, bytes, LENGTH), LENGTH);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void test_contents(void **state)
{
	struct riser__region_info info;
	struct fake_host host;
	char path[64], options[80];

	(void)state;
	make_file(path, LENGTH);
	snprintf(options, sizeof(options), "romfile=%s", path);
	fake_host_start(&host, &desc, options);
	unlink(path); /* it was read whole */
	riser__pci_region_info(host.dev, RISER__REGION_ROM, &info);
	assert_int_equal(info.size, SIZE);
	assert_false(info.writable);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(fake_host_read(&host, RISER__REGION_ROM, i, 1),
				 i < LENGTH ? i * 7 & 0xff : 0xff);
	assert_int_equal(fake_host_read(&host, RISER__REGION_ROM, LENGTH - 2, 4),
			 0xffff0000 | ((LENGTH - 1) * 7 & 0xff) << 8 |
				 ((LENGTH - 2) * 7 & 0xff));
	fake_host_stop(&host);
}

static void test_sizing_and_writes(void **state)
{
	struct fake_host host;
	char path[64], options[80];
	uint32_t value = 0;

	(void)state;
	make_file(path, LENGTH);
	snprintf(options, sizeof(options), "romfile=%s", path);
	fake_host_start(&host, &desc, options);
	fake_host_write(&host, RISER__REGION_CONFIG, PCI_ROM_ADDRESS, 4, 0xffffffff);
	assert_int_equal(fake_host_read(&host, RISER__REGION_CONFIG, PCI_ROM_ADDRESS, 4),
			 0xfffff001);
	fake_host_write(&host, RISER__REGION_ROM, 0, 4, 0x12345678);
	assert_int_equal(fake_host_read(&host, RISER__REGION_ROM, 0, 4), 0x150e0700);
	assert_int_equal(host.dev->mistakes[RISER__READ_ONLY], 1);
	assert_int_equal(riser__pci_read(host.dev, RISER__REGION_ROM, SIZE - 2, &value, 4),
			 -EINVAL);
	fake_host_stop(&host);
	unlink(path);
}

/* The device is not made, and the line names file and cause. */
static void expect_refusal(const char *path, int error, const char *says)
{
	const struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	const struct riser__host_ops none = { 0 };
	struct riser_model *model;
	struct riser_error text;
	struct riser_dev *dev;
	char options[80];

	snprintf(options, sizeof(options), "romfile=%s", path);
	assert_int_equal(riser_model_from_export(exported, &model, &text), 0);
	assert_int_equal(riser__dev_create(model, options, &none, NULL, false, &text, &dev),
			 error);
	if (!strstr(text.text, path) || !strstr(text.text, says))
		fail_msg("'%s' does not say '%s' of '%s'", text.text, says, path);
	riser_model_close(model);
}

static void test_refused(void **state)
{
	char path[64];

	(void)state;
	expect_refusal("/nowhere/at/all", -ENOENT, "No such file");
	expect_refusal("/tmp", -EINVAL, "1 byte to 16 MiB");
	make_file(path, 0);
	expect_refusal(path, -EINVAL, "1 byte to 16 MiB");
	unlink(path);
	make_file(path, (16 << 20) + 1);
	expect_refusal(path, -EINVAL, "1 byte to 16 MiB");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_sizing_and_writes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
